"""Batch predictions: the champion scores the declared period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from lakehouse import faults, features, publishing, registry
from lakehouse.catalog import Change, retried
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec
from lakehouse.registry import ScoringState
from lakehouse.results import Check, Result

_ATTEMPTS = 3


@dataclass(frozen=True)
class Predicted(Result):
    """The predictions that readers see.

    Attributes:
        spec: The model's declaration.
        version: The champion's version; None if there is no champion.
        rows: Rows scored.
        mean_score: Their mean score; None without rows.
        snapshot: The snapshot that readers see; None if nothing was ever published.
        changed: False if these predictions were there already.
    """

    spec: ModelSpec
    version: int | None
    rows: int
    mean_score: float | None
    snapshot: int | None
    changed: bool

    def summary(self) -> str:
        """Says how many rows were scored by which version."""
        if self.version is None:
            return f"{self.spec.predictions.table}: nothing predicted, there is no champion"
        how = "published" if self.changed else "unchanged"
        return (
            f"{self.spec.predictions.table}: {self.rows:,} rows scored by version {self.version} "
            f"{how}"
        )

    def facts(self) -> Mapping[str, object]:
        """Returns rows, version, mean score and snapshot."""
        return {
            "rows": self.rows,
            "model_version": self.version,
            "mean_score": self.mean_score,
            "snapshot": str(self.snapshot),
            "changed": self.changed,
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns whether there is anything to read."""
        period = self.spec.predictions.period
        said = f"{self.rows:,} rows from {period.start} up to {period.end}"
        return (Check("has_rows", self.rows > 0, "warning", said, {"rows": self.rows}),)

    def refusals(self) -> tuple[str, ...]:
        """Returns a sentence if there is no champion."""
        if self.version is not None:
            return ()
        return (
            f"{self.spec.predictions.table} was not written: {self.spec.name} has no champion. "
            "`lakehouse run` trains one.",
        )


def predict(lake: Lake, model: str, *, run: str) -> Predicted:
    """Scores the declared period with the champion and publishes the scores.

    The table has the spec's key columns, `score` (probability, double) and `model_version`.
    Nothing is scored if champion, feature snapshot and declaration are those of the last time.

    Raises:
        UnknownName: The model or its table is not there.
        TamperedModel: The champion's files are not those that were registered.
        ServiceFailed: MLflow did not answer.
        PublishConflict: A person kept being forgotten, or other runs kept predicting.
    """
    spec = lake.model(model)

    def attempt() -> Predicted:
        with publishing.fenced(lake, [spec.predictions.table]) as fence:
            return _predict(lake, spec, fence, run)

    return retried(_ATTEMPTS, attempt)


def _predict(lake: Lake, spec: ModelSpec, fence: Change, run: str) -> Predicted:
    model, table = spec.name, spec.predictions.table
    base = lake.catalog.refs([table])  # before what it is made from, so that none is older than it
    source = features.pin(lake, spec.table)
    left = registry.standing(lake, model)
    if left is not None and left.champion is not None:
        state = ScoringState(source.content, spec.fingerprint, left.champion)
        if registry.is_current(lake, table, state):
            return _published(lake, spec, left.champion)
    champion = registry.champion(lake, model)
    if champion is None:
        return Predicted(spec, None, 0, None, None, False)
    inputs = champion.manifest.features
    sample = features.read(
        lake,
        spec,
        source,
        spec.predictions.period,
        name="predictions",
        also=[part.name for part in inputs],
    )
    scored = sample.rows.select(spec.key).with_columns(
        pl.Series("score", champion.estimator.predict(sample.inputs(inputs)), pl.Float64),
        pl.lit(champion.version, pl.Int64).alias("model_version"),
    )
    state = ScoringState(source.content, spec.fingerprint, champion.version)
    faults.reach("predicting.scored")
    written = publishing.replace(
        lake,
        table,
        scored.to_arrow(),
        run=run,
        properties=state.properties(),
        base=base,
        fence=fence,
    )
    faults.reach("predicting.published")
    mean = _rounded(scored["score"].mean())
    return Predicted(spec, champion.version, written.rows, mean, written.snapshot, written.changed)


def _published(lake: Lake, spec: ModelSpec, version: int) -> Predicted:
    """Returns the predictions as they are."""
    source = features.pin(lake, spec.predictions.table)
    with lake.connect() as connection:
        found = connection.execute(f"SELECT count(*), avg(score) FROM {source.sql}").fetchone()
    rows, mean = found or (0, None)
    return Predicted(spec, version, rows, _rounded(mean), source.snapshot, False)


def _rounded(mean: object) -> float | None:
    return round(mean, 6) if isinstance(mean, float) else None
