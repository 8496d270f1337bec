"""How good probabilities are, over all rows and by slice."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lakehouse.model_spec import Metric

BINS = 10
NULL_SLICE = "(null)"
"""Name of the slice of rows whose value is null."""


@dataclass(frozen=True)
class Metrics:
    """Quality of probabilities for a yes-or-no outcome.

    Attributes:
        n: Rows judged.
        base_rate: Share of positive rows.
        auc: Area under the ROC curve: how often a positive row scores above a negative one.
        average_precision: Area under the precision-recall curve, as a step function.
        log_loss: Mean negative log likelihood, in nats.
        brier: Mean squared difference between score and outcome.
        calibration_error: Mean absolute difference between score and outcome over bins of equal
            mass, see `calibration_error`.

    What is not defined is NaN: all of them without rows, and `auc` and `average_precision` where
    only one of the two outcomes occurs.
    """

    n: int
    base_rate: float
    auc: float
    average_precision: float
    log_loss: float
    brier: float
    calibration_error: float

    def value(self, metric: Metric) -> float:
        """Returns one metric by its name."""
        found: float = getattr(self, metric)
        return found

    def facts(self) -> dict[str, float | int | None]:
        """Returns all of them by name, with None for NaN, which JSON does not know."""
        values: dict[str, float | int] = asdict(self)
        return {name: None if math.isnan(value) else value for name, value in values.items()}


def evaluate(y: NDArray[np.integer], score: NDArray[np.float64]) -> Metrics:
    """Returns the metrics of probabilities.

    Args:
        y: 0 or 1 per row, shape (n,).
        score: Probability of 1 per row, shape (n,).

    Raises:
        ValueError: The shapes differ, or a value is not an outcome or a probability.
    """
    if y.shape != score.shape or y.ndim != 1:
        raise ValueError(f"y and score must both have shape (n,), not {y.shape} and {score.shape}")
    if not (np.isin(y, (0, 1)).all() and ((score >= 0) & (score <= 1)).all()):
        raise ValueError("y must be 0 or 1 and score between 0 and 1")
    if len(y) == 0:
        return Metrics(0, *[math.nan] * 6)
    # Imported here because drift and status know this module, but rarely judge a model.
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

    both = 0 < y.sum() < len(y)
    return Metrics(
        n=len(y),
        base_rate=float(y.mean()),
        auc=float(roc_auc_score(y, score)) if both else math.nan,
        average_precision=float(average_precision_score(y, score)) if both else math.nan,
        log_loss=float(log_loss(y, score, labels=[0, 1])),
        brier=float(np.mean((score - y) ** 2)),
        calibration_error=calibration_error(y, score),
    )


def evaluate_slices(
    y: NDArray[np.integer], score: NDArray[np.float64], values: pl.Series
) -> dict[str, Metrics]:
    """Returns the metrics per value of a column, by value in sorted order.

    Args:
        y: 0 or 1 per row, shape (n,).
        score: Probability of 1 per row, shape (n,).
        values: The rows' values, length n; nulls form a slice of their own.
    """
    names = values.cast(pl.String).fill_null(NULL_SLICE).to_numpy()
    return {
        str(name): evaluate(y[names == name], score[names == name]) for name in np.unique(names)
    }


def calibration_error(y: NDArray[np.integer], score: NDArray[np.float64]) -> float:
    """Returns the expected calibration error over ten bins of equal mass.

    For each bin the distance between mean score and share of positives, weighted by the bin's rows
    (Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI 2015). Bins hold equal numbers of rows rather than equal widths of score, which
    keeps every bin's estimate steady (Nixon et al., "Measuring Calibration in Deep Learning",
    CVPR Workshops 2019). Equal scores share a bin, so the order of rows does not matter.

    Args:
        y: 0 or 1 per row, shape (n,), n > 0.
        score: Probability of 1 per row, shape (n,).

    Example:
        >>> calibration_error(np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5]))
        0.0
        >>> calibration_error(np.array([1, 1]), np.array([0.75, 0.75]))
        0.25
    """
    edges = np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, score, side="left")
    # The weighted distance of means is the distance of the sums over all rows.
    distance = np.abs(np.bincount(bins, score - y, minlength=BINS))
    return float(distance.sum() / len(y))
