"""Turns deliveries into the rows of silver partitions, and into the reasons of those left out.

A partition is a pure function of the contract, this code (`VERSION`), the deliveries that touch it
and the pinned snapshots of the datasets it refers to.
"""

from lakehouse.conforming.broken import Broken
from lakehouse.conforming.history import named_time
from lakehouse.conforming.result import Conformed, Count, Excess
from lakehouse.conforming.staging import Staging
from lakehouse.conforming.straight import Straight

VERSION = 1
"""Raised when this code gives other rows for the same input: every partition is then stale."""

__all__ = ["VERSION", "Broken", "Conformed", "Count", "Excess", "Staging", "Straight", "named_time"]
