"""Reads files of JSON objects, one a line; arrays of objects are unpacked to such files.

The face of this module is `reader.Reader`, where it is described. Both ways of reading leave the
parsing of JSON to DuckDB, which is lenient in two ways: a comma behind the last value is
overlooked, and `NaN` is a number, which no column takes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_text
from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject
from lakehouse.reading import objects, records
from lakehouse.reading.explaining import computed, explained_rows
from lakehouse.reading.source import Source
from lakehouse.reading.structure import Structure

_BLOCK = 1024 * 1024
"""Bytes; a line that fills a block is too long for the typed read."""
_LONGEST = 2 * _BLOCK
"""DuckDB cuts a file into pieces of twice this size, which its threads share."""
_SPACE = b" \t\r\n"
_TYPES: dict[str, pa.DataType] = {
    "__line": pa.int64(),
    "__offset": pa.int64(),
    "__raw": pa.string(),
    "__problem": pa.string(),
}
_Line = tuple[int, int, bytes]


def examine(source: Source, contract: Contract) -> Structure:
    """Reads a file once; see `Reader.examine`."""
    newlines, last, plain = 0, b"\n", True
    with source.open() as stream:
        while block := stream.read(_BLOCK):
            if last == b"\n" and not newlines:
                _check_start(block, contract, source.source_key)
                plain = not block.startswith(records.BOM)
            found = block.count(b"\n")
            newlines += found
            # blank lines are no records, and nothing but spaces is as blank
            plain = plain and b"\n\n" not in last + block[:1] and b"\n\n" not in block
            plain = plain and (found > 0 or len(block) < _BLOCK)
            last = block[-1:]
    if last == b"\n" and not newlines and contract.read.format == "ndjson":
        why = "the file is empty, an object on each line is expected"
        raise UnreadableObject(contract.dataset, source.source_key, why)
    return Structure(newlines + (last != b"\n"), plain, plain)


def typed(contract: Contract, paths: Sequence[str], rejects: str) -> str:
    """Returns SQL that reads files with their types; see `Reader.typed`."""
    del rejects  # a line that does not parse is a row with nothing in it
    files = ", ".join(quote_text(path) for path in paths)
    lines = (
        "SELECT json AS __json, file_index::BIGINT AS __place "
        f"FROM read_ndjson_objects([{files}], ignore_errors=true, compression='uncompressed', "
        f"maximum_object_size={_LONGEST})"
    )
    keys = _keys(contract, paths[0])
    return computed(contract, objects.swift_cells(contract, keys, lines, "__place"))


def rejected(connection: duckdb.DuckDBPyConnection, rejects: str) -> dict[str, frozenset[int]]:
    """Returns nothing, for no record is missing from a typed read; see `Reader.rejected`."""
    del connection, rejects
    return {}


def explained(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: Source,
    only: Collection[int] | None = None,
) -> str:
    """Registers the records of one file and returns SQL over them; see `Reader.explained`."""
    with source.open() as stream:
        data = stream.read()
    found = _lines(data) if only is None else _picked(data, only)
    connection.register(records.RECORDS, _table(found))
    keep = "__line, __offset, __raw, __problem"
    # the text of an array's element is not where the array has it
    offset = "NULL::BIGINT" if contract.read.format == "json" else "__offset"
    query = f"""
        SELECT __json, __line, {offset} AS __offset,
            {objects.shown(contract, "__raw", objects.whole(contract))} AS __raw,
            CASE WHEN __problem <> '' THEN __problem
                 ELSE {objects.problem(contract)} END AS __problem
        FROM (SELECT *, CASE WHEN __problem = '' THEN TRY_CAST(__raw AS JSON) END AS __json
              FROM {records.RECORDS})
    """
    return explained_rows(contract, objects.cells(contract, query, keep))


def _keys(contract: Contract, path: str) -> list[str]:
    """Returns the order of keys in the first record of a file, as far as it can be told."""
    names = [column.name for column in contract.read_columns]
    first = b""
    if Path(path).is_file():
        with Path(path).open("rb") as stream:
            first = stream.readline(_BLOCK)
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        found = {}
    written = [key for key in found if key in names] if isinstance(found, dict) else []
    return [*written, *(name for name in names if name not in written)]


def _check_start(block: bytes, contract: Contract, source_key: str) -> None:
    """Refuses an array of objects where an object on each line is expected."""
    if block.removeprefix(records.BOM).lstrip(_SPACE).startswith(b"["):
        why = "the file begins with '[', an object on each line is expected; `format: json` reads "
        raise UnreadableObject(contract.dataset, source_key, why + "an array of objects")


def _lines(data: bytes) -> Iterator[_Line]:
    """Yields number, offset and bytes of all lines that are not blank."""
    offset = 0
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip(_SPACE):
            yield number, offset, line
        offset += len(line) + 1


def _picked(data: bytes, ordinals: Collection[int]) -> Iterator[_Line]:
    """Yields some lines of a file in which every line is a record."""
    ends = records.line_ends(data)
    for ordinal in sorted(ordinals):
        start = int(ends[ordinal - 2]) + 1 if ordinal > 1 else 0
        end = int(ends[ordinal - 1]) if ordinal <= len(ends) else len(data)
        yield ordinal, start, data[start:end]


def _table(found: Iterable[_Line]) -> pa.Table:
    rows = [(number, offset, *_text(number, raw)) for number, offset, raw in found]
    columns = list(zip(*rows, strict=True)) or [()] * len(_TYPES)
    arrays = [pa.array(c, type=t) for c, t in zip(columns, _TYPES.values(), strict=True)]
    return pa.Table.from_arrays(arrays, names=list(_TYPES))


def _text(number: int, raw: bytes) -> tuple[str, str]:
    """Returns a line as text, and why it cannot be one, or nothing."""
    raw = raw.removesuffix(b"\r")
    if number == 1:
        raw = raw.removeprefix(records.BOM)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", errors="backslashreplace"), "the line is not UTF-8"
    return text, "the line has a NUL byte" if "\0" in text else ""
