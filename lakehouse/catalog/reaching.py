"""The files that a table needs, whichever of its snapshots is read."""

from __future__ import annotations

from collections.abc import Iterator

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table


def reached(table: Table) -> Iterator[str]:
    """Yields the URL of every manifest list, manifest, data and delete file of all snapshots."""
    for snapshot in table.metadata.snapshots:
        yield snapshot.manifest_list
    for manifest in manifests(table):
        yield manifest.manifest_path
    yield from data_files(table)


def data_files(table: Table) -> Iterator[str]:
    """Yields the URL of every data and delete file of all snapshots, each once."""
    seen: set[str] = set()
    for manifest in manifests(table):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            if entry.data_file.file_path not in seen:
                seen.add(entry.data_file.file_path)
                yield entry.data_file.file_path


def manifests(table: Table) -> Iterator[ManifestFile]:
    """Yields every manifest of all snapshots, each once."""
    seen: set[str] = set()
    for snapshot in table.metadata.snapshots:
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path not in seen:
                seen.add(manifest.manifest_path)
                yield manifest
