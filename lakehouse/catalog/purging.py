"""A table without a past: one snapshot, and manifests that tell only of the files that it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus, ManifestFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot
from pyiceberg.table.update import RemoveSnapshotRefUpdate, RemoveSnapshotsUpdate
from pyiceberg.table.update.snapshot import _OverwriteFiles

from lakehouse.catalog.catalog import MAIN, Change, staged
from lakehouse.catalog.expiring import forgettable
from lakehouse.catalog.refs import SAME_ROWS, content_of, stamps


class _Renewed(_OverwriteFiles):
    """The files of a snapshot in manifests that are written anew.

    Manifests have the bounds of every file that they tell of, also of those that are gone.
    """

    def _existing_manifests(self) -> list[ManifestFile]:
        metadata = self._transaction.table_metadata
        head = metadata.snapshot_by_id(self._parent_snapshot_id or 0)
        by_spec: dict[int, list[ManifestEntry]] = {}
        for manifest in head.manifests(self._io) if head else ():
            found = manifest.fetch_manifest_entry(self._io, discard_deleted=True)
            by_spec.setdefault(manifest.partition_spec_id, []).extend(found)
        return [self._written(number, entries) for number, entries in by_spec.items() if entries]

    def _written(self, spec: int, entries: list[ManifestEntry]) -> ManifestFile:
        with self.new_manifest_writer(self._transaction.table_metadata.specs()[spec]) as writer:
            for entry in entries:
                kept = ManifestEntry.from_args(
                    status=ManifestEntryStatus.EXISTING,
                    snapshot_id=entry.snapshot_id,
                    sequence_number=entry.sequence_number,
                    file_sequence_number=entry.file_sequence_number,
                    data_file=entry.data_file,
                )
                writer.add_entry(kept)
        return writer.to_manifest_file()

    def _deleted_entries(self) -> list[ManifestEntry]:
        return []


def renewed(table: Table) -> Change:
    """Returns the change after which a table has the rows of `main` and no past.

    All other snapshots, branches and tags go. What was made from the rows stays up to date.
    """
    head = table.current_snapshot()
    if head is None:
        return Change(table, ())
    transaction = table.transaction()
    noted = {SAME_ROWS: str(content_of(head)), **stamps(head)}
    with _Renewed(Operation.OVERWRITE, transaction, table.io, snapshot_properties=noted):
        pass
    change = staged(transaction, table)
    names = [name for name in table.metadata.refs if name != MAIN]
    # the commit itself forgets what any commit would
    gone = {s.snapshot_id for s in table.metadata.snapshots} - set(forgettable(table))
    unnamed = tuple(RemoveSnapshotRefUpdate(ref_name=name) for name in names)
    forgotten = RemoveSnapshotsUpdate(snapshot_ids=sorted(gone))
    return Change(table, (*change.updates, *unnamed, forgotten), change.requirements)


def known(io: FileIO, location: str) -> Iterator[str]:
    """Yields the URL of every file that a metadata file knows of; those that are gone too."""
    with suppress(FileNotFoundError):  # a commit has dropped it
        for snapshot in FromInputFile.table_metadata(io.new_input(location)).snapshots:
            yield snapshot.manifest_list
            yield from _content(io, snapshot)


def _content(io: FileIO, snapshot: Snapshot) -> Iterator[str]:
    with suppress(FileNotFoundError):
        for manifest in snapshot.manifests(io):
            yield manifest.manifest_path
            yield from _files(io, manifest)


def _files(io: FileIO, manifest: ManifestFile) -> Iterator[str]:
    with suppress(FileNotFoundError):
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=False):
            yield entry.data_file.file_path
