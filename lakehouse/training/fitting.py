"""Fits one candidate on a frame and measures it on all samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lakehouse import estimators
from lakehouse.estimators import Estimator
from lakehouse.evaluation import Metrics, evaluate, evaluate_slices
from lakehouse.features import Sample, TrainingFrame
from lakehouse.model_spec import CandidateSpec, FeatureSpec, ModelSpec
from lakehouse.training.results import Candidate, Slice

Scores = NDArray[np.float64]
_SLICE_ROWS, _SLICE_CLASS = 300, 30
"""A slice with fewer rows, or fewer of either outcome, says nothing about its AUC."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A candidate that can predict.

    Attributes:
        declared: The candidate as declared.
        estimator: The fitted estimator.
        measured: Its metrics.
        scores: Its scores by sample, each of shape (n,).
    """

    declared: CandidateSpec
    estimator: Estimator
    measured: Candidate
    scores: dict[str, Scores]


def fit(frame: TrainingFrame, declared: CandidateSpec, progress: Callable[[str], None]) -> Fitted:
    """Returns a candidate fitted on the frame's training rows only."""
    spec, start = frame.spec, time.perf_counter()
    estimator = estimators.create(declared, spec.features)
    estimator.fit(
        frame.train.inputs(spec.features),
        frame.train.y,
        frame.validation.inputs(spec.features),
        frame.validation.y,
        seed=spec.seed,
        progress=lambda line: progress(f"{spec.name}: {declared.algorithm}: {line}"),
    )
    scores = score(estimator, frame.samples, spec.features)
    seconds = time.perf_counter() - start
    measured = {sample.name: evaluate(sample.y, scores[sample.name]) for sample in frame.samples}
    candidate = Candidate(
        algorithm=declared.algorithm,
        train=measured["train"],
        validation=measured["validation"],
        test=measured["test"],
        slices=_slices(spec, frame.test, scores[frame.test.name]),
        seconds=round(seconds, 2),
    )
    auc = candidate.validation.auc
    progress(f"{spec.name}: {declared.algorithm} {seconds:.1f} s, validation AUC {auc:.4f}")
    return Fitted(declared, estimator, candidate, scores)


def score(
    estimator: Estimator, samples: Sequence[Sample], features: Sequence[FeatureSpec]
) -> dict[str, Scores]:
    """Returns the scores by sample, each of shape (n,)."""
    return {sample.name: estimator.predict(sample.inputs(features)) for sample in samples}


def _slices(spec: ModelSpec, sample: Sample, scores: Scores) -> tuple[Slice, ...]:
    columns = {name: sample.rows[name] for name in spec.slices}
    columns["month"] = sample.rows[spec.time].dt.strftime("%Y-%m")
    return tuple(
        Slice(name, value, metrics.n, round(metrics.auc, 6))
        for name, values in columns.items()
        for value, metrics in evaluate_slices(sample.y, scores, values).items()
        if _enough(metrics)
    )


def _enough(metrics: Metrics) -> bool:
    positives = metrics.base_rate * metrics.n
    return metrics.n >= _SLICE_ROWS and min(positives, metrics.n - positives) >= _SLICE_CLASS
