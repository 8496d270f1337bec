"""Rewrites a table's metadata for another place: Iceberg knows nothing but full URLs.

Every metadata file keeps its name and its content but for URLs, and the lengths of manifests. The
same input gives the same bytes, so that what was written once is known again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, cast

import fastavro
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import StaticTable, Table

from lakehouse.catalog.catalog import Catalog
from lakehouse.catalog.reaching import manifests

Move = Callable[[str], str]
"""Returns the URL in the other place of a file in this one."""


def relocated(table: Table, move: Move, folder: Path) -> dict[str, Path]:
    """Rewrites a table's manifests, manifest lists and metadata into local files.

    Args:
        table: The table, of which nothing is changed.
        move: Where its files will be.
        folder: A local folder for what is written.

    Returns:
        The local file by the URL that it belongs at; the table's metadata comes last.
    """
    written: dict[str, Path] = {}
    lengths: dict[str, int] = {}
    for manifest in manifests(table):
        url = manifest.manifest_path
        file = folder / url.rsplit("/", 1)[-1]
        _rewrite(table, url, file, lambda entry: _moved_entry(entry, move))
        written[move(url)], lengths[url] = file, file.stat().st_size
    for snapshot in table.metadata.snapshots:
        file = folder / snapshot.manifest_list.rsplit("/", 1)[-1]
        _rewrite(table, snapshot.manifest_list, file, lambda e: _moved_manifest(e, move, lengths))
        written[move(snapshot.manifest_list)] = file
    file = folder / table.metadata_location.rsplit("/", 1)[-1]
    with table.io.new_input(table.metadata_location).open() as stream:
        document = json.loads(stream.read())
    # former versions of the metadata stay behind; snapshots do not need them
    moved = _moved_texts({**document, "metadata-log": []}, move, document["location"])
    file.write_text(json.dumps(moved), encoding="utf-8")
    written[move(table.metadata_location)] = file
    return written


def counts(catalog: Catalog, location: str) -> dict[int, int]:
    """Returns the rows of every snapshot of the table that a metadata file describes."""
    properties = catalog.iceberg.properties
    io = load_file_io(properties=properties, location=location)
    metadata = FromInputFile.table_metadata(io.new_input(location))
    found = StaticTable.from_metadata(location, properties)
    return {
        s.snapshot_id: found.scan(snapshot_id=s.snapshot_id).count() for s in metadata.snapshots
    }


def _rewrite(table: Table, url: str, file: Path, change: Callable[[Any], Any]) -> None:
    """Writes an Avro file anew, each record changed."""
    with table.io.new_input(url).open() as stream, file.open("wb") as target:
        reader = fastavro.reader(cast(IO[Any], stream))
        header = {key: value for key, value in reader.metadata.items() if key[:5] != "avro."}
        fastavro.writer(
            target,
            reader.writer_schema or {},
            [change(record) for record in reader],
            codec=reader.codec or "null",
            metadata=header,
            sync_marker=hashlib.sha256(url.encode()).digest()[:16],
        )


def _moved_entry(entry: Any, move: Move) -> Any:
    entry["data_file"]["file_path"] = move(entry["data_file"]["file_path"])
    return entry


def _moved_manifest(entry: Any, move: Move, lengths: Mapping[str, int]) -> Any:
    url = entry["manifest_path"]
    return {**entry, "manifest_path": move(url), "manifest_length": lengths[url]}


def _moved_texts(value: Any, move: Move, root: str) -> Any:
    """Returns a JSON document in which every URL of the table's folder is that of its new place."""
    match value:
        case str() if value == root or value.startswith(f"{root}/"):
            return move(value)
        case dict():
            return {key: _moved_texts(found, move, root) for key, found in value.items()}
        case list():
            return [_moved_texts(found, move, root) for found in value]
        case _:
            return value
