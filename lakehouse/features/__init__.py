"""Rows a model may learn from: pinned, split by time, checked for leaks."""

from lakehouse.features.frame import TAG, TrainingFrame, assemble
from lakehouse.features.leakage import SUSPICIOUS_AUC, single_aucs
from lakehouse.features.sample import LABEL, Sample, Source, pin, read

__all__ = [
    "LABEL",
    "SUSPICIOUS_AUC",
    "TAG",
    "Sample",
    "Source",
    "TrainingFrame",
    "assemble",
    "pin",
    "read",
    "single_aucs",
]
