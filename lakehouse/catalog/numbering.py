"""Field ids in Parquet files: a column is then found whatever became of its name and of others.

A file without them is read by name, and a name may be another column's by now.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.schema import Schema
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from lakehouse.connection import quote_text

_FIELD_ID = b"PARQUET:field_id"


def number(source: Path, target: Path, columns: Schema) -> None:
    """Copies a Parquet file, a row group at a time, with the ids that its columns have in a table.

    Args:
        source: The file.
        target: The copy.
        columns: The table's columns; those of the file are among them.
    """
    with pq.ParquetFile(source) as read:
        named = {field.name: field for field in columns.fields}
        schema = pa.schema([_numbered(field, named[field.name]) for field in read.schema_arrow])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for group in range(read.num_row_groups):
                writer.write_table(read.read_row_group(group))


def field_ids(columns: Schema) -> str:
    """Returns what DuckDB's COPY takes as FIELD_IDS.

    >>> from pyiceberg.types import LongType
    >>> field_ids(Schema(NestedField(3, "n", LongType()), NestedField(7, "it's", LongType())))
    "{'n': 3, 'it''s': 7}"
    """
    return _told(columns.fields)


def _told(fields: Iterable[NestedField], *before: str) -> str:
    parts = (f"{quote_text(field.name)}: {_id(field)}" for field in fields)
    return "{" + ", ".join([*before, *parts]) + "}"


def _id(field: NestedField) -> str:
    inner = _inner(field.field_type)
    own = str(field.field_id)
    return _told(inner, f"__duckdb_field_id: {own}") if inner else own


def _inner(kind: IcebergType) -> tuple[NestedField, ...]:
    """Returns the fields that a type consists of; a list's is named `element`, a map's as it is."""
    if isinstance(kind, ListType):
        return (kind.element_field,)
    if isinstance(kind, MapType):
        return kind.key_field, kind.value_field
    return kind.fields if isinstance(kind, StructType) else ()


def _numbered(field: Any, like: NestedField) -> Any:
    """Returns an Arrow field with the id of a table's field, and so all within it."""
    told = {**(field.metadata or {}), _FIELD_ID: str(like.field_id).encode()}
    return field.with_type(_within(field.type, like.field_type)).with_metadata(told)


def _within(kind: Any, like: IcebergType) -> Any:
    """Returns an Arrow type with the ids of what a table's type consists of."""
    if isinstance(like, ListType):
        make = pa.large_list if pa.types.is_large_list(kind) else pa.list_
        return make(_numbered(kind.value_field, like.element_field))
    if isinstance(like, MapType):
        key = _numbered(kind.key_field, like.key_field)
        return pa.map_(key, _numbered(kind.item_field, like.value_field))
    if isinstance(like, StructType):
        named = {field.name: field for field in like.fields}
        return pa.struct([_numbered(field, named[field.name]) for field in kind])
    return kind
