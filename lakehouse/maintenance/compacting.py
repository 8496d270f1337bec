"""Small files become large ones, partition by partition, and no row becomes another.

It is a write, an audit and a publish of its own: new files go to a branch, their rows are counted
and hashed against those of `main`, and `main` moves only if it still is what the branch was made
from. A run that publishes meanwhile wins.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Bundle, Change, Proposal
from lakehouse.connection import quote_text
from lakehouse.errors import PublishConflict, ServiceFailed
from lakehouse.lake import Lake
from lakehouse.maintenance.auditing import same_rows
from lakehouse.maintenance.result import Compacted, CompactedTable
from lakehouse.publishing import data_url, discard, fenced, publish
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
        fence = (
            lake.ledger.fence()
        )  # before the table is read: what is forgotten since is not in it
        table = lake.catalog.table(name)
        todo = next(_groups(catalog.bundles(table, target)), [])
        if not todo:
            break
        files: list[str] = []
        try:
            _publish(_Job(lake, table, fence, run), todo, files)
        except PublishConflict:
            _remove(lake, name, files)
            busy += 1
            continue
        written += sum(int(lake.storage.filesystem(url).size(url)) for url in files)
        done += todo
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


@dataclass(frozen=True)
class _Job:
    """A table that is being compacted, as it was when it was read."""

    lake: Lake
    table: Table
    fence: Change
    run: str

    @property
    def name(self) -> str:
        """The table's name."""
        return ".".join(self.table.name())


def _publish(job: _Job, todo: Sequence[Bundle], files: list[str]) -> None:
    """Writes, judges and publishes some partitions; `files` has what was written, come what may."""
    lake, table = job.lake, job.table
    branch = f"{catalog.AUDIT}{job.run[:8]}-{uuid.uuid4().hex[:8]}"
    with lake.connect() as connection:
        with _all_there(job, todo):
            for bundle in todo:
                _write(connection, table, bundle, files)
        faults.reach("compaction.written")
        with _all_there(job, todo):  # manifests are read
            change = catalog.compacted(table, branch, todo, files, {"lakehouse.run": job.run})
        lake.catalog.commit([change, job.fence])
        proposal = catalog.proposed(lake.catalog.table(job.name), branch)
        faults.reach("compaction.proposed")
        try:
            _judge(job, connection, proposal, todo)
            faults.reach("compaction.audited")
            publish(lake, [proposal], fence=job.fence)
        except (PublishConflict, ServiceFailed):
            discard(lake, [proposal])
            raise
    faults.reach("compaction.published")


def _judge(
    job: _Job, connection: duckdb.DuckDBPyConnection, proposal: Proposal, todo: Sequence[Bundle]
) -> None:
    """Refuses new files that do not hold the rows of the old ones."""
    with _all_there(job, todo):
        same = same_rows(connection, job.table, proposal, [bundle.partition for bundle in todo])
    if not same:
        raise ServiceFailed(
            "Storage",
            f"compacting {job.name}",
            "the new files do not hold the rows of the old ones; readers see the old ones",
        )


@contextmanager
def _all_there(job: _Job, todo: Sequence[Bundle]) -> Iterator[None]:
    """Takes it for a conflict if what is read is deleted meanwhile, as forgetting a person does."""
    try:
        with fenced(job.lake, [job.name], job.fence):
            yield
    except (duckdb.Error, OSError) as error:
        read = [task.file.file_path for bundle in todo for task in bundle.tasks]
        if all(map(job.lake.storage.exists, read)):
            raise
        raise PublishConflict([job.name], "its files were deleted while they were read") from error


def _remove(lake: Lake, name: str, files: Sequence[str]) -> None:
    """Removes new files that readers do not see: a person may be in them who is forgotten now."""
    # where the catalog's answer was lost, a commit may be there that seemed to be in conflict
    seen = {task.file.file_path for task in lake.catalog.table(name).scan().plan_files()}
    for url in files:
        if url not in seen:
            with suppress(FileNotFoundError):
                lake.storage.remove(url)


def _write(
    connection: duckdb.DuckDBPyConnection, table: Table, bundle: Bundle, files: list[str]
) -> None:
    """Writes the rows of a partition into as few files as will do, in the order of a scan."""
    rows = _Stream(catalog.batches(table, bundle))
    share = -(-bundle.rows // bundle.wanted)
    schema = table.schema().as_arrow()
    while rows.more():
        url = data_url(table, "compacted")
        if url.startswith("file://"):
            Path(local_path(url)).parent.mkdir(parents=True, exist_ok=True)
        files.append(url)
        connection.register("__rows", pa.RecordBatchReader.from_batches(schema, rows.take(share)))
        connection.execute(
            f"COPY __rows TO {quote_text(local_path(url))} "
            f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {catalog.field_ids(table.schema())})"
        )
        connection.unregister("__rows")


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
