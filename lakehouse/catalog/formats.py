"""The version of the lake's own layout, kept on every table.

1. The books hold the full URL of every object in bronze.
2. The books hold an object's path in the warehouse, so that a lake can be moved.
"""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table import Table

from lakehouse.catalog.catalog import FORMAT, FORMAT_VERSION, Change, format_of, staged
from lakehouse.catalog.merging import replace_all


def is_older(table: Table) -> bool:
    """Returns whether an earlier version of the lakehouse has written the table."""
    return format_of(table) < int(FORMAT_VERSION)


def upgraded(table: Table, rows: pa.Table | None = None) -> Change:
    """Stages the table in the present format.

    Args:
        table: A table of an earlier format.
        rows: What is from now on its whole content; None where its rows stay as they are.
    """
    transaction = table.transaction()
    if rows is not None:
        files = _dataframe_to_data_files(transaction.table_metadata, rows, table.io)
        replace_all(transaction, table, files)
    transaction.set_properties({FORMAT: FORMAT_VERSION})
    return staged(transaction, table)
