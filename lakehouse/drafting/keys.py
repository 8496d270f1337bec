"""The key of a sample: the fewest and leftmost columns by which each row is told from the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import prod

import duckdb

from lakehouse.connection import quote_name
from lakehouse.drafting.cells import TYPED, Guess
from lakehouse.drafting.measures import Measure, is_number

_SCREENS = (2_000, 30_000)
"""First rows on which columns are tried before they are tried on all."""
_COLUMNS = 14
_WIDTH = 5
_TRIED = 400
_WORDY = 60
_KEY = re.compile(r"(?i:(^|_)(id|no|nr|num|number|key|code|pk)$)|[a-z]I[dD]$")
_NEARLY = 0.5
"""Share of the distinct values that DuckDB's estimate of them finds at least."""


@dataclass(frozen=True)
class Key:
    """Columns that tell rows apart.

    Attributes:
        columns: In the table's order; empty if there is no key.
        others: Further single columns that would do.
        scope: `sample` if no two rows of all are alike, `file` if only no two of one file are.
        again: Rows whose key an earlier file has, too.
    """

    columns: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    scope: str = "sample"
    again: int = 0


def find_key(
    connection: duckdb.DuckDBPyConnection,
    guesses: Sequence[Guess],
    measures: Mapping[str, Measure],
    *,
    rows: int,
    files: int,
    base: Sequence[str] = (),
) -> Key:
    """Returns the key; exact on the sample.

    Args:
        connection: Has the typed rows.
        guesses: The columns.
        measures: Their measures.
        rows: Rows of the sample.
        files: Files of the sample.
        base: Columns that a key of several must have, because they decide the partition.
    """
    fit = [guess for guess in guesses if _usable(guess, measures[guess.name], rows)]
    usable = [guess.name for guess in fit]
    singles = [name for name in usable if measures[name].distinct >= rows * _NEARLY]
    unique = [name for name in singles if _repeats(connection, (name,)) == 0]
    chosen = next((g.name for g in fit if g.name in unique and _means_it(g, guesses, measures)), "")
    if chosen:
        return Key((chosen,), tuple(name for name in unique if name != chosen))
    if files > 1 and (alone := _per_file(connection, usable, measures, rows)):
        return alone
    # what is counted or measured tells rows apart by chance; codes and times do so on purpose
    likely = sorted(fit, key=is_number)
    return Key(_composite(connection, [guess.name for guess in likely], measures, tuple(base)))


def _usable(guess: Guess, measure: Measure, rows: int) -> bool:
    """Whether a column may be in a key: always filled, and neither measured nor prose."""
    if guess.type in ("FLOAT", "DOUBLE", "BOOLEAN") or measure.filled < rows:
        return False
    return guess.type != "VARCHAR" or (measure.high or 0) <= _WORDY


def _means_it(guess: Guess, guesses: Sequence[Guess], measures: Mapping[str, Measure]) -> bool:
    """Whether a unique column is a key rather than a number that happens not to repeat.

    An integer is one if it stands first, is called so, or counts without a gap.
    """
    if not is_number(guess) or guess.name == guesses[0].name or _KEY.search(guess.name):
        return True
    found = measures[guess.name]
    return bool(found.high - found.low + 1 == found.filled)


def _per_file(
    connection: duckdb.DuckDBPyConnection,
    usable: Sequence[str],
    measures: Mapping[str, Measure],
    rows: int,
) -> Key | None:
    """Returns the one column that is unique in each file, though not across all files."""
    found = connection.execute(
        f"SELECT max(n) FROM (SELECT count(*) AS n FROM {TYPED} GROUP BY __file)"
    ).fetchone()
    largest = int(found[0]) if found else rows
    for name in usable:
        if measures[name].distinct < largest * _NEARLY or _repeats(connection, ("__file", name)):
            continue
        return Key((name,), scope="file", again=_repeats(connection, (name,)))
    return None


def _composite(
    connection: duckdb.DuckDBPyConnection,
    usable: Sequence[str],
    measures: Mapping[str, Measure],
    base: tuple[str, ...],
) -> tuple[str, ...]:
    """Returns the fewest columns, `base` among them, that are unique together."""
    free = [n for n in usable if n not in base and measures[n].distinct > 1][:_COLUMNS]
    if not set(base) <= set(usable):
        return ()
    order = {name: place for place, name in enumerate(measures)}
    tried = 0
    for width in range(0 if base else 2, _WIDTH + 1):
        wide = (more for more in combinations(free, width) if _reaches((*base, *more), measures))
        tuples = [
            tuple(sorted((*base, *more), key=order.__getitem__)) for more in islice(wide, _TRIED)
        ]
        for columns in _screened(connection, tuples):
            tried += 1
            if _repeats(connection, columns) == 0:
                return columns
            if tried > _TRIED // 8:
                return ()
    return ()


def _reaches(columns: Sequence[str], measures: Mapping[str, Measure]) -> bool:
    """Whether the columns have enough combinations of values for all rows; counts are not exact."""
    combined = prod(max(measures[name].distinct, 1) / _NEARLY for name in columns)
    return combined >= max(measures[name].filled for name in columns)


def _screened(
    connection: duckdb.DuckDBPyConnection, tuples: Sequence[tuple[str, ...]]
) -> Sequence[tuple[str, ...]]:
    """Returns those that are unique among the first rows: the rest cannot be among all."""
    for rows in _SCREENS:
        kept: list[tuple[str, ...]] = []
        for start in range(0, len(tuples), 50):
            part = tuples[start : start + 50]
            tests = ", ".join(f"count(DISTINCT hash({_listed(c)})) = count(*)" for c in part)
            row = connection.execute(f"SELECT {tests} FROM (FROM {TYPED} LIMIT {rows})").fetchone()
            kept += [columns for columns, alone in zip(part, row or (), strict=True) if alone]
        tuples = kept
    return tuples


def _repeats(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> int:
    """Returns how many rows are not the first of their key."""
    listed = _listed(columns)
    found = connection.execute(
        f"SELECT coalesce(sum(n - 1), 0) FROM "
        f"(SELECT count(*) AS n FROM {TYPED} GROUP BY {listed} HAVING count(*) > 1)"
    ).fetchone()
    return int(found[0]) if found else 0


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(quote_name(name) for name in columns)
