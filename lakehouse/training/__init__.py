"""From a pinned frame to a champion, and from a champion to batch predictions."""

from lakehouse.training.predicting import Predicted, predict
from lakehouse.training.results import Candidate, Slice, Trained, Verdict
from lakehouse.training.workflow import train

__all__ = ["Candidate", "Predicted", "Slice", "Trained", "Verdict", "predict", "train"]
