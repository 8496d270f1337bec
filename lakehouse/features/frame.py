"""Frames split by time, checked for leaks: what a model may learn from, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from lakehouse import catalog, faults
from lakehouse.errors import FrameRefused, PublishConflict, did_you_mean
from lakehouse.features.leakage import SUSPICIOUS_AUC, single_aucs
from lakehouse.features.sample import Sample, Source, pin, read
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec
from lakehouse.results import Check, Result

TAG = "train-"
"""How the tags of training frames begin."""
_ATTEMPTS = 10


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
    tag = f"{TAG}{spec.name}-{source.snapshot}"
    frame = TrainingFrame(spec, source, tag, *samples)
    _require_no_leak(frame)
    _protect(lake, frame)
    faults.reach("training.tagged")
    return frame


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
    for last in catalog.attempts(_ATTEMPTS):
        table = lake.catalog.table(frame.source.table)
        if frame.tag in table.refs():
            return
        if table.snapshot_by_id(frame.source.snapshot) is None:
            why = "the snapshot that was read is forgotten"
            raise PublishConflict([frame.source.table], why)
        try:
            lake.catalog.commit([catalog.tag(table, frame.tag, frame.source.snapshot)])
        except PublishConflict:  # another run published the table at this moment
            if last:
                raise
            continue
        return
