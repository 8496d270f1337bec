"""Every algorithm behaves the same way behind the same face."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lakehouse import estimators
from lakehouse.errors import UnknownName, UsageError
from lakehouse.estimators import ALGORITHMS, Estimator
from lakehouse.estimators.encoding import Encoding
from lakehouse.model_spec import CandidateSpec, FeatureSpec

FEATURES = (
    FeatureSpec(name="size", kind="numeric"),
    FeatureSpec(name="colour", kind="categorical"),
    FeatureSpec(name="empty", kind="numeric"),
    FeatureSpec(name="flat", kind="numeric"),
)
PARAMS = {
    "logistic": {},
    "boosted_trees": {"max_trees": 30, "min_samples_leaf": 20},
    "tabm": {"max_epochs": 3, "learning_rate": 0.01},
}


@dataclass(frozen=True)
class Sample:
    """Rows whose outcome depends on a number and, against it, on a category."""

    X: pl.DataFrame
    y: np.ndarray


def _sample(rows: int, seed: int) -> Sample:
    random = np.random.default_rng(seed)
    size = random.normal(50, 20, rows)
    colour = random.choice(["red", "green", "blue"], rows)
    logit = (size - 50) / 10 + np.where(colour == "red", 2, -1)
    y = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    X = pl.DataFrame({"size": size, "colour": colour, "empty": None, "flat": 1, "other": "x"})
    return Sample(X.with_columns(pl.when(pl.col("size") > 0).then("size").alias("size")), y)


TRAIN, VALIDATION = _sample(3000, 1), _sample(800, 2)


def _fit(algorithm: str, train: Sample = TRAIN, validation: Sample = VALIDATION) -> Estimator:
    candidate = CandidateSpec(algorithm=algorithm, params=PARAMS[algorithm])
    estimator = estimators.create(candidate, FEATURES)
    estimator.fit(train.X, train.y, validation.X, validation.y, seed=7, progress=lambda line: None)
    return estimator


@pytest.fixture(scope="module", params=sorted(ALGORITHMS))
def fitted(request: pytest.FixtureRequest) -> Estimator:
    return _fit(request.param)


def test_learns_what_the_rows_hold(fitted: Estimator) -> None:
    score = fitted.predict(VALIDATION.X)

    positive, negative = score[VALIDATION.y == 1], score[VALIDATION.y == 0]
    assert (positive[:, None] > negative[None, :]).mean() > 0.85


def test_scores_are_one_probability_per_row(fitted: Estimator) -> None:
    score = fitted.predict(VALIDATION.X)

    assert score.shape == (800,)
    assert score.dtype == np.float64
    assert ((score >= 0) & (score <= 1)).all()


def test_equal_input_and_seed_give_equal_scores(fitted: Estimator) -> None:
    again = _fit(fitted.algorithm)

    np.testing.assert_array_equal(again.predict(VALIDATION.X), fitted.predict(VALIDATION.X))


def test_scores_of_a_row_do_not_depend_on_its_neighbours(fitted: Estimator) -> None:
    whole = fitted.predict(VALIDATION.X)

    np.testing.assert_allclose(fitted.predict(VALIDATION.X[500:510]), whole[500:510], atol=1e-6)


def test_a_saved_estimator_predicts_exactly_as_before(fitted: Estimator, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = estimators.load(fitted.algorithm, tmp_path / "model")

    np.testing.assert_array_equal(loaded.predict(VALIDATION.X), fitted.predict(VALIDATION.X))


def test_nothing_saved_is_a_pickle(fitted: Estimator, tmp_path: Path) -> None:
    fitted.save(tmp_path)

    suffixes = {file.suffix for file in tmp_path.iterdir()}
    assert suffixes <= {".json", ".skops", ".safetensors"}


def test_null_and_unseen_values_are_scored(fitted: Estimator) -> None:
    rows = pl.DataFrame(
        {"size": [None, 50.0], "colour": [None, "mauve"], "empty": [1.0, None], "flat": [2, None]},
        schema_overrides={"empty": pl.Float64},
    )

    assert np.isfinite(fitted.predict(rows)).all()


def test_a_column_that_was_flat_in_training_says_nothing(fitted: Estimator) -> None:
    moved = VALIDATION.X.with_columns(flat=1.0001)

    np.testing.assert_allclose(fitted.predict(moved), fitted.predict(VALIDATION.X), atol=1e-3)


def test_null_and_unseen_categories_have_no_number() -> None:
    encoding = Encoding.fit(FEATURES, TRAIN.X)
    rows = pl.DataFrame({"size": 1, "colour": ["red", "mauve", None], "empty": None, "flat": 1})

    colours = encoding.matrix(rows)[:, encoding.categorical_positions[0]]

    np.testing.assert_array_equal(colours, [2, np.nan, np.nan])


def test_columns_that_are_no_features_and_their_order_do_not_matter(fitted: Estimator) -> None:
    moved = VALIDATION.X.select("colour", "flat", "empty", "size")

    np.testing.assert_array_equal(fitted.predict(moved), fitted.predict(VALIDATION.X))


ODD = Sample(VALIDATION.X.with_columns(pl.lit("mauve").alias("colour")), VALIDATION.y)
"""Validation rows of a category that no training row has."""


def test_validation_rows_are_not_learned_from() -> None:
    same, other = _fit("logistic"), _fit("logistic", validation=ODD)

    np.testing.assert_array_equal(same.predict(VALIDATION.X), other.predict(VALIDATION.X))


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_categories_come_from_training_rows_only(algorithm: str, tmp_path: Path) -> None:
    _fit(algorithm, validation=ODD).save(tmp_path)

    stored = "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("*.json"))
    assert "green" in stored
    assert "mauve" not in stored


@pytest.mark.parametrize("algorithm", ["boosted_trees", "tabm"])
def test_learning_stops_when_validation_gets_worse(algorithm: str) -> None:
    """Validation outcomes turned round: every step in the right direction makes them worse."""
    told: list[str] = []
    params = {**PARAMS[algorithm], "patience": 1}
    estimator = estimators.create(CandidateSpec(algorithm=algorithm, params=params), FEATURES)

    estimator.fit(TRAIN.X, TRAIN.y, VALIDATION.X, 1 - VALIDATION.y, seed=7, progress=told.append)

    assert told[-1].startswith(("1 trees", "2 trees", "epoch 2 of 3"))


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_tells_its_progress(algorithm: str) -> None:
    told: list[str] = []
    candidate = CandidateSpec(algorithm=algorithm, params=PARAMS[algorithm])

    estimators.create(candidate, FEATURES).fit(
        TRAIN.X, TRAIN.y, VALIDATION.X, VALIDATION.y, seed=7, progress=told.append
    )

    assert told
    assert all("validation log loss 0." in line for line in told)


def test_more_categories_than_a_tree_can_split_by_are_learned_from_all_the_same() -> None:
    random = np.random.default_rng(3)
    size = random.integers(1000, 1400, 4000)
    many = Sample(
        TRAIN.X[:1]
        .select(pl.all().repeat_by(4000).explode())
        .with_columns(pl.Series("colour", size.astype(str))),
        (size > 1200).astype(np.int8),
    )

    score = _fit("boosted_trees", many, many).predict(many.X)

    assert score[many.y == 1].min() > score[many.y == 0].max()


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            lambda: estimators.create(CandidateSpec(algorithm="logistics"), FEATURES),
            "There is no algorithm 'logistics'. Did you mean 'logistic'?",
        ),
        (
            lambda: estimators.create(
                CandidateSpec(algorithm="logistic", params={"c": 1.0}), FEATURES
            ),
            "There is no parameter of logistic 'c'.",
        ),
    ],
)
def test_refuses_what_it_does_not_know(refused: Callable[[], Estimator], message: str) -> None:
    with pytest.raises(UnknownName, match=message.replace("?", r"\?")):
        refused()


def test_refuses_a_parameter_of_another_type() -> None:
    candidate = CandidateSpec(algorithm="boosted_trees", params={"max_trees": 0.5})

    with pytest.raises(
        UsageError, match=r"'max_trees' of boosted_trees is 0\.5, expected is a value of type int"
    ):
        estimators.create(candidate, FEATURES)


def test_importing_the_package_loads_no_learning_library() -> None:
    code = (
        "import sys, lakehouse.estimators, lakehouse.evaluation;"
        "print(*{'torch', 'sklearn', 'tabm', 'skops', 'mlflow'} & set(sys.modules))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert told.stdout.strip() == ""
