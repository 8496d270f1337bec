"""What a model is: the declaration read from `assets/models/<model>.yaml`.

A `ModelSpec` is immutable and cannot be built wrong: unknown keys, overlapping splits, a feature
that is part of the label, or an input named twice are refused when the file is loaded, with the
file, the line and the key.
"""

from __future__ import annotations

from lakehouse.model_spec.parts import (
    HIGHER_IS_BETTER,
    CandidateSpec,
    FeatureSpec,
    Metric,
    Monitoring,
    Param,
    Period,
    Predictions,
    Promotion,
    Splits,
)
from lakehouse.model_spec.spec import ModelSpec

__all__ = [
    "HIGHER_IS_BETTER",
    "CandidateSpec",
    "FeatureSpec",
    "Metric",
    "ModelSpec",
    "Monitoring",
    "Param",
    "Period",
    "Predictions",
    "Promotion",
    "Splits",
]
