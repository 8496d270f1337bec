"""What type the cells of each column have, judged by the engine's own reading of a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column
from lakehouse.contract.formats import strptime
from lakehouse.drafting.dates import date_format
from lakehouse.drafting.sample import TEXTS, Sample
from lakehouse.drafting.shapes import TOKENS, find_shapes, find_tokens
from lakehouse.reading import values

TYPED = "__typed"
"""The table of typed rows: `__file` and the columns."""
_PLAIN_TOKENS = ("N/A", "#N/A", "<NA>", "NULL", "null", "NaN", "\\N", "#NULL!")
"""Tokens that mean null in a column of texts as well, where the rest may be words."""
_PAIRS = (["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"])
_ZONE = "in which zone is this clock? Without `defaultTimezone` it is read as UTC"
_INTEGER = 2**30
_DAY = re.compile(r"date|datum|day|(^|_)(dt|tag)($|_)", re.IGNORECASE)
"""Names of columns in which eight digits are a day rather than a number."""
_PARQUET = {
    "TINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "INTEGER": "INTEGER",
    "UTINYINT": "INTEGER",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMPTZ",
    "TIMESTAMP_S": "TIMESTAMPTZ",
    "TIMESTAMP_MS": "TIMESTAMPTZ",
    "TIMESTAMP_NS": "TIMESTAMPTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
}


@dataclass(frozen=True)
class Guess:
    """What a column seems to be.

    Attributes:
        name: Its name in the contract.
        label: Its name in the file.
        type: DuckDB type, as in a contract.
        pattern: JDK format of dates and times that are not ISO 8601.
        doubts: Questions for the owner.
    """

    name: str
    label: str
    type: str = "VARCHAR"
    pattern: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def column(self) -> Column:
        """The column as a contract would have it."""
        format = strptime(self.pattern) if self.pattern else None
        return Column(self.name, self.type, formats=(format,) if format else ())


@dataclass(frozen=True)
class Cells:
    """How the cells of a sample are read.

    Attributes:
        guesses: The columns.
        nulls: Tokens that mean null.
        decimal: Decimal mark of numbers.
    """

    guesses: tuple[Guess, ...]
    nulls: tuple[str, ...] = ()
    decimal: str = "."


def infer(connection: duckdb.DuckDBPyConnection, sample: Sample) -> Cells:
    """Returns the types of all columns and makes the table `TYPED` with them."""
    if sample.format == "parquet":
        cells = Cells(tuple(map(_declared, sample.names, sample.labels, sample.kinds)))
    else:
        cells = _inferred(connection, sample)
    made = [
        f"{values.value(guess.column, _raw(guess, cells))} AS {quote_name(guess.name)}"
        for guess in cells.guesses
    ]
    connection.execute(
        f"CREATE TABLE {TYPED} AS SELECT __file, {', '.join(made)} FROM {TEXTS}; DROP TABLE {TEXTS}"
    )
    return cells


def _declared(name: str, label: str, kind: str) -> Guess:
    """Returns the type that Parquet declares."""
    if kind.startswith("DECIMAL") or kind in _PARQUET:
        naive = kind.startswith("TIMESTAMP") and kind != "TIMESTAMP WITH TIME ZONE"
        return Guess(name, label, _PARQUET.get(kind, kind), doubts=(_ZONE,) if naive else ())
    told = f"{kind} in the file; kept as text"
    return Guess(name, label, doubts=() if kind == "VARCHAR" else (told,))


def _inferred(connection: duckdb.DuckDBPyConnection, sample: Sample) -> Cells:
    found = find_tokens(connection, sample.names) if sample.dialect else {}
    shapes = find_shapes(connection, sample.names, found)
    comma = _decimal(sample, shapes)
    guesses = [
        _guess(connection, sample, place, shapes[name], comma)
        for place, name in enumerate(sample.names)
    ]
    cells = Cells(tuple(guesses), _nulls(guesses, found), "," if comma else ".")
    return replace(cells, guesses=_verified(connection, cells))


def _decimal(sample: Sample, shapes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether numbers are written with a decimal comma, as more of the columns say than not."""
    if sample.dialect is None or sample.dialect.delimiter == ",":
        return False
    whole = [shape for shape in shapes.values() if shape["ints"] < shape["count"]]
    commas = sum(shape["commas"] == shape["count"] for shape in whole)
    return bool(commas > sum(shape["numbers"] == shape["count"] for shape in whole))


def _guess(
    connection: duckdb.DuckDBPyConnection,
    sample: Sample,
    place: int,
    shape: Mapping[str, Any],
    comma: bool,
) -> Guess:
    """Returns what one column looks like."""
    guess, kind = Guess(sample.names[place], sample.labels[place]), sample.kinds[place]
    if not shape["count"]:
        return replace(guess, doubts=("no value in the sample: what is it, and of which type?",))
    if kind == "NESTED":
        return replace(guess, doubts=("nested in the file; kept as JSON text",))
    pair = shape["booleans"] == shape["count"] and shape["few"] in _PAIRS
    if kind == "BOOLEAN" or (kind == "TEXT" and pair):
        return replace(guess, type="BOOLEAN")
    number = _number(guess, shape, comma) if kind in ("TEXT", "NUMBER") else None
    if kind == "TEXT" and shape["ints"] == shape["count"] and shape["longest"] == 8:
        dated = _dated(connection, guess) if _DAY.search(guess.name) else guess
        number = dated if dated.pattern else number
    return number or _text(connection, guess, shape)


def _text(connection: duckdb.DuckDBPyConnection, guess: Guess, shape: Mapping[str, Any]) -> Guess:
    """Returns what a column that holds no numbers looks like: a day, a moment, a time, a text."""
    count = shape["count"]
    if shape["dates"] == count:
        return replace(guess, type="DATE")
    if shape["moments"] == count:
        doubts = () if shape["zoned"] == count else (_ZONE,)
        return replace(guess, type="TIMESTAMPTZ", doubts=doubts)
    if shape["times"] == count:
        return replace(guess, type="TIME")
    if shape["ints"] == count and shape["padded"]:
        return replace(guess, doubts=("digits with leading zeros are kept as text: a code?",))
    if shape["dated"] == count and shape["longest"] <= 40:
        return _dated(connection, guess)
    return guess


def _number(guess: Guess, shape: Mapping[str, Any], comma: bool) -> Guess | None:
    """Returns the guess as a number if all cells are; digits after a leading zero are a code."""
    if shape["ints"] == shape["count"]:
        if shape["padded"] or shape["longest"] > 18:
            return None
        return replace(guess, type="INTEGER" if shape["largest"] < _INTEGER else "BIGINT")
    if shape["commas" if comma else "numbers"] == shape["count"]:
        return replace(guess, type="DOUBLE")
    return None


def _dated(connection: duckdb.DuckDBPyConnection, guess: Guess) -> Guess:
    """Returns the guess with the format of its dates, if it has one."""
    found = date_format(connection, TEXTS, guess.name, TOKENS)
    if found is None:
        return guess
    doubts = [f"{found.pattern} or {found.other}? The sample fits both"] if found.other else []
    doubts += [_ZONE] if found.type == "TIMESTAMPTZ" else []
    return replace(guess, type=found.type, pattern=found.pattern, doubts=tuple(doubts))


def _nulls(guesses: Sequence[Guess], found: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Returns the tokens that stand in columns of numbers and dates, or can mean nothing else."""
    tokens: list[str] = []
    for guess in guesses:
        textual = guess.type == "VARCHAR"
        meant = (t for t in found.get(guess.name, ()) if not textual or t in _PLAIN_TOKENS)
        tokens += [token for token in meant if token not in tokens]
    return tuple(tokens)


def _raw(guess: Guess, cells: Cells) -> str:
    """Returns SQL for a cell's raw value, as the engine takes it from its text."""
    cell = quote_name(guess.name)
    if cells.nulls:
        listed = ", ".join(map(quote_text, cells.nulls))
        cell = f"CASE WHEN {cell} NOT IN ({listed}) THEN {cell} END"
    if guess.type == "DOUBLE" and cells.decimal == ",":
        cell = f"replace({cell}, ',', '.')"
    return values.raw_text(guess.column, cell)


def _verified(connection: duckdb.DuckDBPyConnection, cells: Cells) -> tuple[Guess, ...]:
    """Returns the guesses; a column of which the engine cannot read each cell is text."""
    tests = []
    for guess in cells.guesses:
        raw = _raw(guess, cells)
        given = _raw(replace(guess, type="VARCHAR"), cells)
        tests.append(f"count({given}) - count({values.value(guess.column, raw)})")
    row = connection.execute(f"SELECT {', '.join(tests)} FROM {TEXTS}").fetchone() or ()
    return tuple(
        replace(guess, type="VARCHAR", pattern=None, doubts=(f"not all cells are {guess.type}",))
        if bad
        else guess
        for guess, bad in zip(cells.guesses, row, strict=True)
    )
