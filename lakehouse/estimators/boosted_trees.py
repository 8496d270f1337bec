"""Gradient boosted trees on histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from lakehouse.estimators.base import Labels, Progress, Scores, parse_params
from lakehouse.estimators.encoding import Encoding
from lakehouse.estimators.sklearn_store import load_model, save_model
from lakehouse.model_spec import FeatureSpec, Param

TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)
"""What skops may build besides its own list: trees, and the input check (a partial of it)."""
MOST_CATEGORIES = 255
"""A histogram's bins; a column with more values is split by their sorted order instead."""


@dataclass(frozen=True)
class BoostedTreesParams:
    """Parameters; see scikit-learn's HistGradientBoostingClassifier.

    Attributes:
        max_trees: Most trees.
        patience: Trees without a better validation log loss after which learning stops.
        learning_rate: Weight of each tree.
        max_leaf_nodes: Most leaves of a tree.
        min_samples_leaf: Fewest training rows in a leaf.
        l2: L2 penalty on leaf values.
        feature_share: Share of the features that each split may choose from.
    """

    max_trees: int = 400
    patience: int = 20
    learning_rate: float = 0.06
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 200
    l2: float = 10.0
    feature_share: float = 0.3


class BoostedTreesEstimator:
    """Nulls and categories go to the trees as they are; the validation rows say when to stop."""

    algorithm: ClassVar[str] = "boosted_trees"
    _encoding: Encoding
    _model: Any

    def __init__(self, features: Sequence[FeatureSpec], params: BoostedTreesParams) -> None:
        self._features, self._params = tuple(features), params

    @classmethod
    def create(cls, features: Sequence[FeatureSpec], params: Mapping[str, Param]) -> Self:
        """Returns an unfitted estimator."""
        return cls(features, parse_params(BoostedTreesParams, cls.algorithm, params))

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
        """Adds trees until the validation log loss no longer falls."""
        self._encoding = Encoding.fit(self._features, X)
        self._model = _booster(self._encoding, self._params, seed)
        matrix = self._encoding.matrix(X)
        # scikit-learn cannot make bins of nothing; of a constant it makes one, never split.
        matrix[:, np.isnan(matrix).all(axis=0)] = 0
        self._model.fit(matrix, y, X_val=self._encoding.matrix(X_val), y_val=y_val)
        losses = -self._model.validation_score_
        progress(f"{self._model.n_iter_} trees, validation log loss {losses.min():.4f}")

    def predict(self, X: pl.DataFrame) -> Scores:
        """Returns the probability of label 1 per row."""
        probability: Scores = self._model.predict_proba(self._encoding.matrix(X))[:, 1]
        return probability

    def save(self, folder: Path) -> None:
        """Writes the trees (skops) and the encoding (JSON)."""
        save_model(folder, self._encoding, self._model)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns what `save` wrote."""
        loaded = cls((), BoostedTreesParams())
        loaded._encoding, loaded._model = load_model(folder, trusted=TRUSTED)
        return loaded


def _booster(
    encoding: Encoding, params: BoostedTreesParams, seed: int
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=params.max_trees,
        n_iter_no_change=params.patience,
        early_stopping=True,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.max_leaf_nodes,
        min_samples_leaf=params.min_samples_leaf,
        l2_regularization=params.l2,
        max_features=params.feature_share,
        categorical_features=[
            position
            for position, values in zip(
                encoding.categorical_positions, encoding.categories.values(), strict=True
            )
            if len(values) <= MOST_CATEGORIES
        ],
        random_state=seed,
    )
