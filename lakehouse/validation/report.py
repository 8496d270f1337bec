"""What an audit found: one verdict per partition and expectation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lakehouse.results import Check, Result, Severity

_ABOUT = ("column", "query")
"""Arguments that say what is looked at, not what is expected of it."""


class Outcome(StrEnum):
    """What became of one expectation in one partition."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    ERROR = "ERROR"
    """It could not be evaluated; nothing is known about the data."""


@dataclass(frozen=True)
class Verdict:
    """One expectation judged in one partition.

    Attributes:
        partition: Name of the partition.
        name: Name of the expectation, unique within the suite.
        type: Its Great Expectations type, `sql` for a query, or `has_rows` and `has_columns` for
            the two conditions that come before every suite.
        outcome: The three outcomes differ: an expectation that could not be evaluated is no fail.
        severity: `error` refuses the partition, `warning` tells.
        observed: The value found; for expectations about single rows the share of rows that are
            as expected, 0 to 1 (None where there are none).
        expected: The arguments of the expectation.
        unexpected: Number of rows that are not as expected; None where rows are not counted.
        examples: Keys and values of up to five such rows.
        notes: Why it is expected.
        message: Why it could not be evaluated, or what a condition found.
    """

    partition: str
    name: str
    type: str
    outcome: Outcome
    severity: Severity
    observed: object = None
    expected: Mapping[str, object] = field(default_factory=dict)
    unexpected: int | None = None
    examples: tuple[Mapping[str, object], ...] = ()
    notes: str = ""
    message: str = ""

    @property
    def refuses(self) -> bool:
        """Whether the partition may not be published."""
        return self.outcome is not Outcome.PASS and self.severity == "error"

    def sentence(self) -> str:
        """Returns the verdict with its evidence, for a person."""
        parts = [f"{self.name} [{self.partition}]: {self.outcome}"]
        if self.message:
            parts.append(self.message)
        if self.observed is not None:
            parts.append(f"observed {self.observed}")
        limits = {key: said for key, said in self.expected.items() if key not in _ABOUT}
        if limits:
            parts.append("expected " + ", ".join(f"{key}={limits[key]}" for key in sorted(limits)))
        if self.unexpected:
            parts.append(f"{self.unexpected:,} unexpected rows")
        if self.examples:
            parts.append("for example " + _listed(self.examples[0]))
        return "; ".join(parts)

    def check(self) -> Check:
        """Returns the verdict with the common face of judgements."""
        facts = {
            "outcome": str(self.outcome),
            "type": self.type,
            "observed": self.observed,
            "expected": dict(self.expected),
            "unexpected": self.unexpected,
            "examples": [dict(row) for row in self.examples],
            "notes": self.notes,
            "message": self.message,
        }
        return Check(
            name=self.name,
            passed=self.outcome is Outcome.PASS,
            severity=self.severity,
            description=self.sentence(),
            facts={key: value for key, value in facts.items() if value not in (None, "", [], {})},
            partition=self.partition,
        )


@dataclass(frozen=True)
class Report(Result):
    """The audit of some partitions of one dataset.

    Attributes:
        dataset: Name of the dataset.
        partitions: The partitions that were to be judged.
        verdicts: One per partition and expectation, and one per condition that did not hold.
        rows: Rows found in each partition.
    """

    dataset: str
    partitions: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    rows: Mapping[str, int]

    @property
    def failed_partitions(self) -> tuple[str, ...]:
        """Partitions in which an expectation of severity error failed or could not be evaluated."""
        refused = {verdict.partition for verdict in self.verdicts if verdict.refuses}
        return tuple(name for name in self.partitions if name in refused)

    @property
    def passed_partitions(self) -> tuple[str, ...]:
        """Partitions that may be published."""
        refused = set(self.failed_partitions)
        return tuple(name for name in self.partitions if name not in refused)

    def summary(self) -> str:
        """Returns one sentence with the counts and the refused partitions."""
        count = Counter(verdict.outcome for verdict in self.verdicts)
        refused = self.failed_partitions
        ending = f"; refused: {', '.join(refused)}" if refused else ""
        return (
            f"{self.dataset}: {count[Outcome.PASS]:,} of {len(self.verdicts):,} expectations "
            f"passed over {len(self.partitions):,} partition(s), {count[Outcome.FAIL]:,} failed, "
            f"{count[Outcome.ERROR]:,} could not be evaluated{ending}"
        )

    def facts(self) -> Mapping[str, object]:
        """Returns the counts of the audit."""
        count = Counter(verdict.outcome for verdict in self.verdicts)
        return {
            "expectations_passed": count[Outcome.PASS],
            "expectations_failed": count[Outcome.FAIL],
            "expectations_not_evaluated": count[Outcome.ERROR],
            "partitions_judged": len(self.partitions),
            "partitions_refused": len(self.failed_partitions),
            "rows_judged": sum(self.rows.values()),
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns one check per verdict."""
        return tuple(verdict.check() for verdict in self.verdicts)

    def refusals(self) -> tuple[str, ...]:
        """Returns a sentence for every verdict that refuses its partition."""
        return tuple(
            f"{self.dataset}: {verdict.sentence()}" for verdict in self.verdicts if verdict.refuses
        )


def _listed(row: Mapping[str, object]) -> str:
    """Returns `key=value` pairs of one example row."""
    return ", ".join(f"{key}={value}" for key, value in row.items())
