"""What the world looks like to a model in use, and how well it still does."""

from lakehouse.monitoring.report import Drift, DriftReport, Month
from lakehouse.monitoring.status import Status, status
from lakehouse.monitoring.workflow import measure

__all__ = ["Drift", "DriftReport", "Month", "Status", "measure", "status"]
