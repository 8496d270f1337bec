"""What every algorithm can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lakehouse.errors import UnknownName, UsageError
from lakehouse.model_spec import FeatureSpec, Param

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Progress = Callable[[str], None]
Labels = NDArray[np.int8]
Scores = NDArray[np.float64]


class Estimator(Protocol):
    """A learner of P(label = 1).

    All fitted state (categories, medians, scales, weights) is learned from the training rows only
    and lives in the estimator; validation rows only decide when to stop.
    """

    algorithm: ClassVar[str]

    @classmethod
    def create(cls, features: Sequence[FeatureSpec], params: Mapping[str, Param]) -> Self:
        """Returns an unfitted estimator; refuses parameters that the algorithm does not have."""
        ...

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
        """Learns from the training rows.

        Args:
            X: Training rows, shape (n, columns); the features are found by name.
            y: 0 or 1 per training row, shape (n,).
            X_val: Validation rows.
            y_val: 0 or 1 per validation row.
            seed: Seed of everything random; equal input and seed give equal predictions.
            progress: Receives a line for a person now and then.
        """
        ...

    def predict(self, X: pl.DataFrame) -> Scores:
        """Returns the probability of label 1 per row, float64, shape (n,)."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the fitted state into `folder`, without pickle."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns what `save` wrote; it predicts exactly as before."""
        ...


P = TypeVar("P", bound="DataclassInstance")


def parse_params(kind: type[P], algorithm: str, params: Mapping[str, Param]) -> P:
    """Returns `params` as the algorithm's frozen dataclass of parameters.

    Raises:
        UnknownName: The algorithm has no such parameter.
        UsageError: A value has another type than the default.
    """
    defaults: dict[str, Any] = {field.name: field.default for field in fields(kind)}
    for name, value in params.items():
        if name not in defaults:
            raise UnknownName(f"parameter of {algorithm}", name, defaults)
        allowed = (int, float) if isinstance(defaults[name], float) else type(defaults[name])
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise UsageError(
                f"Parameter '{name}' of {algorithm} is {value!r}, "
                f"expected is a value of type {type(defaults[name]).__name__}."
            )
    return kind(**params)
