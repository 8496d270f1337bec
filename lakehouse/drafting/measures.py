"""What the typed columns of a sample hold: how many values, which, between what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from lakehouse.connection import quote_name
from lakehouse.drafting.cells import TYPED, Guess

_FEW = 20
_REPEATED = 20
"""Rows that a value of an enumeration stands for on average."""


@dataclass(frozen=True)
class Measure:
    """One column in numbers.

    Attributes:
        filled: Rows with a value.
        distinct: Distinct values, nearly.
        low: Smallest value; of texts the length of the shortest.
        high: Largest value; of texts the length of the longest.
        mean: Of numbers.
        shape: Regular expression that all texts match, or None.
        values: All values with their counts, where they are few and repeated.
    """

    filled: int
    distinct: int
    low: Any
    high: Any
    mean: float | None = None
    shape: str | None = None
    values: Mapping[str, int] = field(default_factory=dict)


_CLASSES = (("[A-Z]", "letters"), ("[0-9]", "digits"), ("[A-Z0-9]", "codes"))


def measure(connection: duckdb.DuckDBPyConnection, guesses: Sequence[Guess]) -> dict[str, Measure]:
    """Returns the measures of all columns, from one pass over the rows and one for the values."""
    parts, width = [], 5 + len(_CLASSES)
    for guess in guesses:
        cell, text = quote_name(guess.name), guess.type == "VARCHAR"
        sized = f"length({cell})" if text else cell
        number = is_number(guess)
        parts += [f"count({cell})", f"approx_count_distinct({cell})", f"min({sized})"]
        parts += [f"max({sized})", f"avg({cell})" if number else "NULL"]
        parts += [
            f"bool_and(regexp_full_match({cell}, '{kind}+'))" if text else "NULL"
            for kind, _ in _CLASSES
        ]
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {TYPED}").fetchone() or ()
    found = {}
    for place, guess in enumerate(guesses):
        filled, distinct, low, high, mean, *classes = row[place * width : (place + 1) * width]
        shape = _shape(low, high, classes)
        found[guess.name] = Measure(int(filled), int(distinct), low, high, mean, shape)
    return _with_values(connection, guesses, found)


def is_number(guess: Guess) -> bool:
    """Returns whether the column holds numbers."""
    return guess.type in ("INTEGER", "BIGINT", "FLOAT", "DOUBLE") or guess.type.startswith("DEC")


def _shape(low: Any, high: Any, classes: Sequence[bool | None]) -> str | None:
    """Returns the pattern of texts that all are codes of one length."""
    if low != high or not low or low > 40:
        return None
    kind = next((kind for (kind, _), all_are in zip(_CLASSES, classes, strict=True) if all_are), "")
    return f"^{kind}{{{low}}}$" if kind else None


def _with_values(
    connection: duckdb.DuckDBPyConnection,
    guesses: Sequence[Guess],
    found: dict[str, Measure],
) -> dict[str, Measure]:
    """Adds the values of columns of texts that have few, each of them often."""
    few = [
        guess.name
        for guess in guesses
        if guess.type == "VARCHAR"
        and found[guess.name].filled
        and found[guess.name].distinct <= _FEW * 2
        and (found[guess.name].high or 0) <= 40
    ]
    if not few:
        return found
    counted = ", ".join(f"histogram({quote_name(name)})" for name in few)
    row = connection.execute(f"SELECT {counted} FROM {TYPED}").fetchone() or ()
    for name, values in zip(few, row, strict=True):
        old = found[name]
        if len(values) <= _FEW and old.filled >= _REPEATED * len(values):
            ranked = dict(sorted(values.items()))
            found[name] = Measure(
                old.filled, len(values), old.low, old.high, None, old.shape, ranked
            )
    return found
