"""Limits with some room around what was observed."""

from __future__ import annotations

import math
import re

_CALENDAR = {
    r"year": (1900, 2100),
    r"month": (1, 12),
    r"day": (1, 31),
    r"hour": (0, 23),
    r"minute": (0, 59),
    r"second": (0, 59),
    r"lat|latitude": (-90, 90),
    r"lon|lng|long|longitude": (-180, 180),
    r"percent|pct|percentage|.*_pct|.*_percent": (0, 100),
}
_SIGNED = re.compile(r"temp|dew|balance|delta|change|diff|delay|profit|offset", re.IGNORECASE)
"""Names of what may be negative though no value of the sample is."""
_ROOM = 1.0
"""Share of the observed span that is added on each side: a winter does not show its summer."""


def natural(name: str, low: float, high: float) -> tuple[int, int] | None:
    """Returns the range that a column's name speaks of, if the values keep to it.

    >>> natural("month", 3, 9), natural("month", 0, 13), natural("price", 0, 1)
    ((1, 12), None, None)
    """
    for pattern, (least, most) in _CALENDAR.items():
        if re.fullmatch(pattern, name.lower()) and least <= low and high <= most:
            return least, most
    return None


def widened(low: float, high: float, *, whole: bool = False) -> tuple[float, float]:
    """Returns a range three times as wide, in round numbers; never negative stays so.

    Args:
        low: Smallest value observed.
        high: Largest one.
        whole: Whether the numbers are integers.

    >>> widened(17, 4983), widened(-43, 1301), widened(0.0, 1.21), widened(5, 5)
    ((0, 10000), (-1400, 2700), (0, 2.5), (0, 15))
    """
    span = high - low or abs(high) * 2 or 1
    least, most = around(low, high, span * _ROOM, whole=whole)
    return (0 if low >= 0 else least), most


def signed(name: str) -> bool:
    """Returns whether values of that name may be negative, whatever the sample shows."""
    return _SIGNED.search(name) is not None


def around(low: float, high: float, room: float, *, whole: bool = False) -> tuple[float, float]:
    """Returns the range with `room` on each side, in round numbers.

    >>> around(34.2, 80.07, 23)
    (11, 104)
    """
    step = 10 ** max(math.floor(math.log10(room * 2)) - 1, 0 if whole else -15)
    return _floor(low - room, step), -_floor(-(high + room), step)


def _floor(value: float, step: float) -> float:
    """Returns the next multiple of a power of ten below; whole if the step is."""
    if step >= 1:
        return math.floor(value / step) * int(step)
    digits = round(1 / step)
    return math.floor(value * digits) / digits
