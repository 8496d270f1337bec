"""Trained models: MLflow's runs and versions, and what the lake's own tables know of them."""

from lakehouse.registry.frames import frames
from lakehouse.registry.listing import models, runs
from lakehouse.registry.manifest import Manifest
from lakehouse.registry.retiring import retire
from lakehouse.registry.state import (
    ScoringState,
    Standing,
    TrainingState,
    history_table,
    is_current,
    noted,
    standing,
)
from lakehouse.registry.store import dump, is_used, load, relocated
from lakehouse.registry.tracking import (
    Champion,
    alone,
    artifacts,
    champion,
    prepare,
    promote,
    record,
    register,
)

__all__ = [
    "Champion",
    "Manifest",
    "ScoringState",
    "Standing",
    "TrainingState",
    "alone",
    "artifacts",
    "champion",
    "dump",
    "frames",
    "history_table",
    "is_current",
    "is_used",
    "load",
    "models",
    "noted",
    "prepare",
    "promote",
    "record",
    "register",
    "relocated",
    "retire",
    "runs",
    "standing",
]
