"""Where the lines and marks of a small chart stand: an expectation's numbers over its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from lakehouse.ledger import Judgement
from lakehouse.quality.standing import Expected, Limits, readings

WIDTH, HEIGHT, EDGE, LEFT = 720, 120, 10, 56
"""Of the chart and of what surrounds its lines; the values stand on the left."""
_FEW = 60
"""Up to so many verdicts each gets a mark; beyond, only those that are no PASS."""


@dataclass(frozen=True)
class Mark:
    """One verdict in a chart, in pixels."""

    x: float
    y: float
    verdict: Judgement


@dataclass(frozen=True)
class Band:
    """The values that are allowed, in pixels from the top."""

    top: float
    height: float


@dataclass(frozen=True)
class Chart:
    """One chart in pixels, the origin in its upper left corner.

    Attributes:
        lines: Points of a polyline for each number that is observed.
        marks: Verdicts that are worth a look by themselves.
        bands: What is allowed.
        low: Value at the lower edge.
        high: Value at the upper edge.
        first: Name of the first verdict's place.
        last: Name of the last verdict's place.
    """

    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...]
    low: float
    high: float
    first: str
    last: str


def draw(expected: Expected, by_audit: bool) -> Chart | None:
    """Returns the chart of an expectation, or None where it observes no numbers.

    Args:
        expected: The expectation.
        by_audit: Draw all its verdicts by audit; otherwise those that stand, by partition.
    """
    earlier = expected.before if by_audit else ()
    verdicts = sorted((*earlier, *expected.latest), key=lambda one: (one.partition, one.sequence))
    series = [readings(verdict) for verdict in verdicts]
    values = [value for found in series for value in found]
    if len(verdicts) < 2 or not values:
        return None
    low, high = _range(values, expected.limits)
    xs = [LEFT + (WIDTH - LEFT - EDGE) * at / (len(verdicts) - 1) for at in range(len(verdicts))]

    def y(value: float) -> float:
        inside = HEIGHT - 2 * EDGE
        return EDGE + inside * (1 - (value - low) / (high - low))

    lines = []
    for line in zip_longest(*series):
        points = [f"{x:.1f},{y(v):.1f}" for x, v in zip(xs, line, strict=True) if v is not None]
        lines.append(" ".join(points))
    told = [
        Mark(x, y(value), verdict)
        for x, verdict, found in zip(xs, verdicts, series, strict=True)
        for value in (found or (low,))
        if len(verdicts) <= _FEW or verdict.outcome != "PASS"
    ]
    bands = [_band(y, limits, low, high) for limits in expected.limits]
    names = [str(v.sequence) if by_audit else v.partition for v in (verdicts[0], verdicts[-1])]
    return Chart(tuple(lines), tuple(told), tuple(bands), low, high, *names)


def _range(values: Sequence[float], limits: Sequence[Limits]) -> tuple[float, float]:
    """Returns the axis: what was observed, and limits that are not far off."""
    low, high = min(values), max(values)
    near = 3 * (high - low) or abs(high) / 10 or 1.0
    told = [limit for pair in limits for limit in pair if limit is not None]
    seen = [low, high, *(limit for limit in told if low - near <= limit <= high + near)]
    low, high = min(seen), max(seen)
    room = (high - low) / 20 or near / 2
    return low - room, high + room


def _band(y: Callable[[float], float], limits: Limits, low: float, high: float) -> Band:
    """Returns the part of the axis that is allowed."""
    smallest = low if limits[0] is None else min(max(limits[0], low), high)
    largest = high if limits[1] is None else max(min(limits[1], high), low)
    return Band(y(largest), max(y(smallest) - y(largest), 1.5))
