"""What of a table's metadata can go, and which files that which stays refers to."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import (
    RemoveSnapshotRefUpdate,
    RemoveSnapshotsUpdate,
    SetPropertiesUpdate,
    TableUpdate,
)

from lakehouse.catalog.catalog import Change
from lakehouse.catalog.expiring import forgettable, history, unseen
from lakehouse.catalog.reaching import reached

AUDIT = "audit-"
"""How the branches are called on which new content waits for its judgement."""


def audits(table: Table) -> Mapping[str, Snapshot]:
    """Returns the branches on which new content waits for its judgement."""
    found = {}
    for name, ref in table.metadata.refs.items():
        snapshot = table.snapshot_by_id(ref.snapshot_id)
        if name.startswith(AUDIT) and ref.snapshot_ref_type == SnapshotRefType.BRANCH and snapshot:
            found[name] = snapshot
    return found


def superfluous(table: Table, branches: Collection[str], before: float) -> list[int]:
    """Returns the snapshots that need not stay.

    Args:
        table: The table.
        branches: Branches that go.
        before: Seconds since 1970; what no reader ever saw goes if it is older.
    """
    never = {one.snapshot_id for one in unseen(table) if one.timestamp_ms <= before * 1000}
    refs = table.metadata.refs.items()
    stay = {ref.snapshot_id for name, ref in refs if name not in branches}
    stay |= {snapshot.snapshot_id for snapshot in history(table)}
    heads = {ref.snapshot_id for name, ref in refs if name in branches} - stay
    return sorted({*never, *heads, *forgettable(table)})


def without(
    table: Table, branches: Collection[str], snapshots: Collection[int], keep: Mapping[str, str]
) -> Change:
    """Returns the change that takes branches and snapshots from a table's metadata.

    Args:
        table: The table.
        branches: Branches that go.
        snapshots: Snapshots that go.
        keep: The properties that say how many snapshots the table keeps.
    """
    by_itself = forgettable(table)  # every commit sees to these
    stale = [number for number in snapshots if number not in by_itself]
    updates: list[TableUpdate] = [SetPropertiesUpdate(updates=dict(keep))]
    updates += [RemoveSnapshotRefUpdate(ref_name=name) for name in branches]
    if stale:
        updates.append(RemoveSnapshotsUpdate(snapshot_ids=stale))
    return Change(table, tuple(updates))


def referred(table: Table) -> set[str]:
    """Returns the URLs of all files that a table needs: its metadata, manifests and data.

    All snapshots count that the present metadata knows, and the metadata files in its log.
    """
    found = {table.metadata_location, *reached(table)}
    found |= {entry.metadata_file for entry in table.metadata.metadata_log}
    figures = (*table.metadata.statistics, *table.metadata.partition_statistics)
    return found | {one.statistics_path for one in figures}
