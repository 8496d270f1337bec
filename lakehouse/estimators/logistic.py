"""Logistic regression: the linear baseline that everything else must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lakehouse.estimators.base import Labels, Progress, Scores, parse_params
from lakehouse.estimators.encoding import Encoding
from lakehouse.estimators.sklearn_store import load_model, save_model
from lakehouse.model_spec import FeatureSpec, Param

TRUSTED = ("numpy.dtype",)
"""What skops may build besides its own list."""


@dataclass(frozen=True)
class LogisticParams:
    """Parameters.

    Attributes:
        C: Inverse strength of the L2 penalty.
        max_iter: Most steps of the solver.
    """

    C: float = 0.1
    max_iter: int = 300


class LogisticEstimator:
    """Medians for nulls, standard scores for numbers, one column per category, L2 penalty."""

    algorithm: ClassVar[str] = "logistic"
    _encoding: Encoding
    _model: Any

    def __init__(self, features: Sequence[FeatureSpec], params: LogisticParams) -> None:
        self._features, self._params = tuple(features), params

    @classmethod
    def create(cls, features: Sequence[FeatureSpec], params: Mapping[str, Param]) -> Self:
        """Returns an unfitted estimator."""
        return cls(features, parse_params(LogisticParams, cls.algorithm, params))

    def fit(
        self,
        X: pl.DataFrame,
        y: Labels,
        X_val: pl.DataFrame,
        y_val: Labels,
        *,
        seed: int,
        progress: Progress,
    ) -> None:
        """Learns by L-BFGS, which is not random and needs no validation rows to stop."""
        self._encoding = Encoding.fit(self._features, X)
        self._model = _pipeline(self._encoding, self._params)
        self._model.fit(self._encoding.matrix(X), y)
        loss = log_loss(y_val, self.predict(X_val), labels=[0, 1])
        progress(f"{self._model[-1].n_iter_[0]} steps, validation log loss {loss:.4f}")

    def predict(self, X: pl.DataFrame) -> Scores:
        """Returns the probability of label 1 per row."""
        probability: Scores = self._model.predict_proba(self._encoding.matrix(X))[:, 1]
        return probability

    def save(self, folder: Path) -> None:
        """Writes the pipeline (skops) and the encoding (JSON)."""
        save_model(folder, self._encoding, self._model)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns what `save` wrote."""
        loaded = cls((), LogisticParams())
        loaded._encoding, loaded._model = load_model(folder, trusted=TRUSTED)
        return loaded


def _pipeline(encoding: Encoding, params: LogisticParams) -> Pipeline:
    numeric = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    columns = ColumnTransformer(
        [
            ("numeric", numeric, list(range(len(encoding.numeric)))),
            (
                "categorical",
                OneHotEncoder(handle_unknown="ignore"),
                list(encoding.categorical_positions),
            ),
        ]
    )
    return make_pipeline(columns, LogisticRegression(C=params.C, max_iter=params.max_iter))
