"""Files with one JSON array, unpacked to an object on each line."""

from __future__ import annotations

from pathlib import Path

import duckdb

from lakehouse.connection import quote_text
from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject

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
    if not packed.stat().st_size:
        raise _refuse(contract, source_key, "the file is empty, an array of objects is expected")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar=false")
        try:
            connection.execute(
                f"COPY ({query}) TO {quote_text(str(target))} "
                "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
            )
        except duckdb.InvalidInputException as error:
            told = str(error).splitlines()[0].replace(f'in file "{packed}"', "in the file")
            why = f"the file is not one JSON array of objects ({told})"
            raise _refuse(contract, source_key, why) from error


def _refuse(contract: Contract, source_key: str, why: str) -> UnreadableObject:
    return UnreadableObject(contract.dataset, source_key, why)
