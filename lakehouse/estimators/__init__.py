"""Algorithms that learn a probability, all with the same face.

Adding one is adding a module and its line in `ALGORITHMS`. Nothing here imports scikit-learn or
torch before an estimator is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from lakehouse.errors import UnknownName
from lakehouse.estimators.base import Estimator
from lakehouse.model_spec import CandidateSpec, FeatureSpec
from lakehouse.settings import share_cores

VERSION = "1"
"""Raised whenever equal input would be learned differently: models are then trained anew."""
ALGORITHMS: Mapping[str, str] = {
    "logistic": "LogisticEstimator",
    "boosted_trees": "BoostedTreesEstimator",
    "tabm": "TabMEstimator",
}

__all__ = ["ALGORITHMS", "VERSION", "Estimator", "create", "load"]


def create(candidate: CandidateSpec, features: Sequence[FeatureSpec]) -> Estimator:
    """Returns an estimator that is not fitted yet.

    Raises:
        UnknownName: There is no such algorithm, or it has no such parameter.
        UsageError: A parameter's value cannot be used.
    """
    return _class(candidate.algorithm).create(features, candidate.params)


def load(algorithm: str, folder: Path) -> Estimator:
    """Returns the fitted estimator that `Estimator.save` wrote into `folder`.

    Raises:
        UnknownName: There is no such algorithm.
    """
    return _class(algorithm).load(folder)


def _class(algorithm: str) -> type[Estimator]:
    if algorithm not in ALGORITHMS:
        raise UnknownName("algorithm", algorithm, ALGORITHMS)
    share_cores()
    module = import_module(f"lakehouse.estimators.{algorithm}")
    found: type[Estimator] = getattr(module, ALGORITHMS[algorithm])
    return found
