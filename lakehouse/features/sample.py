"""Rows of a model's table, pinned to one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lakehouse.connection import quote_name, quote_text
from lakehouse.errors import UnknownName
from lakehouse.lake import Lake
from lakehouse.model_spec import FeatureSpec, ModelSpec, Period
from lakehouse.storage import local_path

LABEL = "__label"


@dataclass(frozen=True)
class Source:
    """A table as one read of the catalog found it.

    Attributes:
        table: Table name.
        snapshot: The pinned snapshot.
        content: The snapshot that brought its rows; another one if files were compacted since.
        metadata: Location of the metadata that knows it.
        columns: Names of its columns.
    """

    table: str
    snapshot: int
    content: int
    metadata: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The relation to select from in DuckDB."""
        where = quote_text(local_path(self.metadata))
        return f"iceberg_scan({where}, snapshot_from_id={self.snapshot})"


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of one period.

    Attributes:
        name: `train`, `validation`, `test` or what the rows are for.
        period: The days asked for.
        rows: Key, time, slices and inputs as they are in the table, and the column `LABEL`: 1 for
            the positive class, 0, or null where it is not known. Shape (n, columns).
    """

    name: str
    period: Period
    rows: pl.DataFrame

    @property
    def y(self) -> NDArray[np.int8]:
        """The labels, shape (n,); only for rows that are all labelled."""
        labels: NDArray[np.int8] = self.rows[LABEL].to_numpy().astype(np.int8)
        return labels

    def labelled(self) -> Sample:
        """Returns the rows whose label is known."""
        return replace(self, rows=self.rows.filter(pl.col(LABEL).is_not_null()))

    def inputs(self, features: Sequence[FeatureSpec]) -> pl.DataFrame:
        """Returns the inputs an estimator sees, shape (n, features), in their order.

        Numeric inputs are float32 with null for unknown (NaN becomes null), categorical ones text.
        """
        return self.rows.select(_typed(feature) for feature in features)


def pin(lake: Lake, table: str) -> Source:
    """Returns a table pinned to its published snapshot, from one read of the catalog.

    Raises:
        UnknownName: The table is not there yet.
    """
    refs = lake.catalog.refs([table])
    snapshot, content = refs.snapshot(table), refs.content(table)
    if snapshot is None or content is None:
        raise UnknownName("table", table, lake.catalog.names())
    found = refs.tables[table]
    names = tuple(column.name for column in found.schema().fields)
    return Source(table, snapshot, content, found.metadata_location, names)


def read(
    lake: Lake,
    spec: ModelSpec,
    source: Source,
    period: Period,
    *,
    name: str,
    also: Sequence[str] = (),
) -> Sample:
    """Returns the rows of a period in the order of time and key.

    Args:
        lake: The lake.
        spec: The model's declaration.
        source: The pinned table.
        period: First day and the day after the last.
        name: Name of the sample.
        also: Further columns to keep, where the table has them.
    """
    wanted = (*spec.key, spec.time, *spec.slices, *spec.feature_names, *also)
    columns = [c for c in dict.fromkeys(wanted) if c in source.columns]
    selected = ", ".join(map(quote_name, columns))
    label = f"CAST(CAST(({spec.label}) AS BOOLEAN) AS TINYINT)"
    order = ", ".join(map(quote_name, dict.fromkeys((spec.time, *spec.key))))
    with lake.connect() as connection:
        rows = connection.execute(
            f"SELECT {selected}, {label} AS {quote_name(LABEL)} FROM {source.sql} "
            f"WHERE {_within(spec.time, period)} ORDER BY {order}"
        ).pl()
    return Sample(name, period, rows)


def _within(column: str, period: Period) -> str:
    """Returns the SQL condition that a day lies in a period."""
    first, after = (f"DATE {quote_text(day.isoformat())}" for day in (period.start, period.end))
    return f"{quote_name(column)} >= {first} AND {quote_name(column)} < {after}"


def _typed(feature: FeatureSpec) -> pl.Expr:
    column = pl.col(feature.name)
    if feature.kind == "categorical":
        return column.cast(pl.String)
    return column.cast(pl.Float32).fill_nan(None)
