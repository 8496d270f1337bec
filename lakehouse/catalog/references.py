"""What names point at: `main`, which readers follow, and tags, which keep what they name."""

from __future__ import annotations

from typing import Literal

from pyiceberg.table import Table
from pyiceberg.table.update import RemoveSnapshotRefUpdate, SetSnapshotRefUpdate

from lakehouse.catalog.catalog import MAIN, Change, still_at


def main_at(snapshot_id: int) -> SetSnapshotRefUpdate:
    """Returns the update after which readers see a snapshot."""
    return _named(MAIN, "branch", snapshot_id)


def back(table: Table, snapshot_id: int) -> Change:
    """Returns the change that lets readers see an earlier snapshot again, if they see this one."""
    current = table.current_snapshot()
    return Change(
        table, (main_at(snapshot_id),), (still_at(current.snapshot_id),) if current else ()
    )


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
