"""The table `models.<model>`: one row per candidate of every training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from lakehouse import publishing, registry
from lakehouse.catalog import retried
from lakehouse.evaluation import Metrics
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec
from lakehouse.registry import Standing, TrainingState
from lakehouse.training.results import Candidate, Slice, Trained, Verdict

_ATTEMPTS = 20
_METRICS = ("auc", "average_precision", "log_loss", "brier", "calibration_error", "base_rate")
_SAMPLES = ("train", "validation", "test")
_COLUMNS: dict[str, pa.DataType] = {
    "model": pa.string(),
    "training": pa.int64(),
    "algorithm": pa.string(),
    "challenger": pa.bool_(),
    "version": pa.int64(),
    "promoted": pa.bool_(),
    "champion": pa.int64(),
    "reason": pa.string(),
    **{f"{sample}_n": pa.int64() for sample in _SAMPLES},
    **{f"{sample}_{metric}": pa.float64() for sample in _SAMPLES for metric in _METRICS},
    "slices": pa.string(),
    "seconds": pa.float64(),
    "tracked": pa.string(),
    "run": pa.string(),
    "frame": pa.int64(),
    "spec": pa.string(),
    "estimators": pa.string(),
    "trained_at": pa.timestamp("us", tz="UTC"),
}


def last(lake: Lake, spec: ModelSpec) -> Trained:
    """Returns the last training of a model, which must have been trained before."""
    rows = _rows(lake, spec.name)
    newest = max(row["training"] for row in rows)
    rows = [row for row in rows if row["training"] == newest]
    best = next(row for row in rows if row["challenger"])
    verdict = Verdict(
        best["promoted"], best["algorithm"], best["version"], best["champion"], best["reason"]
    )
    candidates = tuple(_candidate(row) for row in rows)
    return Trained(spec, False, best["frame"], candidates, verdict)


def append(lake: Lake, trained: Trained, state: TrainingState, run: str) -> None:
    """Adds a training to the history and notes its state, whatever other trainings add."""
    name, schema = registry.history_table(trained.spec.name), pa.schema(_COLUMNS)
    lake.catalog.ensure(name, schema)
    left = Standing(trained.verdict.champion, lake.settings.clock())

    def attempt() -> None:
        base = lake.catalog.refs([name])
        before: list[dict[str, Any]] = base.tables[name].scan().to_arrow().to_pylist()
        rows = _added(trained, state, left, run, max((r["training"] for r in before), default=0))
        publishing.replace(
            lake,
            name,
            pa.Table.from_pylist([*before, *rows], schema=schema),
            run=run,
            properties={**state.properties(), **left.properties()},
            base=base,
        )

    retried(_ATTEMPTS, attempt)


def _added(
    trained: Trained, state: TrainingState, left: Standing, run: str, before: int
) -> list[dict[str, object]]:
    """Returns a row per candidate; `before` is the number of the last training."""
    shared = {
        "model": trained.spec.name,
        "training": before + 1,
        "champion": left.champion,
        "reason": trained.verdict.reason,
        "run": run,
        "trained_at": left.trained_at,
        **asdict(state),
        "frame": trained.frame,
    }
    return [{**shared, **_row(trained, candidate)} for candidate in trained.candidates]


def _rows(lake: Lake, model: str) -> list[dict[str, Any]]:
    name = registry.history_table(model)
    found = lake.catalog.refs([name]).tables.get(name)
    return [] if found is None else found.scan().to_arrow().to_pylist()


def _row(trained: Trained, candidate: Candidate) -> dict[str, object]:
    best = candidate.algorithm == trained.verdict.challenger
    measured = {
        f"{sample}_{metric}": value
        for sample, metrics in candidate.samples.items()
        for metric, value in asdict(metrics).items()
    }
    return {
        "algorithm": candidate.algorithm,
        "challenger": best,
        "version": trained.verdict.version if best else None,
        "promoted": best and trained.verdict.promoted,
        "slices": json.dumps([asdict(part) for part in candidate.slices]),
        "seconds": candidate.seconds,
        "tracked": candidate.tracked,
        **measured,
    }


def _candidate(row: Mapping[str, Any]) -> Candidate:
    samples = {
        sample: Metrics(**{name: row[f"{sample}_{name}"] for name in ("n", *_METRICS)})
        for sample in _SAMPLES
    }
    slices = tuple(Slice(**part) for part in json.loads(row["slices"]))
    return Candidate(
        algorithm=row["algorithm"],
        slices=slices,
        seconds=row["seconds"],
        tracked=row["tracked"],
        **samples,
    )
