"""Files with one JSON array, unpacked to an object on each line."""

from __future__ import annotations

from pathlib import Path

import duckdb

from lakehouse.connection import quote_text
from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject

_LAST = 1024
"""Bytes in which a file must end; more space than that is no end."""
_REPLACED = "replace(replace(json::VARCHAR, chr(13), ' '), chr(10), ' ')"
"""A line break in JSON text is always between values; within a string it is escaped."""


def flatten(contract: Contract, source_key: str, packed: Path, target: Path) -> None:
    """Writes each element of the array in `packed` on a line of its own.

    Raises:
        UnreadableObject: The file is not one JSON array. What stands before the mistake is not
            kept either, for nothing tells where the next element begins.
    """
    query = (
        f"SELECT {_REPLACED} FROM read_json_objects({quote_text(str(packed))}, format='array', "
        "compression='uncompressed')"
    )
    if not _ending(packed).endswith(b"]"):
        why = "the file is not one JSON array of objects: it does not end with ']'"
        raise _refuse(contract, source_key, f"{why}; `format: ndjson` reads an object on each line")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar=false")
        try:
            connection.execute(
                f"COPY ({query}) TO {quote_text(str(target))} "
                "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
        except (duckdb.InvalidInputException, UnicodeDecodeError) as error:
            # the second where the engine's own message quotes bytes that are no text
            told = str(error).splitlines()[0].split(": ", 1)[-1].rstrip(". ")
            told = told.replace(f' in file "{packed}"', "")
            why = f"the file is not one JSON array of objects: {told}"
            raise _refuse(contract, source_key, why) from error


def _ending(file: Path) -> bytes:
    """Returns the last bytes that are no spaces; the parser overlooks an end after a comma."""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _LAST))
        return stream.read().rstrip(b" \t\r\n")


def _refuse(contract: Contract, source_key: str, why: str) -> UnreadableObject:
    return UnreadableObject(contract.dataset, source_key, why)
