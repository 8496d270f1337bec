"""Metrics agree with their definitions and with values worked out by hand."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.evaluation import calibration_error, evaluate, evaluate_slices

OUTCOMES = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0.001, 0.999).map(lambda x: round(x, 3))),
    min_size=2,
    max_size=60,
)


def test_metrics_of_four_rows_worked_out_by_hand() -> None:
    metrics = evaluate(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))

    assert metrics.n == 4
    assert metrics.base_rate == 0.5
    assert metrics.auc == 0.75  # 3 of 4 pairs are in order
    assert metrics.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics.brier == pytest.approx((0.1**2 + 0.4**2 + 0.65**2 + 0.2**2) / 4)
    assert metrics.log_loss == pytest.approx(
        -(math.log(0.9) + math.log(0.6) + math.log(0.35) + math.log(0.8)) / 4
    )
    assert metrics.value("auc") == metrics.auc


@given(OUTCOMES)
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, float]]) -> None:
    y, score = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    pairs = [(p > n) + 0.5 * (p == n) for p in score[y == 1] for n in score[y == 0]]

    if pairs:
        assert evaluate(y, score).auc == pytest.approx(np.mean(pairs))
    else:
        assert math.isnan(evaluate(y, score).auc)


@given(OUTCOMES, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, float]], random) -> None:
    shuffled = random.sample(rows, len(rows))

    first, second = (
        calibration_error(np.array([r[0] for r in some]), np.array([r[1] for r in some]))
        for some in (rows, shuffled)
    )
    assert first == pytest.approx(second, abs=1e-12)


def test_calibration_error_is_nil_for_honest_scores_and_the_bias_for_biased_ones() -> None:
    score = np.repeat([0.2, 0.5, 0.8], 10)
    y = np.concatenate([np.arange(10) < positives for positives in (2, 5, 8)]).astype(int)

    assert calibration_error(y, score) == pytest.approx(0)
    assert calibration_error(y, score + 0.1) == pytest.approx(0.1)


def test_calibration_error_does_not_let_errors_of_two_bins_cancel() -> None:
    y, score = np.repeat([0, 1], 10), np.repeat([0.3, 0.7], 10)

    assert score.mean() == pytest.approx(y.mean())
    assert calibration_error(y, score) == pytest.approx(0.3)


def test_one_outcome_only_leaves_ranking_undefined_and_null_in_json() -> None:
    metrics = evaluate(np.array([0, 0]), np.array([0.1, 0.2]))

    assert math.isnan(metrics.auc)
    assert metrics.facts()["auc"] is None
    assert metrics.facts()["brier"] == pytest.approx(0.025)


def test_no_rows_leave_everything_undefined() -> None:
    metrics = evaluate(np.array([], dtype=int), np.array([]))

    assert metrics.n == 0
    assert set(metrics.facts().values()) == {0, None}


@pytest.mark.parametrize(
    ("y", "score"),
    [([0, 1], [0.5]), ([0, 2], [0.5, 0.5]), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, math.nan])],
)
def test_refuses_what_is_no_outcome_or_no_probability(y: list[int], score: list[float]) -> None:
    with pytest.raises(ValueError, match="y"):
        evaluate(np.array(y), np.array(score))


def test_slices_hold_the_metrics_of_their_rows_and_nulls_their_own() -> None:
    y, score = np.array([0, 1, 1, 0, 1]), np.array([0.1, 0.9, 0.2, 0.8, 0.5])

    slices = evaluate_slices(y, score, pl.Series(["JFK", "JFK", "EWR", "EWR", None]))

    assert list(slices) == ["(null)", "EWR", "JFK"]
    assert slices["JFK"] == evaluate(y[:2], score[:2])
    assert (slices["EWR"].auc, slices["JFK"].auc) == (0.0, 1.0)
    assert sum(metrics.n for metrics in slices.values()) == 5
