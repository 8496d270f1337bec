"""Reads Parquet files, whose columns have types of their own: which of them a contract takes.

The face of this module is `reader.Reader`, where it is described. A column is taken if each of its
values either is one of the contract's type or can be told not to be: integers of any width, for
example, are integers, and the one that is too large is a broken row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from itertools import groupby

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column, Contract
from lakehouse.errors import UnreadableObject
from lakehouse.privacy import HIDDEN, has_personal
from lakehouse.reading import values
from lakehouse.reading.explaining import computed, explained_rows
from lakehouse.reading.source import Source
from lakehouse.reading.structure import Structure, column_problems, in_table

_WHOLE = frozenset({"integer", "real", "decimal", "null"})
_TAKEN: Mapping[str, frozenset[str]] = {
    "VARCHAR": frozenset({"text", "null"}),
    "BOOLEAN": frozenset({"boolean", "null"}),
    "DATE": frozenset({"date", "text", "null"}),
    "TIME": frozenset({"time", "text", "null"}),
    "TIMESTAMPTZ": frozenset({"moment", "text", "null"}),
}
"""Kinds of values that a column of each type takes; a decimal takes no `real`, others `_WHOLE`."""


def examine(source: Source, contract: Contract) -> Structure:
    """Reads a file once, decoding all of it; see `Reader.examine`."""
    try:
        with pq.ParquetFile(source.path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        why = f"the file is not Parquet, or damaged or cut short ({_first_line(error)})"
        raise UnreadableObject(contract.dataset, source.source_key, why) from error
    problems = column_problems(contract, in_table(contract, schema.names))
    found = _in_table(contract, schema)
    problems += [
        f"column '{column.name}' holds {found.field(column.name).type}, "
        f"the contract says {column.type}"
        for column in contract.read_columns
        if found.names.count(column.name) == 1
        and _kind(found.field(column.name).type) not in _kinds(column)
    ]
    if problems:
        why = f"its schema: {'; '.join(problems)}"
        raise UnreadableObject(contract.dataset, source.source_key, why)
    held = _decode(source, contract, schema)
    if held != rows:
        why = f"the file is damaged (it says that it has {rows:,} rows and holds {held:,})"
        raise UnreadableObject(contract.dataset, source.source_key, why)
    return Structure(rows, plain=True, countable=True)


def typed(contract: Contract, paths: Sequence[str], rejects: str) -> str:
    """Returns SQL that reads files with their types; see `Reader.typed`."""
    del rejects  # a row of a file that can be read at all is read
    schemas = [pq.read_schema(path) for path in paths]
    parts, place = [], 0
    for schema, group in groupby(zip(schemas, paths, strict=True), lambda pair: pair[0]):
        alike = [path for _, path in group]
        parts.append(_typed_alike(contract, schema, alike, place))
        place += len(alike)
    return computed(contract, " UNION ALL ".join(parts))


def rejected(connection: duckdb.DuckDBPyConnection, rejects: str) -> dict[str, frozenset[int]]:
    """Returns nothing, for no row is missing from a typed read; see `Reader.rejected`."""
    del connection, rejects
    return {}


def explained(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: Source,
    only: Collection[int] | None = None,
) -> str:
    """Returns SQL over the rows of one file; see `Reader.explained`."""
    del connection  # the file itself is the table
    schema, read = pq.read_schema(source.path), contract.read_columns
    found = _in_table(contract, schema)
    cells = [f"{_value(c, found)} AS {quote_name(c.name)}" for c in read]
    texts = [f"f.{quote_name(c.name)}::VARCHAR AS __t{k}" for k, c in enumerate(read)]
    shown = ", ".join(
        f"{quote_name(c.name)}: {quote_text(HIDDEN) if c.treatment else f'f.{quote_name(c.name)}'}"
        for c in read
    )
    wanted = "true"
    if only is not None:
        wanted = f"__at IN ({', '.join(str(ordinal) for ordinal in only) or 'NULL'})"
    names, rows = values.names(read), _read(contract, schema, source.path)
    return explained_rows(
        contract,
        f"""
        SELECT {", ".join(cells)}, {", ".join(texts)}, __at AS __line, NULL::BIGINT AS __offset,
            to_json({{{shown}}})::VARCHAR AS __raw, '' AS __problem
        FROM (SELECT {names}, file_row_number + 1 AS __at FROM {rows}) f
        WHERE {wanted}
        """,
    )


def _typed_alike(contract: Contract, schema: pa.Schema, paths: Sequence[str], place: int) -> str:
    """SQL for files that have one schema, of which the first has the place given."""
    read = contract.read_columns
    found = _in_table(contract, schema)
    cells = {column.name: _value(column, found) for column in read}
    named = [f"{cells[column.name]} AS {quote_name(column.name)}" for column in read]
    parsed = [f"NOT {values.unparsable(f'f.{quote_name(n)}', cell)}" for n, cell in cells.items()]
    return (
        f"SELECT {', '.join(named)}, {' AND '.join(parsed)} AS __parsed, "
        f"file_index::BIGINT + {place} AS __place FROM {_read(contract, schema, *paths)} f"
    )


def _in_table(contract: Contract, schema: pa.Schema) -> pa.Schema:
    """Returns a file's columns as the table has them: by their names there, none absent."""
    names = in_table(contract, schema.names)
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    absent = [c.name for c in contract.read_columns if c.name not in names]
    return pa.schema([*fields, *(pa.field(name, pa.null()) for name in absent)])


def _read(contract: Contract, schema: pa.Schema, *paths: str) -> str:
    """SQL for files of one schema, with the columns that the table has."""
    files = ", ".join(quote_text(path) for path in paths)
    rows = f"read_parquet([{files}], hive_partitioning=false, file_row_number=true)"
    names = in_table(contract, schema.names)
    renamed = ", ".join(
        f"{quote_name(old)} AS {quote_name(new)}"
        for old, new in zip(schema.names, names, strict=True)
        if old != new
    )
    absent = [f"NULL AS {quote_name(c.name)}" for c in contract.read_columns if c.name not in names]
    if not renamed and not absent:
        return rows
    present = f"* RENAME ({renamed})" if renamed else "*"
    return f"(SELECT {', '.join([present, 'file_index', *absent])} FROM {rows})"


def _decode(source: Source, contract: Contract, schema: pa.Schema) -> int:
    """Returns how many rows a file holds, having read every page; the hashes are not looked at."""
    hashes = ", ".join(f"bit_xor(hash({quote_name(c.name)}))" for c in contract.read_columns)
    rows = _read(contract, schema, source.path)
    with _engine().cursor() as cursor:
        try:
            return int(cursor.execute(f"SELECT {hashes}, count(*) FROM {rows}").fetchall()[0][-1])
        except (duckdb.Error, UnicodeDecodeError) as error:
            # the second where the engine's own message quotes bytes that are no text
            told = _first_line(error).replace(source.path, "it")
            # what DuckDB says of a text that is none quotes it
            why = "the file is damaged" + ("" if has_personal(contract) else f" ({told})")
            raise UnreadableObject(contract.dataset, source.source_key, why) from error


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One engine for all files: to start one takes longer than to read most."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar=false")
    # no file is read here twice
    connection.execute("SET enable_external_file_cache=false")
    # or columns of which the file itself says that they hold nothing would not be decoded
    connection.execute("SET disabled_optimizers='statistics_propagation'")
    return connection


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _kinds(column: Column) -> frozenset[str]:
    if column.type.startswith("DECIMAL"):
        return _WHOLE - {"real"}
    return _TAKEN.get(column.type, _WHOLE)


def _kind(type: pa.DataType) -> str:
    """Returns what sort of values a Parquet column holds, `other` if no contract has them."""
    if pa.types.is_dictionary(type):
        return _kind(type.value_type)
    tests: dict[str, Callable[[pa.DataType], bool]] = {
        "integer": pa.types.is_integer,
        "real": pa.types.is_floating,
        "decimal": lambda one: pa.types.is_decimal(one) and one.bit_width <= 128,
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one),
        "boolean": pa.types.is_boolean,
        "date": pa.types.is_date,
        "time": pa.types.is_time,
        "moment": pa.types.is_timestamp,
        "null": pa.types.is_null,
    }
    return next((kind for kind, test in tests.items() if test(type)), "other")


def _value(column: Column, schema: pa.Schema) -> str:
    """SQL for the typed value of a cell, NULL if it is none."""
    raw, type = f"f.{quote_name(column.name)}", schema.field(column.name).type
    kind = _kind(type)
    if kind == "null":
        return f"CAST(NULL AS {column.type})"
    if kind == "text":
        clean = f"CASE WHEN NOT contains({raw}, chr(0)) THEN {raw} END"
        return clean if column.type == "VARCHAR" else values.value(column, raw)
    if kind == "moment" and type.tz is None:
        return values.placed(column, f"{raw}::TIMESTAMP")
    if column.type in ("DOUBLE", "FLOAT") and kind == "real":
        return f"CASE WHEN isfinite({raw}) THEN TRY_CAST({raw} AS {column.type}) END"
    if column.type.startswith("DECIMAL") or (values.numeric(column) and kind != "integer"):
        typed = f"TRY_CAST({raw} AS {column.type})"
        exact = column.type in ("DOUBLE", "FLOAT")
        return typed if exact else f"CASE WHEN {raw} = {typed} THEN {typed} END"
    return f"TRY_CAST({raw} AS {column.type})"
