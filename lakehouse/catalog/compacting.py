"""The small files of a table's partitions, and the snapshot that has large ones in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import ManifestEntry
from pyiceberg.table import FileScanTask, Table, Transaction, _parquet_files_to_data_files
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import ManageSnapshots

from lakehouse.catalog.catalog import Change, staged
from lakehouse.catalog.evolving import map_names
from lakehouse.catalog.merging import MergingOverwrite
from lakehouse.catalog.refs import SAME_ROWS, content_of, stamps
from lakehouse.errors import PublishConflict

_SMALL = 0.75
"""A file below this share of the target size is small."""


@dataclass(frozen=True)
class Bundle:
    """The small files of one partition.

    Attributes:
        partition: Values of the partition's fields, in the order of the table's spec.
        tasks: The files, in the order in which a scan reads them.
        target: Size in bytes that new files are to have.
    """

    partition: tuple[object, ...]
    tasks: tuple[FileScanTask, ...]
    target: int

    @property
    def rows(self) -> int:
        """Rows in the files."""
        return sum(task.file.record_count for task in self.tasks)

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(task.file.file_size_in_bytes for task in self.tasks)

    @property
    def wanted(self) -> int:
        """How many files would do."""
        return max(-(-self.size // self.target), 1)


def bundles(table: Table, target: int) -> list[Bundle]:
    """Returns the partitions of `main` that have more small files than they need.

    Files of an earlier partitioning are left alone, and so are tables of other makers that have
    delete files or required columns, which DuckDB writes as optional ones.
    """
    columns = table.schema()
    if any(columns.find_field(number).required for number in columns.field_ids):
        return []
    found: dict[tuple[object, ...], list[FileScanTask]] = defaultdict(list)
    width = len(table.spec().fields)
    for task in table.scan().plan_files():
        if task.delete_files:
            return []
        small = task.file.file_size_in_bytes < _SMALL * target
        if small and task.file.spec_id == table.spec().spec_id:
            found[tuple(task.file.partition[place] for place in range(width))].append(task)
    made = (Bundle(partition, tuple(tasks), target) for partition, tasks in found.items())
    return [bundle for bundle in made if bundle.wanted < len(bundle.tasks)]


def batches(table: Table, bundle: Bundle) -> Iterator[pa.RecordBatch]:
    """Yields the rows of a bundle in the table's columns, read file by file."""
    schema = table.schema().as_arrow()
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    for batch in scan._record_batches_from_scan_tasks_and_deletes(bundle.tasks, {}):
        yield batch.cast(schema)


def compacted(
    table: Table,
    branch: str,
    out: Sequence[Bundle],
    files: Sequence[str],
    properties: Mapping[str, str],
) -> Change:
    """Stages a snapshot on a new branch that has `files` in the place of those in the bundles.

    What the engine has noted on the table's snapshot is noted on the new one too: it has the same
    rows.

    Args:
        table: The table from which the bundles were taken; its `main` is the base.
        branch: Name of the new branch.
        out: Bundles that were written anew.
        files: The new Parquet files, already in the table's folder.
        properties: Kept in the snapshot's summary.

    Raises:
        PublishConflict: The table has no snapshot.
    """
    base = table.current_snapshot()
    if base is None:
        raise PublishConflict([".".join(table.name())], "the table has no snapshot to start from")
    transaction = table.transaction()
    map_names(transaction)
    ManageSnapshots(transaction).create_branch(base.snapshot_id, branch).commit()
    told = {**stamps(base), **properties, SAME_ROWS: str(content_of(base))}
    with _Compaction(transaction, table, branch, told) as change:
        for bundle in out:
            for task in bundle.tasks:
                change.delete_data_file(task.file)
        for file in _parquet_files_to_data_files(transaction.table_metadata, list(files), table.io):
            change.append_data_file(file)
    return staged(transaction, table)


class _Compaction(MergingOverwrite):
    """An overwrite that says of itself that it changed no row."""

    def __init__(
        self, transaction: Transaction, table: Table, branch: str, properties: Mapping[str, str]
    ) -> None:
        super().__init__(
            operation=Operation.OVERWRITE,  # PyIceberg counts the totals of no other
            transaction=transaction,
            io=table.io,
            branch=branch,
            snapshot_properties=dict(properties),
        )

    def _deleted_entries(self) -> list[ManifestEntry]:
        """Returns none: every reader's plan would go through as many as there were small files."""
        super()._deleted_entries()  # sees to it that all of them were there
        return []

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        summary = super()._summary(snapshot_properties or {})
        return Summary(Operation.REPLACE, **summary.additional_properties)
