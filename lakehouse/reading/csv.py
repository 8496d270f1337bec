"""Reads delimited files: fast and typed where they are clean, record by record where they are not.

The face of this module is `reader.Reader`, where it is described.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import BinaryIO

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract
from lakehouse.privacy import has_personal, shown_record
from lakehouse.reading import records, values
from lakehouse.reading.explaining import computed, explained_rows
from lakehouse.reading.source import Source
from lakehouse.reading.structure import Structure, parse_header
from lakehouse.reading.structure import examine as _examine

_TYPES: dict[str, pa.DataType] = {
    "__line": pa.int64(),
    "__offset": pa.int64(),
    "__raw": pa.string(),
    "__fields": pa.list_(pa.string()),
    "__problem": pa.string(),
}


def examine(source: Source, contract: Contract) -> Structure:
    """Reads a file once; see `Reader.examine`."""
    with source.open() as stream:
        return _examine(stream, contract, source.source_key)


def typed(contract: Contract, paths: Sequence[str], rejects: str) -> str:
    """Returns SQL that reads plain files with their types; see `Reader.typed`."""
    read, decimal = contract.read_columns, contract.read.decimal
    raws = [f"__r{position}" for position in range(len(read))]
    # with a decimal comma numbers are read as texts
    numbers = (
        raws
        if decimal == "."
        else [values.raw_text(column, raw, decimal) for column, raw in zip(read, raws, strict=True)]
    )
    cells = [values.value(column, raw) for column, raw in zip(read, numbers, strict=True)]
    parsed = [
        f"NOT {values.unparsable(raw, cell)}"
        for column, raw, cell in zip(read, raws, cells, strict=True)
        if column.type != "VARCHAR"
    ]
    named = [f"{cell} AS {quote_name(c.name)}" for c, cell in zip(read, cells, strict=True)]
    return computed(
        contract,
        f"SELECT {', '.join(named)}, {' AND '.join(parsed) or 'true'} AS __parsed, "
        f"file_index::BIGINT AS __place FROM {_read_csv(contract, raws, paths, rejects)}",
    )


def rejected(connection: duckdb.DuckDBPyConnection, rejects: str) -> dict[str, frozenset[int]]:
    """Returns the records that could not be parsed; see `Reader.rejected`."""
    found = connection.execute(
        "SELECT s.file_path, list(DISTINCT e.line - s.skip_rows - s.has_header::INT) "
        f"FROM {quote_name(rejects)} e "
        f"JOIN {quote_name(rejects + '_scans')} s USING (scan_id, file_id) GROUP BY 1"
    ).fetchall()
    connection.execute(f"DROP TABLE {quote_name(rejects)}")
    connection.execute(f"DROP TABLE {quote_name(rejects + '_scans')}")
    return {str(path): frozenset(map(int, ordinals)) for path, ordinals in found}


def explained(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: Source,
    only: Collection[int] | None = None,
) -> str:
    """Registers the records of one file and returns SQL over them; see `Reader.explained`."""
    with source.open() as stream:
        header = _header(stream, contract, source.source_key)
        stream.seek(0)
        found = (
            records.split(stream.read(), contract.read, len(header))
            if only is None
            else records.pick(stream, contract.read, only)
        )
        connection.register(records.RECORDS, _table(found))
    return _explained_sql(contract, header)


def _header(stream: BinaryIO, contract: Contract, source_key: str) -> tuple[str, ...]:
    if not contract.read.header:
        return tuple(column.name for column in contract.read_columns)
    lines = [stream.readline() for _ in range(contract.read.preamble)]
    return parse_header(lines[contract.read.skip], contract, source_key)


def _read_csv(contract: Contract, raws: list[str], paths: Sequence[str], rejects: str) -> str:
    options = contract.read
    types = ", ".join(
        f"{raw}: {quote_text(values.raw_type(column, options.decimal))}"
        for raw, column in zip(raws, contract.read_columns, strict=True)
    )
    files = ", ".join(quote_text(path) for path in paths)
    return (
        f"read_csv([{files}], columns={{{types}}}, auto_detect=false, "
        f"header={options.header}, skip={options.skip}, "
        f"delim={quote_text(options.delimiter)}, quote={quote_text(options.quote)}, "
        f"escape={quote_text(options.quote)}, nullstr=[{_nulls(contract)}], compression='none', "
        f"hive_partitioning=false, store_rejects=true, "
        f"rejects_table={quote_text(rejects)}, rejects_scan={quote_text(rejects + '_scans')})"
    )


def _table(found: Iterable[records.Record]) -> pa.Table:
    rows = [
        (r.line, r.offset, r.raw.decode("utf-8", errors="backslashreplace"), r.fields, r.problem)
        for r in found
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(_TYPES)
    arrays = [pa.array(c, type=t) for c, t in zip(columns, _TYPES.values(), strict=True)]
    return pa.Table.from_arrays(arrays, names=list(_TYPES))


def _explained_sql(contract: Contract, header: tuple[str, ...]) -> str:
    read, width = contract.read_columns, len(header)
    spot = {name: f"__cut[{position}]" for position, name in enumerate(header, start=1)}
    cell = {column.name: spot.get(column.name, "NULL::VARCHAR") for column in read}
    texts = [
        f"CASE WHEN __whole AND {cell[c.name]} NOT IN ({_nulls(contract)}) "
        f"THEN {cell[c.name]} END AS __t{k}"
        for k, c in enumerate(read)
    ]
    raws = [
        f"{values.raw_text(c, f'__t{k}', contract.read.decimal)} AS __r{k}"
        for k, c in enumerate(read)
    ]
    cells = [f"{values.value(c, f'__r{k}')} AS {quote_name(c.name)}" for k, c in enumerate(read)]
    plain_split = f"string_split(__raw, {quote_text(contract.read.delimiter)})"
    keep = "__line, __offset, __raw, __problem, __cut, __whole"
    problem = f"""
        CASE WHEN __problem <> '' THEN __problem
             WHEN NOT __whole THEN '{width} fields expected, ' || len(__cut) || ' found'
             ELSE '' END
    """
    shown = (
        shown_record(contract, header, "__cut", "__whole") if has_personal(contract) else "__raw"
    )
    return explained_rows(
        contract,
        f"""
        WITH divided AS (
            SELECT *, coalesce(__fields, CASE WHEN __problem = '' THEN {plain_split} END) AS __cut,
                coalesce({_whole(contract, width)}, false) AS __whole
            FROM {records.RECORDS}),
        texts AS (SELECT {keep}, {", ".join(texts)} FROM divided),
        raws AS (SELECT *, {", ".join(raws)} FROM texts)
        SELECT {", ".join(cells)}, {", ".join(f"__t{k}" for k in range(len(read)))},
            __line, __offset, {shown} AS __raw, {problem} AS __problem
        FROM raws
        """,
    )


def _whole(contract: Contract, width: int) -> str:
    """SQL for whether a record has all its fields; more of them may only be null.

    The fast read takes records so, and nothing is lost: there is no value in what is left out.
    """
    beyond = f"list_filter(__cut[{width + 1}:], lambda field: field NOT IN ({_nulls(contract)}))"
    return f"len(__cut) >= {width} AND len({beyond}) = 0"


def _nulls(contract: Contract) -> str:
    return ", ".join(
        quote_text(token) for token in {"": None, **dict.fromkeys(contract.read.nulls)}
    )
