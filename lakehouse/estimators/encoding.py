"""From columns to a numeric matrix, with categories learned from the training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lakehouse.model_spec import FeatureSpec

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Encoding:
    """Which columns feed a model, and the number of each category.

    Numeric columns stay as they are, nulls become NaN. A category is its position in the sorted
    list of the training rows' values; null and values unseen in training become NaN.

    Attributes:
        numeric: Names of numeric columns; they come first in the matrix.
        categories: For each categorical column its values, sorted.

    Example:
        >>> features = (FeatureSpec(name="carrier", kind="categorical"),)
        >>> encoding = Encoding.fit(features, pl.DataFrame({"carrier": ["UA", "AA", None]}))
        >>> encoding.matrix(pl.DataFrame({"carrier": ["UA", "ZZ"]})).tolist()
        [[1.0], [nan]]
    """

    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, features: Sequence[FeatureSpec], X: pl.DataFrame) -> Self:
        """Returns the encoding of these training rows."""
        return cls(
            tuple(f.name for f in features if f.kind == "numeric"),
            {
                f.name: tuple(X[f.name].drop_nulls().cast(pl.String).unique().sort())
                for f in features
                if f.kind == "categorical"
            },
        )

    @property
    def width(self) -> int:
        """Number of the matrix's columns."""
        return len(self.numeric) + len(self.categories)

    @property
    def categorical_positions(self) -> tuple[int, ...]:
        """Positions of the categorical columns in the matrix."""
        return tuple(range(len(self.numeric), self.width))

    def matrix(self, X: pl.DataFrame) -> Matrix:
        """Returns float64, shape (rows, width): numeric columns, then category numbers."""
        numeric = [pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in self.numeric]
        categorical = [
            pl.col(name)
            .cast(pl.String)
            .replace_strict(list(values), list(range(len(values))), default=None)
            .cast(pl.Float64)
            .fill_null(np.nan)
            if values
            else pl.lit(np.nan).alias(name)
            for name, values in self.categories.items()
        ]
        return X.select(*numeric, *categorical).to_numpy(writable=True)

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return {
            "numeric": list(self.numeric),
            "categories": {name: list(values) for name, values in self.categories.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Returns the encoding that `to_json` wrote."""
        return cls(
            tuple(stored["numeric"]),
            {name: tuple(values) for name, values in stored["categories"].items()},
        )
