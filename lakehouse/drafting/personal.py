"""Columns of a sample that seem to hold personal data."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from lakehouse.connection import quote_name
from lakehouse.drafting.cells import TYPED, Guess
from lakehouse.privacy import likely_kinds

_VALUES = 5000


def find_personal(
    connection: duckdb.DuckDBPyConnection, guesses: Sequence[Guess]
) -> dict[str, tuple[str, ...]]:
    """Returns the kinds of identifiers that columns seem to hold, by column.

    A column is judged by its name and up to 5,000 of its distinct values.
    """
    found = {}
    for guess in guesses:
        cell = quote_name(guess.name)
        rows = connection.execute(
            f"SELECT DISTINCT {cell}::VARCHAR FROM {TYPED} WHERE {cell} IS NOT NULL LIMIT {_VALUES}"
        ).fetchall()
        kinds = likely_kinds(guess.name, [value for (value,) in rows])
        if kinds:
            found[guess.name] = kinds
    return found
