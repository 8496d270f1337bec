"""Pinned, time-split frames of a model's table: what a model may learn from, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyiceberg.exceptions import CommitFailedException

from lakehouse.connection import quote_name, quote_text
from lakehouse.errors import FrameRefused, UnknownName, did_you_mean
from lakehouse.lake import Lake
from lakehouse.model_spec import FeatureSpec, ModelSpec, Period
from lakehouse.results import Check, Result
from lakehouse.storage import local_path

LABEL = "__label"
SUSPICIOUS_AUC = 0.95
"""A single input that ranks the training rows this well knows the outcome."""
_ATTEMPTS = 10


@dataclass(frozen=True)
class Source:
    """A table as one read of the catalog found it.

    Attributes:
        table: Table name.
        snapshot: The pinned snapshot.
        metadata: Location of the metadata that knows it.
        columns: Names of its columns.
    """

    table: str
    snapshot: int
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


@dataclass(frozen=True, eq=False)
class TrainingFrame(Result):
    """Everything one training sees.

    Attributes:
        spec: The model's declaration.
        source: The pinned table.
        tag: Tag that protects the snapshot.
        train: Rows to fit on.
        validation: Later rows, for early stopping and to choose among candidates.
        test: Rows later still, for the verdict.
    """

    spec: ModelSpec
    source: Source
    tag: str
    train: Sample
    validation: Sample
    test: Sample

    @property
    def samples(self) -> tuple[Sample, Sample, Sample]:
        """The three samples in order of time."""
        return (self.train, self.validation, self.test)

    @cached_property
    def strongest(self) -> tuple[str, float]:
        """The input that alone ranks the training rows best, and its AUC (at least 0.5)."""
        aucs = single_aucs(self.train, self.spec.features)
        name = max(aucs, key=lambda feature: aucs[feature])
        return name, aucs[name]

    def summary(self) -> str:
        """Says how many rows of which days there are."""
        parts = ", ".join(
            f"{s.name} {s.rows.height:,} rows ({s.period.start} to {s.period.end})"
            for s in self.samples
        )
        return (
            f"{self.spec.name}: {len(self.spec.features)} inputs from {self.source.table}; {parts}"
        )

    def facts(self) -> Mapping[str, object]:
        """Returns rows, base rate and pinned snapshot."""
        counted = {f"rows_{s.name}": s.rows.height for s in self.samples}
        rates = {f"base_rate_{s.name}": round(float(s.y.mean()), 4) for s in self.samples}
        pinned = {
            "table": self.source.table,
            "snapshot": str(self.source.snapshot),
            "tag": self.tag,
        }
        return {**pinned, "inputs": len(self.spec.features), **counted, **rates}

    def checks(self) -> tuple[Check, ...]:
        """Returns the leakage checks, which all passed, or there would be no frame."""
        name, auc = self.strongest
        alone = Check(
            "no_single_input_knows_the_label",
            auc <= SUSPICIOUS_AUC,
            "error",
            f"the strongest single input, {name}, has AUC {auc:.3f} (limit {SUSPICIOUS_AUC})",
            {"feature": name, "auc": round(auc, 4), "limit": SUSPICIOUS_AUC},
        )
        ends = {
            s.name: f"{_span(s, self.spec)[0]} to {_span(s, self.spec)[1]}" for s in self.samples
        }
        days = "; ".join(f"{sample} {span}" for sample, span in ends.items())
        ordered = Check("split_by_time", True, "error", f"no later day precedes: {days}", ends)
        return (alone, ordered)


def pin(lake: Lake, table: str) -> Source:
    """Returns a table pinned to its published snapshot, from one read of the catalog.

    Raises:
        UnknownName: The table is not there yet.
    """
    refs = lake.catalog.refs([table])
    snapshot = refs.snapshot(table)
    if snapshot is None:
        raise UnknownName("table", table, lake.catalog.names())
    found = refs.tables[table]
    names = tuple(column.name for column in found.schema().fields)
    return Source(table, snapshot, found.metadata_location, names)


def assemble(lake: Lake, model: str, *, also: Sequence[str] = ()) -> TrainingFrame:
    """Returns the training frame of a model and protects its snapshot with a tag.

    Args:
        lake: The lake.
        model: Name of a declared model.
        also: Further columns to keep in the rows, e.g. inputs of the present champion that the
            spec no longer names; they never reach a candidate.

    Raises:
        UnknownName: The model or its table is not there.
        FrameRefused: A column is missing, a period has no rows or one class, days overlap, or an
            input knows the label.
    """
    spec = lake.model(model)
    source = pin(lake, spec.table)
    _require_columns(spec, source)
    splits = spec.splits
    names, periods = ("train", "validation", "test"), (splits.train, splits.validation, splits.test)
    samples = [
        read(lake, spec, source, period, name=name, also=also).labelled()
        for name, period in zip(names, periods, strict=True)
    ]
    tag = f"train-{spec.name}-{source.snapshot}"
    frame = TrainingFrame(spec, source, tag, *samples)
    _require_no_leak(frame)
    _protect(lake, frame)
    return frame


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
            f"WHERE {within(spec.time, period)} ORDER BY {order}"
        ).pl()
    return Sample(name, period, rows)


def within(column: str, period: Period) -> str:
    """Returns the SQL condition that a day lies in a period."""
    first, after = (f"DATE {quote_text(day.isoformat())}" for day in (period.start, period.end))
    return f"{quote_name(column)} >= {first} AND {quote_name(column)} < {after}"


def single_aucs(sample: Sample, features: Sequence[FeatureSpec]) -> dict[str, float]:
    """Returns for each input how well it alone ranks the rows: max(AUC, 1 - AUC), at least 0.5.

    The area under the ROC curve is the Mann-Whitney U of the positives' ranks divided by the
    number of pairs (Hanley and McNeil 1982). A categorical input is ranked by its values' share of
    positives. That a value is unknown counts as an input of its own.
    """
    labelled = sample.inputs(features).with_columns(sample.rows[LABEL].cast(pl.Float64))
    found: dict[str, float] = {}
    for feature in features:
        column = pl.col(feature.name)
        share = pl.col(LABEL).mean().over(feature.name)
        value = column if feature.kind == "numeric" else pl.when(column.is_not_null()).then(share)
        ranked = labelled.select(pl.col(LABEL), value=value)
        missing = ranked.select(pl.col(LABEL), value=pl.col("value").is_null().cast(pl.Float32))
        found[feature.name] = max(_auc(ranked), _auc(missing))
    return found


def _auc(ranked: pl.DataFrame) -> float:
    known = ranked.drop_nulls("value")
    positives = float(known[LABEL].sum())
    negatives = known.height - positives
    if not positives or not negatives:
        return 0.5
    ranks = known.select((pl.col("value").rank("average") * pl.col(LABEL)).sum()).item()
    auc = (float(ranks) - positives * (positives + 1) / 2) / (positives * negatives)
    return max(auc, 1 - auc)


def _typed(feature: FeatureSpec) -> pl.Expr:
    column = pl.col(feature.name)
    if feature.kind == "categorical":
        return column.cast(pl.String)
    return column.cast(pl.Float32).fill_nan(None)


def _require_columns(spec: ModelSpec, source: Source) -> None:
    wanted = (*spec.key, spec.time, *spec.slices, *spec.feature_names, *spec.label_columns)
    gone = [name for name in dict.fromkeys(wanted) if name not in source.columns]
    if gone:
        said = "; ".join(f"column '{c}' is missing.{did_you_mean(c, source.columns)}" for c in gone)
        raise FrameRefused(spec.name, spec.table, said)


def _require_no_leak(frame: TrainingFrame) -> None:
    spec = frame.spec
    for sample in frame.samples:
        if np.unique(sample.y).size < 2:
            classes = f"{sample.rows.height:,} rows of which {int(sample.y.sum()):,} are positive"
            why = f"{sample.name} ({sample.period.start} to {sample.period.end}) has {classes}"
            raise FrameRefused(spec.name, spec.table, why)
    for earlier, later in zip(frame.samples, frame.samples[1:], strict=False):
        last, first = _span(earlier, spec)[1], _span(later, spec)[0]
        if last >= first:
            why = f"{earlier.name} has rows of {last}, {later.name} begins {first}"
            raise FrameRefused(spec.name, spec.table, why)
    name, auc = frame.strongest
    if auc > SUSPICIOUS_AUC:
        why = f"input '{name}' alone has AUC {auc:.3f} on train (limit {SUSPICIOUS_AUC}): a leak"
        raise FrameRefused(spec.name, spec.table, why)


def _span(sample: Sample, spec: ModelSpec) -> tuple[date, date]:
    """First and last day among the rows."""
    first, last = sample.rows.select(
        first=pl.col(spec.time).min().cast(pl.Date), last=pl.col(spec.time).max().cast(pl.Date)
    ).row(0)
    return first, last


def _protect(lake: Lake, frame: TrainingFrame) -> None:
    """Tags the frame's snapshot, once; the name says what it protects, so nothing is counted."""
    for attempt in range(_ATTEMPTS):
        table = lake.catalog.table(frame.source.table)
        if frame.tag in table.refs():
            return
        try:
            table.manage_snapshots().create_tag(frame.source.snapshot, frame.tag).commit()
        except CommitFailedException:  # another run published the table at this moment
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return
