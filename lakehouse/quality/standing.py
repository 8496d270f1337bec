"""Which verdict stands on each expectation in each partition: the one of its last audit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from lakehouse.ledger import Judgement
from lakehouse.results import WHOLE

Limits = tuple[float | None, float | None]
_WORST = ("ERROR", "FAIL", "PASS")
_LIMITS: Mapping[str, Callable[[Any], Limits]] = {
    "mustBe": lambda limit: (limit, limit),
    "mustBeGreaterThan": lambda limit: (limit, None),
    "mustBeGreaterOrEqualTo": lambda limit: (limit, None),
    "mustBeLessThan": lambda limit: (None, limit),
    "mustBeLessOrEqualTo": lambda limit: (None, limit),
    "mustBeBetween": lambda limit: (limit[0], limit[1]),
}


def told(verdict: Judgement) -> str:
    """Returns the outcome for people: what fails and only warns is no refusal."""
    warns = verdict.outcome != "PASS" and verdict.severity == "warning"
    return f"{verdict.outcome} (warning)" if warns else verdict.outcome


@dataclass(frozen=True)
class Expected:
    """One expectation with the verdicts that stand, one per partition.

    Attributes:
        latest: The verdicts of each partition's last audit, in the order of the partitions.
        before: Verdicts of earlier audits, the newest first.
    """

    latest: tuple[Judgement, ...]
    before: tuple[Judgement, ...] = ()

    @cached_property
    def newest(self) -> Judgement:
        """The verdict that was given last: it says what is expected now."""
        return max(self.latest, key=lambda verdict: verdict.sequence)

    @property
    def name(self) -> str:
        """Name of the expectation."""
        return self.newest.name

    @cached_property
    def outcome(self) -> str:
        """The worst outcome that stands."""
        found = {verdict.outcome for verdict in self.latest}
        return next(outcome for outcome in _WORST if outcome in found)

    @cached_property
    def troubled(self) -> tuple[Judgement, ...]:
        """The verdicts that stand and are no PASS."""
        return tuple(verdict for verdict in self.latest if verdict.outcome != "PASS")

    @cached_property
    def worst(self) -> Judgement:
        """The verdict that deserves a look first: could not be evaluated, failed, most rows."""
        return min(self.latest, key=_urgency)

    @cached_property
    def arguments(self) -> Mapping[str, Any]:
        """What is expected."""
        found: Mapping[str, Any] = json.loads(self.newest.expected)
        return found

    @property
    def limits(self) -> tuple[Limits, ...]:
        """Smallest and largest value allowed, for each number that is observed."""
        said = self.arguments
        if isinstance(ranges := said.get("quantile_ranges"), Mapping):
            return tuple((low, high) for low, high in ranges.get("value_ranges", ()))
        for operator, limits in _LIMITS.items():
            if operator in said:
                return (limits(said[operator]),)
        if self.newest.unexpected is not None:
            return ((said.get("mostly", 1.0), None),)
        exact = said.get("value")
        low, high = said.get("min_value", exact), said.get("max_value", exact)
        return ((number(low), number(high)),)

    @cached_property
    def observed(self) -> tuple[float, float] | None:
        """Smallest and largest number observed, None where it is not one number."""
        found = [values[0] for verdict in self.latest if len(values := readings(verdict)) == 1]
        return (min(found), max(found)) if found else None


@dataclass(frozen=True)
class Audit:
    """One audit of a dataset.

    Attributes:
        sequence: Orders audits.
        judged_at: When.
        run: The run that judged.
        version: The contract's version.
        partitions: Partitions that were judged.
        refused: Those of them that were not published.
        outcomes: Number of verdicts by outcome.
    """

    sequence: int
    judged_at: datetime
    run: str
    version: str
    partitions: tuple[str, ...]
    refused: tuple[str, ...]
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class Standing:
    """How a dataset stands.

    Attributes:
        dataset: The dataset.
        expected: Its expectations, in the order of the last audit.
        audits: Its audits, the newest first.
        partitions: Partitions with a verdict, in order.
        refused: Those whose last audit refused them.
    """

    dataset: str
    expected: tuple[Expected, ...]
    audits: tuple[Audit, ...]
    partitions: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def worst(self) -> Judgement | None:
        """The verdict that deserves a look first, None where nothing was judged."""
        return min((expected.worst for expected in self.expected), key=_urgency, default=None)


def stand(
    dataset: str, judgements: Iterable[Judgement], partitions: Collection[str] | None = None
) -> Standing:
    """Returns how a dataset stands by its verdicts.

    Args:
        dataset: The dataset.
        judgements: All its verdicts, or those of the last audits of each partition.
        partitions: Partitions that there are; None for all that were ever judged.
    """
    found = [one for one in judgements if partitions is None or one.partition in partitions]
    last: dict[str, int] = {}
    for one in found:
        last[one.partition] = max(one.sequence, last.get(one.partition, 0))
    latest = [one for one in found if one.sequence == last[one.partition]]
    by_name: dict[str, list[Judgement]] = {}
    for one in sorted(latest, key=lambda one: (-one.sequence, one.partition)):
        by_name.setdefault(one.name, []).append(one)
    before: dict[str, list[Judgement]] = {}
    for one in found:
        if one.sequence != last[one.partition]:
            before.setdefault(one.name, []).append(one)
    return Standing(
        dataset,
        tuple(_expected(stands, before.get(name, ())) for name, stands in by_name.items()),
        _audits(found),
        tuple(sorted(last)),
        tuple(sorted({one.partition for one in latest if not one.published})),
    )


def _expected(latest: Iterable[Judgement], before: Iterable[Judgement]) -> Expected:
    return Expected(
        tuple(sorted(latest, key=lambda one: one.partition)),
        tuple(sorted(before, key=lambda one: -one.sequence)),
    )


def _audits(found: Iterable[Judgement]) -> tuple[Audit, ...]:
    by_audit: dict[int, list[Judgement]] = {}
    for one in found:
        by_audit.setdefault(one.sequence, []).append(one)
    return tuple(_audit(sequence, by_audit[sequence]) for sequence in sorted(by_audit)[::-1])


def _audit(sequence: int, verdicts: Sequence[Judgement]) -> Audit:
    first = verdicts[0]
    outcomes = [verdict.outcome for verdict in verdicts]
    return Audit(
        sequence,
        first.judged_at,
        first.run,
        first.version,
        tuple(sorted({verdict.partition for verdict in verdicts})),
        tuple(sorted({verdict.partition for verdict in verdicts if not verdict.published})),
        {outcome: outcomes.count(outcome) for outcome in _WORST},
    )


def _urgency(verdict: Judgement) -> tuple[bool, bool, int, int]:
    """Orders verdicts by how much they need a person; the first needs one most."""
    passed = verdict.outcome == "PASS"
    rank = _WORST.index(verdict.outcome)
    return passed, verdict.severity != "error", rank, -(verdict.unexpected or 0)


def readings(verdict: Judgement) -> tuple[float, ...]:
    """Returns the numbers that a verdict observed: one, one per quantile, or none."""
    return _numbers(verdict.observed)


@lru_cache(maxsize=10_000)
def _numbers(text: str) -> tuple[float, ...]:
    observed = json.loads(text)
    if isinstance(observed, Mapping) and "quantiles" in observed:
        found = [number(value) for value in observed.get("values") or ()]
        return tuple(value for value in found if value is not None)
    value = number(observed)
    return () if value is None else (value,)


def number(value: object) -> float | None:
    """Returns a finite number, or None for whatever else it is."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def whole(standing: Standing) -> bool:
    """Says whether the dataset is not partitioned, so that only audits tell its verdicts apart."""
    return standing.partitions == (WHOLE,)
