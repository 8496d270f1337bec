"""The files that a table needs, whichever of its snapshots is read."""

from __future__ import annotations

from collections.abc import Iterator

from pyiceberg.table import Table


def reached(table: Table) -> Iterator[str]:
    """Yields the URL of every manifest list, manifest, data and delete file of all snapshots."""
    seen: set[str] = set()
    for snapshot in table.metadata.snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                if entry.data_file.file_path not in seen:
                    seen.add(entry.data_file.file_path)
                    yield entry.data_file.file_path
