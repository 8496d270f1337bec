"""Columns and whole contents of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction, _parquet_files_to_data_files

from lakehouse.catalog.catalog import Change, staged
from lakehouse.catalog.evolving import map_names
from lakehouse.catalog.merging import replace_all


def reshaped(table: Table, schema: pa.Schema) -> Schema:
    """Returns the columns that `rewrite` gives a table, with the ids that its files must have."""
    transaction = table.transaction()
    _reshape(transaction, table, schema)
    return transaction.table_metadata.schema()


def rewrite(
    table: Table, schema: pa.Schema, files: Sequence[str], properties: Mapping[str, str]
) -> tuple[Change, int]:
    """Stages new rows, and where they differ new columns, as the whole content of `main`.

    Returns:
        The change, and the snapshot that readers see once it is committed.
    """
    transaction = table.transaction()
    _reshape(transaction, table, schema)
    map_names(transaction)
    made = _parquet_files_to_data_files(transaction.table_metadata, list(files), table.io)
    snapshot = replace_all(transaction, table, made, properties)
    return staged(transaction, table), snapshot


def refilled(table: Table, rows: pa.Table) -> Change:
    """Stages rows, in the table's columns, as the whole content of `main`, partitioned or not."""
    transaction = table.transaction()
    transaction.overwrite(rows)
    return staged(transaction, table)


def _reshape(transaction: Transaction, table: Table, schema: pa.Schema) -> None:
    """Gives the table the columns of `schema`; a column of another type is a new column."""
    wanted = {f.name: f.field_type for f in _numbered(table, schema).fields}
    found = {f.name: f.field_type for f in table.schema().fields}
    gone = [name for name, kind in found.items() if wanted.get(name) != kind]
    if gone:
        with transaction.update_schema(allow_incompatible_changes=True) as change:
            for name in gone:
                change.delete_column(name)
    if wanted.keys() - (found.keys() - set(gone)):
        with transaction.update_schema(allow_incompatible_changes=True) as change:
            change.union_by_name(schema)


def _numbered(table: Table, schema: pa.Schema) -> Schema:
    return table.catalog._convert_schema_if_needed(schema)
