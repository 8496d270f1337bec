"""Reads delimited files: fast and typed where they are clean, record by record where they are not.

The face of this module is `reader.Reader`, where it is described.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column, Contract, Rule
from lakehouse.reading import records, values
from lakehouse.reading.source import Source
from lakehouse.reading.structure import Structure, parse_header
from lakehouse.reading.structure import examine as _examine

RECORDS = "__records"
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
    read = contract.read_columns
    raws = [f"__r{position}" for position in range(len(read))]
    cells = [values.value(column, raw) for column, raw in zip(read, raws, strict=True)]
    parsed = [
        f"NOT {values.unparsable(raw, cell)}"
        for column, raw, cell in zip(read, raws, cells, strict=True)
        if column.type != "VARCHAR"
    ]
    named = [f"{cell} AS {quote_name(c.name)}" for c, cell in zip(read, cells, strict=True)]
    return _computed(
        contract,
        f"SELECT {', '.join(named)}, {' AND '.join(parsed) or 'true'} AS __parsed, "
        f"file_index::BIGINT AS __place FROM {_read_csv(contract, raws, paths, rejects)}",
    )


def rejected(connection: duckdb.DuckDBPyConnection, rejects: str) -> dict[str, frozenset[int]]:
    """Returns the records that could not be parsed; see `Reader.rejected`."""
    found = connection.execute(
        f"SELECT s.file_path, list(DISTINCT e.line) FROM {quote_name(rejects)} e "
        f"JOIN {quote_name(rejects + '_scans')} s USING (scan_id, file_id) GROUP BY 1"
    ).fetchall()
    connection.execute(f"DROP TABLE {quote_name(rejects)}")
    connection.execute(f"DROP TABLE {quote_name(rejects + '_scans')}")
    # the header is line 1
    return {str(path): frozenset(int(line) - 1 for line in lines) for path, lines in found}


def explained(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: Source,
    only: Collection[int] | None = None,
) -> str:
    """Registers the records of one file and returns SQL over them; see `Reader.explained`."""
    with source.open() as stream:
        data = stream.read()
    header = parse_header(data.split(b"\n", 1)[0], contract, source.source_key)
    width = len(contract.read_columns)
    found = (
        records.split(data, contract.read, width)
        if only is None
        else records.pick(data, contract.read, only)
    )
    connection.register(RECORDS, _table(found))
    return _explained_sql(contract, header)


def _read_csv(contract: Contract, raws: list[str], paths: Sequence[str], rejects: str) -> str:
    types = ", ".join(
        f"{raw}: {quote_text(values.raw_type(column))}"
        for raw, column in zip(raws, contract.read_columns, strict=True)
    )
    files = ", ".join(quote_text(path) for path in paths)
    options = contract.read
    return (
        f"read_csv([{files}], columns={{{types}}}, auto_detect=false, header=true, "
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
    read, width = contract.read_columns, len(contract.read_columns)
    spot = {name: position for position, name in enumerate(header, start=1)}
    cell = {column.name: f"__cut[{spot[column.name]}]" for column in read}
    texts = [
        f"CASE WHEN __whole AND {cell[c.name]} NOT IN ({_nulls(contract)}) "
        f"THEN {cell[c.name]} END AS __t{k}"
        for k, c in enumerate(read)
    ]
    raws = [f"{values.raw_text(c, f'__t{k}')} AS __r{k}" for k, c in enumerate(read)]
    cells = [f"{values.value(c, f'__r{k}')} AS {quote_name(c.name)}" for k, c in enumerate(read)]
    plain_split = f"string_split(__raw, {quote_text(contract.read.delimiter)})"
    keep = "__line, __offset, __raw, __problem, __cut, __whole"
    rows = _computed(
        contract,
        f"""
        WITH divided AS (
            SELECT *, coalesce(__fields, CASE WHEN __problem = '' THEN {plain_split} END) AS __cut,
                coalesce({_whole(contract)}, false) AS __whole
            FROM {RECORDS}),
        texts AS (SELECT {keep}, {", ".join(texts)} FROM divided),
        raws AS (SELECT *, {", ".join(raws)} FROM texts)
        SELECT {", ".join(cells)}, {keep}, {", ".join(f"__t{k}" for k in range(width))} FROM raws
        """,
    )
    return f"""
        SELECT {values.names(contract.columns)}, __line, __offset, __raw,
            CASE WHEN __problem <> '' THEN [__problem]
                 WHEN NOT __whole THEN ['{width} fields expected, ' || len(__cut) || ' found']
                 ELSE {_reasons(contract)}
            END AS __reasons
        FROM ({rows})
    """


def _whole(contract: Contract) -> str:
    """SQL for whether a record has all its fields; more of them may only be null.

    The fast read takes records so, and nothing is lost: there is no value in what is left out.
    """
    width = len(contract.read_columns)
    beyond = f"list_filter(__cut[{width + 1}:], lambda field: field NOT IN ({_nulls(contract)}))"
    return f"len(__cut) >= {width} AND len({beyond}) = 0"


def _reasons(contract: Contract) -> str:
    """SQL for the list of all that is wrong with a whole record.

    Computed columns have a say only where nothing they are computed from is wrong already.
    """
    bad = {
        column.name: values.unparsable(f"__t{k}", quote_name(column.name))
        for k, column in enumerate(contract.read_columns)
        if column.type != "VARCHAR"
    }
    computed = {column.name for column in contract.columns if column.transform}
    told = [
        f"CASE WHEN {bad[c.name]} THEN {values.complaint(c, f'__t{k}')} END"
        for k, c in enumerate(contract.read_columns)
        if c.name in bad
    ]
    told += [_broken(rule, bad) for rule in contract.rules if rule.column not in computed]
    late = [_broken(rule, {}) for rule in contract.rules if rule.column in computed]
    first = _listed([*(_uncomputed(c) for c in contract.columns if c.transform), *told])
    return f"CASE WHEN len({first}) > 0 THEN {first} ELSE {_listed(late)} END"


def _listed(told: list[str]) -> str:
    return f"list_filter([{', '.join(told)}]::VARCHAR[], lambda reason: reason IS NOT NULL)"


def _broken(rule: Rule, bad: dict[str, str]) -> str:
    """A cell without a value is told once, not once more by each rule about it."""
    unless = f" AND NOT {bad[rule.column]}" if rule.column in bad else ""
    return f"CASE WHEN ({rule.sql}) IS FALSE{unless} THEN {quote_text(rule.name)} END"


def _uncomputed(column: Column) -> str:
    """A computed column that fails although all that it is computed from is there."""
    there = " AND ".join(f"{quote_name(source)} IS NOT NULL" for source in column.sources)
    why = quote_text(f"{column.name} cannot be computed from {', '.join(column.sources)}")
    return f"CASE WHEN {quote_name(column.name)} IS NULL AND {there or 'true'} THEN {why} END"


def _computed(contract: Contract, query: str) -> str:
    """Adds the computed columns; one that fails (a 30th of February) is null."""
    computed = [
        f"CAST({column.transform} AS {column.type}) AS {quote_name(column.name)}"
        for column in contract.columns
        if column.transform
    ]
    return f"SELECT *, {', '.join(computed)} FROM ({query})" if computed else query


def _nulls(contract: Contract) -> str:
    return ", ".join(
        quote_text(token) for token in {"": None, **dict.fromkeys(contract.read.nulls)}
    )
