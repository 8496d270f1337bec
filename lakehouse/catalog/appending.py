"""Appends of few rows to a table that many small commits make."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.expressions import BooleanExpression
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table import Table

from lakehouse.catalog.catalog import Change, staged
from lakehouse.catalog.merging import overwrite
from lakehouse.catalog.refs import summary_of

_FILES = 8
"""Small files that are left standing; one more, and they become one."""


def append(table: Table, rows: pa.Table, beside: BooleanExpression) -> Change:
    """Stages an append that does not let small files pile up.

    Args:
        table: The table.
        rows: The new rows, in the table's columns.
        beside: Filter, aligned with the table's partitions, of the files that the new rows may be
            merged with.
    """
    transaction = table.transaction()
    head = table.current_snapshot()
    total = int(summary_of(head).get("total-data-files", 0))
    small = [] if total <= _FILES else list(table.scan(row_filter=beside).plan_files())
    if len(small) <= _FILES:
        transaction.append(rows)
        return staged(transaction, table)
    merged = pa.concat_tables([table.scan(row_filter=beside).to_arrow(), rows])
    with overwrite(transaction, table) as change:
        for task in small:
            change.delete_data_file(task.file)
        for file in _dataframe_to_data_files(transaction.table_metadata, merged, table.io):
            change.append_data_file(file)
    return staged(transaction, table)
