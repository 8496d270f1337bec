"""What one read of the catalog finds, and what its snapshots say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

SAME_ROWS = "lakehouse.same-rows-as"
"""In the summary of a snapshot that changed files and no row: the one that brought the rows."""


@dataclass(frozen=True)
class Refs:
    """One consistent view of the lake: every table as one read of the catalog found it."""

    tables: Mapping[str, Table] = field(default_factory=dict)

    def snapshot(self, name: str) -> int | None:
        """Returns the snapshot id of `main`, or None where there is no table or no snapshot."""
        table = self.tables.get(name)
        found = table.current_snapshot() if table else None
        return found.snapshot_id if found else None

    def content(self, name: str) -> int | None:
        """Returns what stands for the rows that readers of `main` see, None as `snapshot` does.

        It is the snapshot that brought them. Unlike the snapshot's id it stays the same when files
        are compacted, so what was made from these rows is recorded and compared by it.
        """
        table = self.tables.get(name)
        found = table.current_snapshot() if table else None
        return content_of(found) if found else None

    def properties(self, name: str) -> Mapping[str, str]:
        """Returns the properties of a table, none where there is no table."""
        table = self.tables.get(name)
        return table.properties if table else {}


def content_of(snapshot: Snapshot) -> int:
    """Returns the snapshot that brought the rows of this one, which is itself unless compacted."""
    noted = summary_of(snapshot).get(SAME_ROWS)
    return int(noted) if noted else snapshot.snapshot_id


def summary_of(snapshot: Snapshot | None) -> Mapping[str, str]:
    """Returns what a snapshot says of itself; nothing where there is none."""
    return snapshot.summary.additional_properties if snapshot and snapshot.summary else {}


def rows_of(snapshot: Snapshot | None) -> int:
    """Returns how many rows a snapshot has; none where there is none."""
    return int(summary_of(snapshot).get("total-records", 0))


def stamps(snapshot: Snapshot) -> dict[str, str]:
    """Returns what the engine noted on a snapshot; others with the same rows have it too."""
    noted = summary_of(snapshot).items()
    return {name: said for name, said in noted if name.startswith("lakehouse.")}
