"""Data contracts: ODCS v3.1 files read into the frozen ideas that the engine works with."""

from lakehouse.contract.loading import load, load_all, order
from lakehouse.contract.model import (
    Column,
    Contract,
    Expectation,
    Freshness,
    Partition,
    ReadOptions,
    Reference,
    Rule,
)

__all__ = [
    "Column",
    "Contract",
    "Expectation",
    "Freshness",
    "Partition",
    "ReadOptions",
    "Reference",
    "Rule",
    "load",
    "load_all",
    "order",
]
