"""What a draft decides: key, cut, what a delivery means, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lakehouse.contract.parts import Delivery
from lakehouse.drafting.calendar import Cut, cuts
from lakehouse.drafting.cells import Guess
from lakehouse.drafting.keys import Key, find_key
from lakehouse.drafting.measures import Measure

_SAME = 0.5
"""Share of keys that come again from which files are versions of the same rows."""


@dataclass(frozen=True)
class Outline:
    """The decisions.

    Attributes:
        key: The key.
        cut: How the table is cut, or None.
        uncut: A cut that would have been possible if the key had its column, or None.
        delivery: What a new file means.
        reason: Why.
    """

    key: Key
    cut: Cut | None
    uncut: Cut | None
    delivery: Delivery
    reason: str

    @property
    def label(self) -> str:
        """SQL of a row's partition; of all rows together where the table is not cut."""
        return self.cut.label if self.cut else "'all'"


def outline(
    connection: duckdb.DuckDBPyConnection,
    guesses: Sequence[Guess],
    measures: Mapping[str, Measure],
    rows: int,
    files: int,
) -> Outline:
    """Returns the decisions for the sample.

    Args:
        connection: Has the typed rows.
        guesses: The columns that may be in a key or cut the table.
        measures: Their measures.
        rows: Rows of the sample.
        files: Files of the sample.
    """
    possible = cuts(connection, guesses, measures, rows, files)[:3]
    periods = tuple(cut for cut in possible if files == 1 or _is_period(cut, files))
    alone = find_key(connection, guesses, measures, rows=rows, files=files)
    if len(alone.columns) == 1 and not (alone.scope == "file" and periods):
        cut = next((cut for cut in possible if cut.column in alone.columns), None)
        uncut = next(iter(possible), None) if cut is None else None
        return _with_delivery(alone, cut, uncut, rows, files)
    if not possible:
        key = alone if alone.scope == "sample" else Key()
        return _with_delivery(key, None, None, rows, files)
    found = []
    for cut in possible:
        base = cut.sources or (cut.column,)
        key = find_key(connection, guesses, measures, rows=rows, files=1, base=base)
        found += [(cut, key)] if set(base) <= set(key.columns) else []
    cut, key = min(found, key=_preference) if found else (possible[0], Key())
    return _with_delivery(key, cut, None, rows, files)


def _preference(found: tuple[Cut, Key]) -> tuple[int, int]:
    cut, key = found
    return cut.per_file if cut.gap else 0, len(key.columns)


def _is_period(cut: Cut, files: int) -> bool:
    """Whether each file holds a period of its own rather than all of time once more."""
    return cut.partitions > 1 and cut.per_file * 2 <= max(cut.partitions, 3)


def _with_delivery(key: Key, cut: Cut | None, uncut: Cut | None, rows: int, files: int) -> Outline:
    """Returns the outline with what a new file means."""
    delivery, reason = _delivery(key, cut, rows, files)
    return Outline(key, cut, uncut, delivery, reason)


def _delivery(key: Key, cut: Cut | None, rows: int, files: int) -> tuple[Delivery, str]:
    if files == 1 and cut is None:
        return "full", "The sample is one file without periods, so a file is the whole table."
    if files == 1:
        return "replace", "A new version of a file supersedes the one before; other files add rows."
    if key.scope == "file":
        share = key.again / (rows * (files - 1) / files)
        if share >= _SAME:
            return (
                "full",
                f"{share:.0%} of the keys come again in the next file: each is the whole.",
            )
        again = f"{key.again:,} rows have a key that an earlier file has as well"
        return "incremental", f"{again}: the last delivered version of a key wins."
    if key.columns and cut is None:
        return (
            "incremental",
            "No key comes in two files: a file adds rows, or corrects them by key.",
        )
    return "replace", (
        "Files are periods; a corrected one comes under the same name and supersedes the first."
        if cut
        else "There is no key to merge by; a new version of a file supersedes the one before."
    )
