"""Which snapshots and metadata files a table keeps.

How many is said by two table properties of Iceberg's own, so that any engine that expires snapshots
does the same.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from pyiceberg.io import FileIO
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import RemoveSnapshotsUpdate, TableUpdate

KEEP = TableProperties.MIN_SNAPSHOTS_TO_KEEP
AGE = TableProperties.MAX_SNAPSHOT_AGE_MS
_SNAPSHOTS = 20
"""Snapshots of `main` that stay by default; metadata would else grow with every publish."""


def kept(count: int, days: float) -> Mapping[str, str]:
    """Returns the properties of a table that keeps so many snapshots, and all younger ones.

    Args:
        count: The newest snapshots of `main` that stay whatever their age.
        days: Age up to which all stay.
    """
    return {KEEP: str(count), AGE: str(round(days * 24 * 3600 * 1000))}


def forgetting(table: Table, but: Collection[int] = ()) -> tuple[TableUpdate, ...]:
    """Returns the update that forgets the snapshots of `main` that need not stay, if there are any.

    Those of a tag or branch stay, and the files of all: what is forgotten is not deleted.

    Args:
        table: The table.
        but: Further snapshots that stay.
    """
    old = [number for number in forgettable(table) if number not in but]
    return (RemoveSnapshotsUpdate(snapshot_ids=old),) if old else ()


def forgettable(table: Table) -> list[int]:
    """Returns the snapshots before the newest of `main` that are old enough to be forgotten."""
    count = int(table.properties.get(KEEP, _SNAPSHOTS))
    newest = [snapshot for _, snapshot in zip(range(count), history(table), strict=False)]
    if not newest:
        return []
    first = newest[-1].sequence_number or 0
    needed = {ref.snapshot_id for ref in table.metadata.refs.values()}
    limit = time.time() * 1000 - int(table.properties.get(AGE, 0))
    return [
        snapshot.snapshot_id
        for snapshot in table.metadata.snapshots
        if (snapshot.sequence_number or 0) < first
        and snapshot.snapshot_id not in needed
        and snapshot.timestamp_ms <= limit
    ]


def unseen(table: Table) -> list[Snapshot]:
    """Returns the snapshots that no reader of `main` ever saw and that no reference needs."""
    needed = {ref.snapshot_id for ref in table.metadata.refs.values()}
    seen = {entry.snapshot_id for entry in table.metadata.snapshot_log}
    seen |= {snapshot.snapshot_id for snapshot in history(table)}
    return [s for s in table.metadata.snapshots if s.snapshot_id not in needed | seen]


def history(table: Table) -> Iterator[Snapshot]:
    """Yields the snapshot that readers see, and its ancestors as far as they are known."""
    known = {snapshot.snapshot_id: snapshot for snapshot in table.metadata.snapshots}
    at = table.current_snapshot()
    while at is not None:
        yield at
        at = known.get(at.parent_snapshot_id) if at.parent_snapshot_id else None


def trim(io: FileIO, before: TableMetadata, after: TableMetadata, grace: float) -> None:
    """Deletes the metadata files that a commit has dropped from the table's log.

    A reader may have opened one of the younger ones; they are left to maintenance.

    Args:
        io: Where the files are.
        before: The table before the commit.
        after: The table after it.
        grace: Seconds for which a reader may need a file.
    """
    limit = (time.time() - grace) * 1000
    stay = {entry.metadata_file for entry in after.metadata_log}
    # a file was what readers opened until the next one was written
    until = [entry.timestamp_ms for entry in before.metadata_log[1:]] + [before.last_updated_ms]
    for entry, replaced in zip(before.metadata_log, until, strict=False):
        if entry.metadata_file not in stay and replaced <= limit:
            # the commit stands, whatever becomes of its leavings: maintenance deletes them, too
            with suppress(Exception):
                io.delete(entry.metadata_file)
