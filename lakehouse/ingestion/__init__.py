"""Brings silver up to date: conform, propose on a branch, audit there, publish what passed."""

from lakehouse.ingestion.refreshing import refresh
from lakehouse.ingestion.result import PartitionOutcome, Refreshed

__all__ = ["PartitionOutcome", "Refreshed", "refresh"]
