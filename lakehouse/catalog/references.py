"""What names point at: `main`, which readers follow, and tags, which keep what they name."""

from __future__ import annotations

from typing import Literal

from pyiceberg.table import Table
from pyiceberg.table.update import (
    RemoveSnapshotRefUpdate,
    SetCurrentSchemaUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
)

from lakehouse.catalog.catalog import MAIN, Change, still_at
from lakehouse.catalog.evolving import map_names


def main_at(snapshot_id: int) -> SetSnapshotRefUpdate:
    """Returns the update after which readers see a snapshot."""
    return _named(MAIN, "branch", snapshot_id)


def back(table: Table, snapshot_id: int, *, columns: bool = False) -> Change:
    """Returns the change that lets readers see an earlier snapshot again, if they see this one.

    Args:
        table: The table.
        snapshot_id: The snapshot.
        columns: Whether they see it in the columns that it was published in, too.
    """
    current = table.current_snapshot()
    updates = (*(_columns_of(table, snapshot_id) if columns else ()), main_at(snapshot_id))
    return Change(table, updates, (still_at(current.snapshot_id),) if current else ())


def _columns_of(table: Table, snapshot_id: int) -> tuple[TableUpdate, ...]:
    """Returns the updates after which a table has the columns of a snapshot."""
    snapshot = table.snapshot_by_id(snapshot_id)
    wanted = snapshot.schema_id if snapshot else None
    if wanted is None or wanted == table.metadata.current_schema_id:
        return ()
    transaction = table.transaction()
    transaction._apply((SetCurrentSchemaUpdate(schema_id=wanted),))
    map_names(transaction)
    return transaction._updates


def tag(table: Table, name: str, snapshot_id: int) -> Change:
    """Returns the change that names a snapshot, which then stays; no commit forgets it."""
    return Change(table, (_named(name, "tag", snapshot_id),))


def untag(table: Table, name: str) -> Change:
    """Returns the change that takes a name away."""
    return Change(table, (RemoveSnapshotRefUpdate(ref_name=name),))


def _named(name: str, kind: Literal["branch", "tag"], snapshot_id: int) -> SetSnapshotRefUpdate:
    return SetSnapshotRefUpdate(
        ref_name=name,
        type=kind,
        snapshot_id=snapshot_id,
        max_ref_age_ms=None,
        max_snapshot_age_ms=None,
        min_snapshots_to_keep=None,
    )
