"""Texts that quote rows: the examples of an audit, and the values of a person."""

from __future__ import annotations

import json
import re
from typing import Any

from lakehouse.erasing.person import Person

BLOT = "[erased]"
QUOTING = ("examples", "for example", "observed")
"""What stands in a text that quotes rows."""
_EXAMPLE = re.compile(r"\b(for example|observed) [^;\n]*")


def blotted(value: Any, person: Person) -> Any:
    """Returns a text without the person, and where it quotes rows of the dataset without these."""
    if not isinstance(value, str):
        return value
    if person.contract.dataset in value and any(quote in value for quote in QUOTING):
        value = _unquoted(value)
    return person.blotted(value, BLOT)


def _unquoted(value: str) -> str:
    try:
        document = json.loads(value)
    except ValueError:
        return _EXAMPLE.sub(rf"\1 {BLOT}", value)
    return json.dumps(_without_examples(document))


def _without_examples(value: Any) -> Any:
    """Returns a JSON value without the rows of its tables and the examples in its texts."""
    if isinstance(value, dict):
        if value.get("__class__") == "TableRecord":
            return {**value, "data": dict.fromkeys(value.get("data", {}), BLOT)}
        if isinstance(seen := value.get("observed"), dict):
            told = {name: BLOT for name in ("data", "text") if name in seen}
            value = {**value, "observed": {**seen, **told}}
        return {name: _without_examples(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_examples(part) for part in value]
    return _EXAMPLE.sub(rf"\1 {BLOT}", value) if isinstance(value, str) else value
