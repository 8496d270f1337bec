"""Histograms on fixed edges: what a model's inputs and score look like, per month.

Edges are fixed once, on the reference rows of a training, and kept with the model, so that every
later month is counted into the same bins and costs one pass over its own rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Literal

import duckdb
import polars as pl

from lakehouse.connection import quote_name, quote_text
from lakehouse.model_spec import FeatureSpec

REFERENCE_FILE = "reference.json"
"""Name under which a model keeps its reference."""
SCORE = "__score"
LABEL = "__label"
MONTH = "__month"
_DECILES = tuple(step / 10 for step in range(1, 10))
_TOP_VALUES = 20
_RELATION = "profiled"


@dataclass(frozen=True)
class Bins:
    """How one column is cut; the last bin holds nulls.

    Attributes:
        column: Column name.
        kind: `numeric` or `categorical`.
        edges: Inclusive upper edges of all numeric bins but the last, ascending.
        values: The values that have a categorical bin of their own.
    """

    column: str
    kind: Literal["numeric", "categorical"]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins, in order.

        >>> Bins("x", "numeric", edges=(1.0, 2.5)).labels
        ('<= 1', '<= 2.5', '> 2.5', 'null')
        """
        if self.kind == "categorical":
            return (*self.values, "other", "null")
        upper = [f"{edge:g}" for edge in self.edges]
        last = f"> {upper[-1]}" if upper else "any"
        return (*(f"<= {edge}" for edge in upper), last, "null")

    @property
    def sql(self) -> str:
        """The bin's position for a row, as DuckDB expression."""
        column = quote_name(self.column)
        if self.kind == "categorical":
            tests = [f"{column} = {quote_text(value)}" for value in self.values]
        else:
            tests = [f"CAST({column} AS DOUBLE) <= CAST({edge!r} AS DOUBLE)" for edge in self.edges]
        cases = " ".join(f"WHEN {test} THEN {position}" for position, test in enumerate(tests))
        return f"CASE WHEN {column} IS NULL THEN {len(tests) + 1} {cases} ELSE {len(tests)} END"


@dataclass(frozen=True)
class Profile:
    """Counts of one period.

    Attributes:
        rows: Rows counted.
        labelled: Rows whose label is known.
        positives: Rows of the positive class.
        counts: Rows per bin, by column; each sums to `rows`.
    """

    rows: int
    labelled: int
    positives: int
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Reference:
    """Bins and counts of the rows that later months are compared with."""

    bins: tuple[Bins, ...]
    profile: Profile

    def dumps(self) -> str:
        """Returns the reference as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> Reference:
        """Returns what `dumps` wrote."""
        content = json.loads(text)
        bins = tuple(
            Bins(part["column"], part["kind"], tuple(part["edges"]), tuple(part["values"]))
            for part in content["bins"]
        )
        profile = content["profile"]
        counts = {column: tuple(found) for column, found in profile.pop("counts").items()}
        return cls(bins, Profile(counts=counts, **profile))


def reference(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, features: Sequence[FeatureSpec]
) -> Reference:
    """Returns bins fixed on `rows`, and the counts of `rows` themselves.

    Numeric columns are cut at their deciles, categorical ones into their 20 most frequent values
    and the rest.

    Args:
        connection: Any DuckDB connection.
        rows: Inputs, and the columns `SCORE` and `LABEL`.
        features: The inputs.
    """
    scored = (*features, FeatureSpec(name=SCORE, kind="numeric"))
    connection.register(_RELATION, rows.to_arrow())
    measured = (
        connection.execute(
            f"SELECT {', '.join(_fitted(part) for part in scored)} FROM {_RELATION}"
        ).fetchone()
        or ()
    )
    connection.unregister(_RELATION)
    bins = tuple(
        Bins(part.name, "numeric", edges=_edges(found))
        if part.kind == "numeric"
        else Bins(part.name, "categorical", values=_values(found))
        for part, found in zip(scored, measured, strict=True)
    )
    whole = rows.with_columns(pl.lit("all").alias(MONTH))
    return Reference(bins, profiles(connection, whole, bins)["all"])


def profiles(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, bins: Sequence[Bins]
) -> dict[str, Profile]:
    """Returns the counts per month, in one pass over the rows.

    Args:
        connection: Any DuckDB connection.
        rows: Inputs, and the columns `SCORE`, `LABEL` (null where unknown) and `MONTH`.
        bins: How the columns are cut.
    """
    connection.register(_RELATION, rows.to_arrow())
    counted = ", ".join(f"histogram({part.sql})" for part in bins)
    found = connection.execute(
        f"SELECT {MONTH}, count(*), count({LABEL}), coalesce(sum({LABEL}), 0), {counted} "
        f"FROM {_RELATION} GROUP BY {MONTH} ORDER BY {MONTH}"
    ).fetchall()
    connection.unregister(_RELATION)
    return {
        month: Profile(
            rows=total,
            labelled=labelled,
            positives=int(positives),
            counts={
                part.column: tuple(histogram.get(i, 0) for i in range(len(part.labels)))
                for part, histogram in zip(bins, histograms, strict=True)
            },
        )
        for month, total, labelled, positives, *histograms in found
    }


def _fitted(feature: FeatureSpec) -> str:
    column = quote_name(feature.name)
    if feature.kind == "numeric":
        return f"list_append(quantile_disc({column}, {list(_DECILES)}), max({column}))"
    return f"histogram({column})"


def _edges(found: Sequence[float | None] | None) -> tuple[float, ...]:
    """Returns the distinct deciles; one that is the maximum would leave an empty bin above it."""
    known = sorted({float(value) for value in found or () if value is not None and isfinite(value)})
    return tuple(known[:-1]) if len(known) > 1 else tuple(known)


def _values(found: Mapping[str, int] | None) -> tuple[str, ...]:
    ranked = sorted((found or {}).items(), key=lambda item: (-item[1], item[0]))
    return tuple(value for value, _ in ranked[:_TOP_VALUES])
