"""Columns of a sample that seem to hold personal data."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from lakehouse.connection import quote_name
from lakehouse.drafting.cells import TYPED, Guess
from lakehouse.privacy import likely_kinds, scan

Kinds = dict[str, tuple[str, ...]]
_VALUES = 1000
_MILD = {"unique"}
"""Kinds that a number may be of by its name alone, as most keys of business records are."""


def find_personal(
    connection: duckdb.DuckDBPyConnection, guesses: Sequence[Guess], label: str = "0"
) -> Kinds:
    """Returns the kinds of identifiers that columns of texts seem to hold, by column.

    Args:
        connection: Has the typed rows.
        guesses: The columns.
        label: SQL of the partition, for the audit judges each partition by itself.
    """
    texts = [guess.column for guess in guesses if guess.type == "VARCHAR"]
    found: Kinds = {}
    for finding in scan(connection, TYPED, texts, label):
        known = found.get(finding.column, ())
        found[finding.column] = tuple(dict.fromkeys((*known, finding.kind)))
    return found


def find_in_others(connection: duckdb.DuckDBPyConnection, guesses: Sequence[Guess]) -> Kinds:
    """Returns the same of numbers and dates, which the audit does not look at.

    A column is judged by its name and up to 1,000 of its distinct values.
    """
    found: Kinds = {}
    for guess in guesses:
        if guess.type != "VARCHAR":
            cell = quote_name(guess.name)
            rows = connection.execute(
                f"SELECT DISTINCT {cell}::VARCHAR FROM {TYPED} WHERE {cell} IS NOT NULL "
                f"LIMIT {_VALUES}"
            ).fetchall()
            found[guess.name] = likely_kinds(guess.name, [value for (value,) in rows])
    return {name: kinds for name, kinds in found.items() if kinds}


def is_mild(kinds: Collection[str]) -> bool:
    """Returns whether a number of these kinds is left as it is, with a question."""
    return set(kinds) <= _MILD
