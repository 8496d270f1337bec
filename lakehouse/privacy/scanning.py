"""Looks for identifiers of people in text columns of a relation, partition by partition.

The distinct values of all partitions are looked at first. Only where one of them gives something
away is a column looked at in each partition by itself: data that has nothing personal costs one
scan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column
from lakehouse.privacy.detectors import DETECTORS, Detector
from lakehouse.privacy.judging import Tally, borne_out, outline, settled
from lakehouse.privacy.names import Hint, suggested

_VALUES = "__values"
_LOOKED_AT = 1000
"""Values of a column that are tested for each kind, of all partitions together."""
_IN_EACH = 100
"""And in each partition."""


@dataclass(frozen=True)
class Finding:
    """Identifiers of one kind in one column and partition.

    Attributes:
        label: The partition, as the label's SQL gives it.
        column: Name of the column.
        kind: The kind, one of `KINDS`.
        values: How many distinct values look so.
        distinct: How many distinct values there are.
        outline: The form of one of them, without the value.
    """

    label: date | str | None
    column: str
    kind: str
    values: int
    distinct: int
    outline: str


@dataclass(frozen=True)
class _Seen:
    """The distinct values of a column in one partition, or in all.

    Attributes:
        label: The partition; None for all.
        distinct: How many distinct values there are.
        values: A sample of them.
        candidates: For each detector asked for, how many pass its sieve, and a sample of those.
    """

    label: date | str | None
    distinct: int
    values: Sequence[str]
    candidates: Mapping[Detector, tuple[int, Sequence[str]]]


def scanned(columns: Collection[Column]) -> tuple[Column, ...]:
    """Returns the columns to scan: texts that are published as they were delivered."""
    return tuple(c for c in columns if c.type == "VARCHAR" and c.treatment is None)


def scan(
    connection: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[Column], label: str
) -> tuple[Finding, ...]:
    """Returns what the columns of a relation give away, whether or not a waiver allows it.

    Args:
        connection: An open connection in which the relation is visible.
        rows: SQL of the relation, to select from.
        columns: The columns to look at.
        label: SQL that says which partition a row is in.
    """
    if not columns:
        return ()
    _gather(connection, rows, columns)
    found: list[Finding] = []
    for place, column in enumerate(columns):
        hints, detectors = _suspected(connection, place, column)
        if hints or detectors:
            for seen in _by_partition(connection, rows, column, label, detectors):
                found += _judged(column, seen, hints)
    connection.execute(f"DROP TABLE {_VALUES}")
    return tuple(found)


def _gather(connection: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[Column]) -> None:
    """Makes the table of all columns' distinct values, in one scan."""
    names = [quote_name(column.name) for column in columns]
    place = " ".join(f"WHEN grouping({name}) = 0 THEN {at}" for at, name in enumerate(names))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_VALUES} AS SELECT __place, __value FROM ("
        f"SELECT CASE {place} END AS __place, trim(coalesce({', '.join(names)})) AS __value "
        f"FROM {rows} GROUP BY GROUPING SETS ({', '.join(f'({name})' for name in names)})) "
        "WHERE __value <> ''"
    )


def _suspected(
    connection: duckdb.DuckDBPyConnection, place: int, column: Column
) -> tuple[list[Hint], list[Detector]]:
    """Returns by what the column may give something away in some partition."""
    source = f"(SELECT NULL AS __label, __value FROM {_VALUES} WHERE __place = {place})"
    any_of = "|".join(f"(?:{detector.sieve})" for detector in DETECTORS)
    # one pattern for all of them first: most values pass none
    sifted = f"(SELECT * FROM {source} WHERE regexp_matches(__value, {quote_text(any_of)}))"
    hints, detectors = list(suggested(column.name)), []
    for seen in _looked(connection, sifted, DETECTORS, _LOOKED_AT):
        detectors = [d for d, (_, some) in seen.candidates.items() if any(map(d.hits, some))]
    if hints:
        for seen in _looked(connection, source, (), _LOOKED_AT):
            hints = [hint for hint in hints if any(borne_out(hint, [v]) for v in seen.values)]
    return hints, detectors


def _by_partition(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    column: Column,
    label: str,
    detectors: Sequence[Detector],
) -> Iterator[_Seen]:
    name = quote_name(column.name)
    source = f"(SELECT DISTINCT {label} AS __label, trim({name}) AS __value FROM {rows})"
    yield from _looked(
        connection, f"(SELECT * FROM {source} WHERE __value <> '')", detectors, _IN_EACH
    )


def _looked(
    connection: duckdb.DuckDBPyConnection, source: str, detectors: Sequence[Detector], most: int
) -> list[_Seen]:
    """Returns counts and samples of distinct values by label; the samples are always the same."""
    some = f"arg_min(__value, hash(__value), {most})"
    sifted = (f"FILTER (regexp_matches(__value, {quote_text(d.sieve)}))" for d in detectors)
    each = "".join(f", count(*) {only}, {some} {only}" for only in sifted)
    found = connection.execute(
        f"SELECT __label, count(*), {some}{each} FROM {source} GROUP BY __label ORDER BY __label"
    ).fetchall()
    return [
        _Seen(
            row[0],
            row[1],
            row[2],
            {d: (row[3 + 2 * k], row[4 + 2 * k] or ()) for k, d in enumerate(detectors)},
        )
        for row in found
    ]


def _judged(column: Column, seen: _Seen, hints: Sequence[Hint]) -> list[Finding]:
    """Returns what a column gives away in one partition."""
    found: dict[str, tuple[int, str]] = {}
    for hint in hints:
        if borne_out(hint, seen.values):
            found[hint.kind] = (seen.distinct, outline(seen.values[0]))
    for detector, (candidates, some) in seen.candidates.items():
        real = [value for value in some if detector.hits(value)]
        # what was not tested is taken to be as what was
        hits = round(candidates * len(real) / len(some)) if some else 0
        if Tally(seen.distinct, candidates, hits).convinces(detector):
            found.setdefault(detector.kind, (hits, outline(real[0])))
    return [
        Finding(seen.label, column.name, kind, found[kind][0], seen.distinct, found[kind][1])
        for kind in settled(found)
    ]
