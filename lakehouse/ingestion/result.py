"""What a refresh of one dataset did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.results import Check, Result, counted


@dataclass(frozen=True)
class PartitionOutcome:
    """What became of one stale partition.

    Attributes:
        name: Partition name.
        published: False if it was refused; readers then see what they saw before.
        reason: Why it was stale.
        rows: Rows that readers see now.
        quarantined: Broken rows set apart.
        duplicates: Rows whose key came again in the same delivery.
        superseded: Rows whose key a later delivery brought again.
    """

    name: str
    published: bool
    reason: str
    rows: int
    quarantined: int = 0
    duplicates: int = 0
    superseded: int = 0


@dataclass(frozen=True)
class Refreshed(Result):
    """A dataset brought up to date.

    Attributes:
        dataset: The dataset.
        outcomes: One per partition that was stale.
        judgements: What the audit found.
        refused: What was refused, as full sentences.
        snapshot: The snapshot that readers see, None if there is none.
        rows: All rows that readers see.
        held: Rows that readers see, by partition, also where nothing was stale.
        unassigned: Broken rows that belong to no partition.
        hold: What a rollback keeps from being made anew, as a full sentence.
    """

    dataset: str
    outcomes: tuple[PartitionOutcome, ...]
    judgements: tuple[Check, ...]
    refused: tuple[str, ...]
    snapshot: int | None
    rows: int
    held: Mapping[str, int]
    unassigned: int = 0
    hold: str = ""

    @property
    def quarantined(self) -> int:
        """Broken rows set apart by this refresh."""
        return self.unassigned + sum(o.quarantined for o in self.outcomes if o.published)

    def summary(self) -> str:
        """Counts partitions and rows."""
        done = [outcome for outcome in self.outcomes if outcome.published]
        if not self.outcomes and not self.refused:
            ending = f"nothing to do. {self.hold}" if self.hold else "up to date"
            return f"silver/{self.dataset}: {ending}"
        rows, places = sum(o.rows for o in done), counted(len(done), "partition")
        parts = [f"{counted(rows, 'row')} in {places} published"]
        if self.quarantined:
            parts.append(f"{self.quarantined:,} quarantined")
        if self.refused:
            parts.append(f"{len(self.refused)} refused")
        return f"silver/{self.dataset}: {', '.join(parts)}"

    def facts(self) -> Mapping[str, object]:
        """Returns counts and the snapshot."""
        done = [outcome for outcome in self.outcomes if outcome.published]
        return {
            "rows": self.rows,
            "snapshot": str(self.snapshot) if self.snapshot else None,
            "partitions_published": [outcome.name for outcome in done],
            "partitions_refused": [o.name for o in self.outcomes if not o.published],
            "quarantined": self.quarantined,
            "duplicates": sum(outcome.duplicates for outcome in done),
            "superseded": sum(outcome.superseded for outcome in done),
            "expectations_passed": sum(check.passed for check in self.judgements),
            "expectations_judged": len(self.judgements),
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns the audit's judgements."""
        return self.judgements

    def refusals(self) -> tuple[str, ...]:
        """Returns what was refused."""
        return self.refused
