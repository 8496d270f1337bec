"""The expectations of a drafted contract: row counts, shares of nulls, means; all with room."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from lakehouse.connection import quote_name
from lakehouse.drafting.bounds import around
from lakehouse.drafting.cells import TYPED, Guess
from lakehouse.drafting.measures import Measure, is_number
from lakehouse.drafting.outline import Outline
from lakehouse.drafting.yaml import flow, scalar

_SHARES = 3
_MEANS = 3
_HOLES = (0.5, 0.998)
"""Shares of filled rows between which the nulls of a column are worth a check."""


@dataclass(frozen=True)
class Group:
    """What is judged together: partitions, files or all.

    Attributes:
        word: What one is called.
        sql: Expression that tells groups apart.
        least: Rows of the smallest.
        most: Rows of the largest.
        number: How many there are.
    """

    word: str
    sql: str
    least: int
    most: int
    number: int


def grouping(connection: duckdb.DuckDBPyConnection, outline: Outline, rows: int) -> Group:
    """Returns the groups by which a suite judges."""
    cut = outline.cut
    if cut is not None:
        return Group(cut.granularity, cut.label, cut.least, cut.most, cut.partitions)
    if outline.delivery != "full":
        return Group("table", "0", rows, rows, 1)
    found = connection.execute(
        f"SELECT min(n), max(n), count(*) FROM (SELECT count(*) AS n FROM {TYPED} GROUP BY __file)"
    ).fetchone()
    least, most, number = found or (rows, rows, 1)
    return Group("file", "__file", int(least), int(most), int(number))


def row_count(outline: Outline, group: Group, whole: bool) -> list[str]:
    """Returns the check of the number of rows; where a file is the whole table, it blocks."""
    blocks = outline.delivery == "full"
    grows = outline.cut is None and outline.delivery != "full"
    low = max(1, group.least // 2)
    limit = f"mustBeBetween: {flow([low, _round(group.most * (10 if blocks else 3))])}"
    if grows or not whole:
        limit = f"mustBeGreaterOrEqualTo: {low}"
    if group.number > 1:
        seen = f"{group.least:,} to {group.most:,} rows in each of {group.number} {group.word}s"
    else:
        seen = f"{group.most:,} rows in the one {group.word} of the sample"
    why = "a file that was cut short must not replace the table" if blocks else "fewer look cut off"
    return [
        "- type: library",
        "  metric: rowCount",
        f"  {limit}",
        f"  severity: {'error' if blocks else 'warning'}",
        f"  description: {scalar(f'{seen}; {why}.')}",
    ]


def column_checks(
    connection: duckdb.DuckDBPyConnection,
    guesses: Sequence[Guess],
    measures: Mapping[str, Measure],
    group: Group,
    rows: int,
) -> dict[str, list[str]]:
    """Returns the checks of a few columns: the share of nulls, the mean of measured numbers.

    Args:
        connection: Has the typed rows.
        guesses: Columns that may be judged: neither personal nor in the key.
        measures: Their measures.
        group: What is judged together.
        rows: Rows of the sample.
    """
    holed = [g for g in guesses if _HOLES[0] * rows < measures[g.name].filled < _HOLES[1] * rows][
        :_SHARES
    ]
    measured = [g for g in guesses if g.type == "DOUBLE" and measures[g.name].filled > rows / 2]
    counted = [g for g in guesses if is_number(g) and measures[g.name].distinct > 100]
    means = [*measured, *(g for g in counted if g not in measured)][:_MEANS]
    made: dict[str, list[str]] = {}
    for guess in holed:
        worst = _one(connection, f"1 - count({quote_name(guess.name)}) / count(*)", group, "max(v)")
        made[guess.name] = _share(worst[0], group)
    for guess in means:
        value = f"avg({quote_name(guess.name)})"
        low, high, missing = _one(connection, value, group, "min(v), max(v), count(*) - count(v)")
        if not missing:
            made.setdefault(guess.name, []).extend(_mean(float(low), float(high), group))
    return made


def _one(
    connection: duckdb.DuckDBPyConnection, value: str, group: Group, wanted: str
) -> tuple[float, ...]:
    """Returns something of the values of all groups."""
    found = connection.execute(
        f"SELECT {wanted} FROM (SELECT {value} AS v FROM {TYPED} GROUP BY {group.sql})"
    ).fetchone()
    return tuple(found or ())


def _share(worst: float, group: Group) -> list[str]:
    limit = min(100, math.ceil(worst * 150 + 1))
    return [
        "- type: library",
        "  metric: nullValues",
        f"  mustBeLessOrEqualTo: {limit}",
        "  unit: percent",
        "  severity: warning",
        f"  description: {scalar(f'At most {worst:.1%} of a {group.word} were empty.')}",
    ]


def _mean(low: float, high: float, group: Group) -> list[str]:
    room = max(high - low, abs(high) / 2, abs(low) / 2) / 2 or 1
    least, most = around(low, high, room)
    seen = f"Means were {low:.4g} to {high:.4g}" if group.number > 1 else f"The mean was {low:.4g}"
    notes = f"{seen}; one far outside says that the unit or the selection has changed."
    kwargs = flow({"min_value": float(least), "max_value": float(most)})
    return [
        "- type: custom",
        "  engine: greatExpectations",
        "  severity: warning",
        "  implementation:",
        "    type: expect_column_mean_to_be_between",
        f"    kwargs: {kwargs}",
        "    meta:",
        f"      notes: {scalar(notes)}",
    ]


def _round(value: int) -> int:
    """Returns a number of two digits and zeros that is not smaller."""
    step = int(10 ** max(len(str(value)) - 2, 0))
    return math.ceil(value / step) * step
