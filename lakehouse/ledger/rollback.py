"""A table that readers see as it was before, until a person or its inputs say otherwise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RollbackKind = Literal["rolled_back", "released"]


@dataclass(frozen=True)
class Rollback:
    """Readers went back to an earlier publish by a person's word, or may go on from it.

    Attributes:
        number: Order, assigned by the commit.
        dataset: The dataset, whose quarantine moved with it; `gold` for all tables of one build.
        table: The table that was named.
        kind: What was done; a release moves nothing.
        from_snapshot: The table's snapshot that readers saw before.
        to_snapshot: The one that they see since.
        from_sequence: The table's last sequence number then; for gold the last build's number.
        to_sequence: Sequence number of what readers see since; for gold the build's number.
        inputs: JSON of what decided the rows then; while that is the same, it holds.
        by: Who decided.
        note: Why.
        at: For people.
    """

    number: int
    dataset: str
    table: str
    kind: RollbackKind
    from_snapshot: int
    to_snapshot: int
    from_sequence: int
    to_sequence: int
    inputs: str
    by: str
    note: str
    at: datetime


def standing(entries: Sequence[Rollback], sequence: int) -> bool:
    """Returns whether a publish is one of those that the present state was made by.

    A publish after a rollback goes on from the state that was rolled back to, so what counts are
    the publishes since the last rollback, those up to its target, and so on from there. Snapshots
    need not be known any more for this.

    Args:
        entries: The rollbacks and releases of the table, in their order.
        sequence: The publish's sequence number, or the build's number.
    """
    last = sys.maxsize
    for entry in reversed([entry for entry in entries if entry.kind == "rolled_back"]):
        if entry.from_sequence < last:
            if entry.from_sequence < sequence <= last:
                return True
            last = entry.to_sequence
    return sequence <= last
