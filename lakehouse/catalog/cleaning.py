"""What of a table's metadata can go, and which files that which stays refers to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
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

AUDIT = "audit-"
"""How the branches are called on which new content waits for its judgement."""
_READERS = 8
"""Metadata files that are read at a time."""


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


def referred(tables: Iterable[Table], copies: Iterable[str] = ()) -> set[str]:
    """Returns the URLs of all files that tables need: their metadata, manifests and data.

    All snapshots count that the present metadata knows, and the metadata files in its log.

    Args:
        tables: The tables.
        copies: Metadata files beside them, of which everything counts likewise.
    """
    tables = list(tables)
    known = [(table.metadata, table.io) for table in tables]
    found = {table.metadata_location for table in tables}
    for copy in copies if tables else ():
        io = tables[0].io
        known.append((FromInputFile.table_metadata(io.new_input(copy)), io))
        found.add(copy)
    with ThreadPoolExecutor(_READERS) as pool:
        for metadata, io in known:
            found |= _metadata_files(metadata)
            found |= _content(pool, metadata, io, found)
    return found


def _metadata_files(metadata: TableMetadata) -> set[str]:
    extra = [*metadata.statistics, *metadata.partition_statistics]
    return {entry.metadata_file for entry in metadata.metadata_log} | {
        one.statistics_path for one in extra
    }


def _content(
    pool: ThreadPoolExecutor, metadata: TableMetadata, io: FileIO, known: Collection[str]
) -> set[str]:
    """Returns manifest lists, manifests and data files; those of a known manifest are not again."""
    lists = [s for s in metadata.snapshots if s.manifest_list not in known]
    manifests: dict[str, ManifestFile] = {}
    for some in pool.map(lambda snapshot: snapshot.manifests(io), lists):
        manifests |= {one.manifest_path: one for one in some}
    fresh = [one for path, one in manifests.items() if path not in known]

    def files(manifest: ManifestFile) -> list[str]:
        entries = manifest.fetch_manifest_entry(io, discard_deleted=True)
        return [entry.data_file.file_path for entry in entries]

    found = {snapshot.manifest_list for snapshot in lists} | manifests.keys()
    for some_files in pool.map(files, fresh):
        found.update(some_files)
    return found
