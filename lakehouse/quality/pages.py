"""Data Docs: one HTML page per dataset that needs neither a server nor the network.

An audit adds its verdicts to a file beside the page, which holds the last audits of the newest
partitions and of those that are not as they should be, so that a page does not cost more the longer
the history is. `write` makes both anew from the ledger, which holds everything.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lakehouse.contract import Contract
from lakehouse.ledger import Judgement
from lakehouse.quality import history
from lakehouse.quality.charts import EDGE, HEIGHT, LEFT, WIDTH, draw
from lakehouse.quality.standing import Standing, stand, told, whole
from lakehouse.results import WHOLE

DOCS = "data_docs"
"""Name of the fact that says where the page of a check is."""
_KEPT, _KEPT_WHOLE = 3, 100
"""Audits on the page, of each partition and of a table without partitions."""
_PARTITIONS = 120
"""The newest partitions are on the page, and all others with a verdict that is no PASS."""
_AUDITS, _TROUBLES = 30, 20
"""Audits listed, and verdicts listed per expectation."""


def page(home: Path, dataset: str) -> Path:
    """Returns where the dataset's page is, or will be."""
    return home / "docs" / "quality" / dataset / "index.html"


def add(home: Path, contract: Contract, judgements: Sequence[Judgement]) -> Path:
    """Adds the verdicts of one audit to the dataset's page and returns it.

    Args:
        home: Folder of the embedded lake.
        contract: Says what the dataset is.
        judgements: The audit's verdicts.
    """
    file = page(home, contract.dataset)
    file.parent.mkdir(parents=True, exist_ok=True)
    before = history.read(_history(file))
    found = [*before, *judgements]
    kept = _kept(found)
    if len(found) > 2 * len(kept):
        _replace(_history(file), history.text(kept))
    else:
        history.append(_history(file), judgements, before)
    _replace(file, html(contract, stand(contract.dataset, kept)))
    return file


def write(home: Path, contract: Contract, judgements: Iterable[Judgement]) -> Path:
    """Makes the dataset's page anew of all its verdicts and returns it."""
    file = page(home, contract.dataset)
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = _kept(judgements)
    _replace(_history(file), history.text(kept))
    _replace(file, html(contract, stand(contract.dataset, kept)))
    return file


def html(contract: Contract, standing: Standing) -> str:
    """Returns the page's text; every value in it is escaped."""
    by_audit = whole(standing)
    sections = [
        {
            "expected": expected,
            "chart": draw(expected, by_audit),
            "troubles": _troubles(expected.latest, expected.before),
        }
        for expected in standing.expected
    ]
    text: str = _template().render(
        contract=contract,
        standing=standing,
        sections=sections,
        audits=standing.audits[:_AUDITS],
        width=WIDTH,
        height=HEIGHT,
        edge=EDGE,
        left=LEFT,
    )
    return text


def _troubles(latest: Sequence[Judgement], before: Sequence[Judgement]) -> list[dict[str, Any]]:
    """Returns what is no PASS: what stands first, then what later audits have overtaken."""
    found = [(one, True) for one in latest] + [(one, False) for one in before]
    told = [
        {"verdict": one, "stands": stands, "examples": json.loads(one.examples)}
        for one, stands in found
        if one.outcome != "PASS"
    ]
    return told[:_TROUBLES]


def _kept(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Returns the verdicts of the last audits of each partition that is on the page."""
    found = list(judgements)
    audits: dict[str, set[int]] = {}
    for one in found:
        audits.setdefault(one.partition, set()).add(one.sequence)
    first = {
        name: sorted(numbers)[-(_KEPT_WHOLE if name == WHOLE else _KEPT) :][0]
        for name, numbers in audits.items()
    }
    recent = [one for one in found if one.sequence >= first[one.partition]]
    shown = {*sorted(audits)[-_PARTITIONS:]}
    shown |= {one.partition for one in recent if one.outcome != "PASS"}
    return [one for one in recent if one.partition in shown]


def _history(file: Path) -> Path:
    return file.with_name("history.ndjson")


def _replace(file: Path, text: str) -> None:
    """Writes a file that is complete or the one before."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(name).replace(file)


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lakehouse.quality", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "said": said, "told": told}
    return environment.get_template("page.html")


def shown(value: object) -> str:
    """Returns a value for people: numbers short, the rest as JSON.

    >>> shown(0.99871), shown(28330), shown(None), shown({"values": [1, 2]}), shown("EWR")
    ('0.9987', '28,330', '', '{"values": [1, 2]}', 'EWR')
    """
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.4g}"
    return json.dumps(value, ensure_ascii=False)


def said(text: str) -> object:
    """Returns the value of a JSON text."""
    return json.loads(text)
