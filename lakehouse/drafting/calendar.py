"""The dates of a sample: which column cuts the table, how wide, and how often files come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from lakehouse.connection import quote_name
from lakehouse.contract.partition import Granularity
from lakehouse.drafting.cells import TYPED, Guess
from lakehouse.drafting.measures import Measure

_PARTS = ("year", "month", "day")
_DAY_ROWS = 200_000
_PARTITION_ROWS = 50
_WHOLE_DAYS = {"day": 1, "month": 31, "year": 366}


@dataclass(frozen=True)
class Cut:
    """How the table is cut.

    Attributes:
        column: The column that decides, or the name of one to be computed.
        expression: SQL of the day, over the columns.
        sources: Columns that a computed one is made of; empty if it is read.
        granularity: Width of a partition.
        first: First day of the first partition.
        newest: The latest time of all.
        partitions: Partitions in the sample.
        least: Rows of the smallest partition.
        most: Rows of the largest one.
        per_file: Largest number of partitions that one file touches.
        gap: Usual time between the newest rows of one file and of the next, or None.
    """

    column: str
    expression: str
    sources: tuple[str, ...]
    granularity: Granularity
    first: date
    newest: datetime
    partitions: int
    least: int
    most: int
    per_file: int
    gap: timedelta | None

    @property
    def label(self) -> str:
        """SQL for the first day of a row's partition."""
        return f"date_trunc('{self.granularity}', TRY({self.expression})::DATE)"


def cuts(
    connection: duckdb.DuckDBPyConnection,
    guesses: Sequence[Guess],
    measures: Mapping[str, Measure],
    rows: int,
    files: int,
) -> tuple[Cut, ...]:
    """Returns the ways to cut the table by time, the best first.

    A column qualifies if each row has a date and a partition has more than a few rows. Where files
    come period by period, the column is best by which each file touches fewest partitions.
    """
    found = []
    for column, expression, sources in _candidates(guesses, measures, rows):
        cut = _cut(connection, column, expression, sources, files)
        if cut is not None:
            found.append(cut)
    # files that each hold the whole of time are no periods: they say nothing about the column
    return tuple(sorted(found, key=lambda cut: cut.per_file if files > 1 else 0))


def _candidates(
    guesses: Sequence[Guess], measures: Mapping[str, Measure], rows: int
) -> list[tuple[str, str, tuple[str, ...]]]:
    full = {guess.name: guess for guess in guesses if measures[guess.name].filled == rows}
    found = []
    by_part = {name.lower(): name for name, guess in full.items() if guess.type == "INTEGER"}
    if all(part in by_part for part in _PARTS) and _is_calendar(by_part, measures):
        sources = tuple(by_part[part] for part in _PARTS)
        taken = {guess.name.lower() for guess in guesses}
        name = next(name for name in ("date", "row_date", "row_date_1") if name not in taken)
        expression = f"make_date({', '.join(map(quote_name, sources))})"
        found.append((name, expression, sources))
    found += [
        (name, quote_name(name), ())
        for name, guess in full.items()
        if guess.type in ("DATE", "TIMESTAMPTZ")
    ]
    return found


def _is_calendar(by_part: Mapping[str, str], measures: Mapping[str, Measure]) -> bool:
    bounds = {"year": (1800, 2200), "month": (1, 12), "day": (1, 31)}
    return all(
        low <= measures[by_part[part]].low and measures[by_part[part]].high <= high
        for part, (low, high) in bounds.items()
    )


def _cut(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    expression: str,
    sources: tuple[str, ...],
    files: int,
) -> Cut | None:
    """Returns the cut by one column, or None if partitions would be tiny or a day is none."""
    day = f"TRY({expression})::DATE"
    whole = connection.execute(
        f"SELECT count(*), count({day}), count(DISTINCT {day}), min({day}), "
        f"max(TRY({expression})::TIMESTAMP) FROM {TYPED}"
    ).fetchone()
    rows, dated, days, first, newest = whole or (0, 0, 0, None, None)
    if not dated or dated < rows or first.year < 1800 or newest.year > 2200:
        return None
    width = _granularity(connection, day, rows, days)
    if width is None:
        return None
    counted = connection.execute(
        f"SELECT count(*), min(n), max(n), (SELECT max(k) FROM (SELECT count(DISTINCT "
        f"date_trunc('{width}', {day})) AS k FROM {TYPED} GROUP BY __file)) FROM "
        f"(SELECT count(*) AS n FROM {TYPED} GROUP BY date_trunc('{width}', {day}))"
    ).fetchone()
    partitions, least, most, per_file = counted or (0, 0, 0, 0)
    gap = _gap(connection, expression) if files > 1 else None
    start = {"day": first, "month": first.replace(day=1), "year": first.replace(month=1, day=1)}
    return Cut(
        column,
        expression,
        sources,
        width,
        start[width],
        newest,
        int(partitions),
        int(least),
        int(most),
        int(per_file),
        gap,
    )


def _granularity(
    connection: duckdb.DuckDBPyConnection, day: str, rows: int, days: int
) -> Granularity | None:
    """Returns the width: days where they are large, years where months are small, else months."""
    if rows / days >= _DAY_ROWS:
        return "day"
    found = connection.execute(
        f"SELECT count(DISTINCT date_trunc('month', {day})), "
        f"count(DISTINCT date_trunc('year', {day})) FROM {TYPED}"
    ).fetchone()
    months, years = found or (1, 1)
    if rows / months >= _PARTITION_ROWS:
        return "month"
    return "year" if rows / years >= _PARTITION_ROWS else None


def _gap(connection: duckdb.DuckDBPyConnection, expression: str) -> timedelta | None:
    """Returns the usual time from the newest row of a file to that of the next."""
    found = connection.execute(
        f"SELECT median(newest - before) FROM (SELECT newest, lag(newest) OVER (ORDER BY newest) "
        f"AS before FROM (SELECT max(TRY({expression})::TIMESTAMP) AS newest FROM {TYPED} "
        "GROUP BY __file)) WHERE newest > before"
    ).fetchone()
    return found[0] if found else None
