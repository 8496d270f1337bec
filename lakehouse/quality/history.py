"""The verdicts of a page, in a file beside it: one line of JSON per audit.

It spares an audit to read the ledger, whose history only grows. Whatever happens to the file, the
page can be made anew from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.ledger import Judgement

_Suite = dict[str, list[str]]
_AUDIT = ("dataset", "run", "snapshot", "sequence", "version", "fingerprint")
_SUITE = ("type", "severity", "notes", "expected")
_VERDICT = (
    "partition",
    "name",
    "outcome",
    "published",
    "observed",
    "unexpected",
    "examples",
    "message",
)


def read(file: Path) -> list[Judgement]:
    """Returns the verdicts of a file, none where there is no file; a torn line is passed over."""
    found: list[Judgement] = []
    suite: _Suite = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        with suppress(json.JSONDecodeError):
            document = json.loads(line)
            suite |= document["suite"]
            found += _judgements(document, suite)
    return found


def append(file: Path, judgements: Iterable[Judgement], before: Iterable[Judgement]) -> None:
    """Adds the verdicts of an audit to a file that holds those `before`."""
    known = {one.name: _said(one) for one in before}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(_text(judgements, known))


def text(judgements: Iterable[Judgement]) -> str:
    """Returns a whole file of some verdicts, the audits in their order."""
    return _text(judgements, {})


def _text(judgements: Iterable[Judgement], known: _Suite) -> str:
    by_audit: dict[int, list[Judgement]] = {}
    for one in judgements:
        by_audit.setdefault(one.sequence, []).append(one)
    return "".join(_line(by_audit[sequence], known) for sequence in sorted(by_audit))


def _line(audit: Sequence[Judgement], known: _Suite) -> str:
    """Returns the line of one audit, with what is expected only where it is news."""
    first, suite = audit[0], {one.name: _said(one) for one in audit}
    news = {name: said for name, said in suite.items() if known.get(name) != said}
    known |= news
    document = {
        "audit": [getattr(first, key) for key in _AUDIT],
        "judged_at": first.judged_at.isoformat(),
        "suite": news,
        "verdicts": [[getattr(one, key) for key in _VERDICT] for one in audit],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _said(one: Judgement) -> list[str]:
    return [getattr(one, key) for key in _SUITE]


def _judgements(document: dict[str, Any], suite: _Suite) -> list[Judgement]:
    audit = dict(zip(_AUDIT, document["audit"], strict=True))
    audit["judged_at"] = datetime.fromisoformat(document["judged_at"])
    said = {
        name: {**audit, **dict(zip(_SUITE, suite[name], strict=True))}
        for name in {verdict[1] for verdict in document["verdicts"]} & suite.keys()
    }
    return [
        Judgement(**said[verdict[1]], **dict(zip(_VERDICT, verdict, strict=True)))
        for verdict in document["verdicts"]
        if verdict[1] in said
    ]
