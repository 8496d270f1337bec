"""Trained models: MLflow's runs and versions, and what the lake's own tables know of them."""

from lakehouse.registry.manifest import Manifest
from lakehouse.registry.state import (
    ScoringState,
    Standing,
    TrainingState,
    history_table,
    is_current,
    noted,
    standing,
)
from lakehouse.registry.tracking import Champion, champion, promote, record, register

__all__ = [
    "Champion",
    "Manifest",
    "ScoringState",
    "Standing",
    "TrainingState",
    "champion",
    "history_table",
    "is_current",
    "noted",
    "promote",
    "record",
    "register",
    "standing",
]
