"""Whether a changed rule of a row lets fewer rows pass, told from its name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

Change = Literal["tighter", "looser", "other"]
Bound = float | str

_VALUE = r"(\S+)"
_SHAPES = (
    ("range", rf"between {_VALUE} and {_VALUE}", (1, 2)),
    ("range", rf"(?:at least|greater than|not before) {_VALUE}", (1, None)),
    ("range", rf"(?:at most|less than) {_VALUE}", (None, 1)),
    ("length", r"has (\d+) to (\d+) characters", (1, 2)),
    ("length", r"has at least (\d+) characters", (1, None)),
    ("length", r"has at most (\d+) characters", (None, 1)),
    ("length", r"has (\d+) characters", (1, 1)),
)
_WORDS = ("is required", "in ", "not in ", "matches ", "is a multiple of ", "fits ")


def kind(rule: Mapping[str, Any]) -> str:
    """Returns what a rule is about; of each kind a column has one rule as a rule.

    >>> kind({"column": "distance", "name": "distance between 17 and 4983"})
    'range'
    """
    said = _said(rule)
    for name, shape, _ in _SHAPES:
        if re.fullmatch(shape, said):
            return name
    return next((word for word in _WORDS if said.startswith(word)), said)


def change(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """Returns whether the new rule of the same kind lets fewer rows pass, or more.

    >>> narrow = {"column": "d", "name": "d between 1 and 5"}
    >>> change(narrow, {"column": "d", "name": "d at least 1"})
    'looser'
    """
    if kind(old) == "in ":
        was, now = _listed(old), _listed(new)
        return "looser" if was <= now else "tighter" if now <= was else "other"
    if kind(old) not in ("range", "length") or _strict(old) != _strict(new):
        return "other"
    (low, high), (lowest, highest) = _interval(old), _interval(new)
    fewer = _less(low, lowest) or _less(highest, high)
    more = _less(lowest, low) or _less(high, highest)
    if fewer == more:
        return "other"
    return "tighter" if fewer else "looser"


def _said(rule: Mapping[str, Any]) -> str:
    """Returns a rule's name without its column."""
    return str(rule["name"]).removeprefix(f"{rule['column']} ")


def _strict(rule: Mapping[str, Any]) -> bool:
    """Tells whether the bounds themselves are excluded."""
    return _said(rule).startswith(("greater than", "less than"))


def _listed(rule: Mapping[str, Any]) -> frozenset[str]:
    """Returns the values that a rule lists."""
    return frozenset(_said(rule).removeprefix("in ").split(", "))


def _interval(rule: Mapping[str, Any]) -> tuple[Bound, Bound]:
    """Returns the two bounds of a rule, infinite where it has none."""
    for _, shape, (low, high) in _SHAPES:
        if found := re.fullmatch(shape, _said(rule)):
            return (
                _value(found[low]) if low else -math.inf,
                _value(found[high]) if high else math.inf,
            )
    return -math.inf, math.inf


def _value(text: str) -> Bound:
    """Returns a number, or a date or time as its text, which sorts as it does."""
    try:
        return float(text)
    except ValueError:
        return text


def _less(one: Bound, other: Bound) -> bool:
    """Compares two bounds; infinity is below or above every text."""
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    if isinstance(one, str):
        return other == math.inf
    if isinstance(other, str):
        return one == -math.inf
    return one < other
