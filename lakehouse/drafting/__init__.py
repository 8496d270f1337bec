"""A first contract for a dataset, drafted from a sample of its files."""

from lakehouse.drafting.result import Drafted
from lakehouse.drafting.workflow import draft

__all__ = ["Drafted", "draft"]
