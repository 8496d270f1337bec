"""Personal data: what becomes of a classified value, and what gives an unclassified one away."""

from lakehouse.privacy.judging import likely_kinds
from lakehouse.privacy.kinds import KINDS

__all__ = ["KINDS", "likely_kinds"]
