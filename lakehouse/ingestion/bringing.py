"""What an attempt to bring partitions up to date did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.admitting import View
from lakehouse.ingestion.files import Files
from lakehouse.ingestion.result import PartitionOutcome
from lakehouse.results import UNASSIGNED, Check


@dataclass(frozen=True)
class Brought:
    """What one attempt did.

    Attributes:
        outcomes: One per partition that was stale.
        checks: What the audit found.
        unassigned: Broken rows that belong to no partition.
    """

    outcomes: tuple[PartitionOutcome, ...] = ()
    checks: tuple[Check, ...] = ()
    unassigned: int = 0

    def then(self, later: Brought) -> Brought:
        """Returns this and what a later attempt did in partitions that this one left.

        What is judged twice was refused in the first place: that verdict is told.
        """
        done = {outcome.name for outcome in later.outcomes}
        judged = {(check.name, check.partition) for check in self.checks}
        return Brought(
            tuple(one for one in self.outcomes if one.name not in done) + later.outcomes,
            self.checks + tuple(c for c in later.checks if (c.name, c.partition) not in judged),
            self.unassigned + later.unassigned,
        )


def left(view: View, names: Sequence[str]) -> tuple[PartitionOutcome, ...]:
    """Returns partitions whose readers see what they saw before."""
    held = view.state.held
    return tuple(
        PartitionOutcome(n, False, view.state.stale[n], held[n].rows if n in held else 0)
        for n in names
        if n != UNASSIGNED
    )


def done(view: View, names: Sequence[str], files: Files) -> tuple[PartitionOutcome, ...]:
    """Returns partitions that readers now see anew, as they were conformed."""
    found = []
    for name in names:
        mine = [count for count in files.counts if count.partition == name]
        if name != UNASSIGNED:
            found.append(
                PartitionOutcome(
                    name=name,
                    published=True,
                    reason=view.state.stale[name],
                    rows=sum(count.published for count in mine),
                    quarantined=sum(count.quarantined for count in mine),
                    duplicates=sum(count.duplicates for count in mine),
                    superseded=sum(count.superseded for count in mine),
                )
            )
    return tuple(found)
