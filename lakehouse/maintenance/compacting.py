"""Small files become large ones, partition by partition, and no row becomes another.

It is a write, an audit and a publish of its own: new files go to a branch, their rows are counted
and hashed against those of `main`, and `main` moves only if it still is what the branch was made
from. A run that publishes meanwhile wins.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Bundle
from lakehouse.connection import quote_text
from lakehouse.errors import PublishConflict, ServiceFailed
from lakehouse.lake import Lake
from lakehouse.maintenance.auditing import same_rows
from lakehouse.maintenance.result import Compacted, CompactedTable
from lakehouse.publishing import data_url, discard, publish
from lakehouse.storage import local_path

TARGET = 128 * 1024 * 1024
"""Bytes that a data file is to have; partitions that hold less have one file."""
_ATTEMPTS = 3
_AT_ONCE = 1024 * 1024 * 1024
"""Bytes that are compacted in one publish, so that few are lost if another run comes first."""
_MOST = 200
"""Partitions that are compacted in one publish."""

Progress = Callable[[str], None]


def compact(
    lake: Lake,
    *,
    run: str,
    target: int = TARGET,
    dry: bool = False,
    progress: Progress = lambda _: None,
) -> Compacted:
    """Gives every partition of every table the fewest files of the target size.

    Nothing that was made from a table is stale because of it.

    Args:
        lake: The lake.
        run: The run.
        target: Bytes that a file is to have.
        dry: Only look.
        progress: Told of each table.

    Raises:
        ServiceFailed: New files do not hold the rows that were written to them.
    """
    found = []
    for name, table in sorted(lake.catalog.refs().tables.items()):
        todo = catalog.bundles(table, target)
        if not todo:
            continue
        if dry:
            found.append(_told(name, todo, None))
            continue
        done = _table(lake, name, target, run)
        found.append(done)
        progress(f"{name}: {done.files:,} files became {done.files_now:,}")
    return Compacted(tuple(found), dry)


def _told(name: str, done: Sequence[Bundle], written: int | None, left: int = 0) -> CompactedTable:
    return CompactedTable(
        table=name,
        partitions=len(done),
        files=sum(len(bundle.tasks) for bundle in done),
        files_now=sum(bundle.wanted for bundle in done),
        bytes=sum(bundle.size for bundle in done),
        bytes_now=written,
        left=left,
    )


def _table(lake: Lake, name: str, target: int, run: str) -> CompactedTable:
    """Compacts one table, a group of partitions at a time; what is busy is left."""
    done: list[Bundle] = []
    written, busy = 0, 0
    while busy < _ATTEMPTS:
        table = lake.catalog.table(name)
        todo = next(_groups(catalog.bundles(table, target)), [])
        if not todo:
            break
        try:
            written += _publish(lake, table, todo, run)
            done += todo
        except PublishConflict:
            busy += 1
    left = len(catalog.bundles(lake.catalog.table(name), target)) if busy else 0
    return _told(name, done, written, left)


def _groups(todo: Sequence[Bundle]) -> Iterator[list[Bundle]]:
    """Yields partitions that are published together."""
    group: list[Bundle] = []
    for bundle in todo:
        if group and (len(group) == _MOST or sum(b.size for b in group) + bundle.size > _AT_ONCE):
            yield group
            group = []
        group.append(bundle)
    if group:
        yield group


def _publish(lake: Lake, table: Table, todo: Sequence[Bundle], run: str) -> int:
    """Writes, judges and publishes some partitions; returns the bytes written."""
    name = ".".join(table.name())
    branch = f"{catalog.AUDIT}{run[:8]}-{uuid.uuid4().hex[:8]}"
    with lake.connect() as connection:
        files = [url for bundle in todo for url in _write(connection, table, bundle)]
        faults.reach("compaction.written")
        change = catalog.compacted(table, branch, todo, files, {"lakehouse.run": run})
        lake.catalog.commit([change])
        proposal = catalog.proposed(lake.catalog.table(name), branch)
        faults.reach("compaction.proposed")
        same = same_rows(connection, table, proposal, [bundle.partition for bundle in todo])
    if not same:
        discard(lake, [proposal])
        raise ServiceFailed(
            "Storage",
            f"compacting {name}",
            "the new files do not hold the rows of the old ones; readers see the old ones",
        )
    faults.reach("compaction.audited")
    try:
        publish(lake, [proposal])
    except PublishConflict:
        discard(lake, [proposal])
        raise
    faults.reach("compaction.published")
    return sum(int(lake.storage.filesystem(url).size(url)) for url in files)


def _write(connection: duckdb.DuckDBPyConnection, table: Table, bundle: Bundle) -> Iterator[str]:
    """Writes the rows of a partition into as few files as will do, in the order of a scan."""
    rows = _Stream(catalog.batches(table, bundle))
    share = -(-bundle.rows // bundle.wanted)
    schema = table.schema().as_arrow()
    while rows.more():
        url = data_url(table, "compacted")
        if url.startswith("file://"):
            Path(local_path(url)).parent.mkdir(parents=True, exist_ok=True)
        connection.register("__rows", pa.RecordBatchReader.from_batches(schema, rows.take(share)))
        connection.execute(
            f"COPY __rows TO {quote_text(local_path(url))} (FORMAT parquet, COMPRESSION zstd)"
        )
        connection.unregister("__rows")
        yield url


class _Stream:
    """Record batches, of which any number of rows can be taken."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = (batch for batch in batches if batch.num_rows)
        self._next = next(self._batches, None)

    def more(self) -> bool:
        """Returns whether there are rows left."""
        return self._next is not None

    def take(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yields batches of so many rows together, or what is left."""
        while rows and self._next is not None:
            taken = self._next.slice(0, rows)
            rest = self._next.slice(taken.num_rows)
            self._next = rest if rest.num_rows else next(self._batches, None)
            rows -= taken.num_rows
            yield taken
