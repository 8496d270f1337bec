"""Data contracts: ODCS v3.1 files read into the frozen ideas that the engine works with."""

from lakehouse.contract.files import ReadOptions
from lakehouse.contract.loading import load, load_all, order
from lakehouse.contract.model import Contract
from lakehouse.contract.parts import (
    Column,
    Expectation,
    Freshness,
    History,
    Partition,
    Query,
    Reference,
    Retention,
    Rule,
    Totals,
    Treatment,
    Waiver,
)

__all__ = [
    "Column",
    "Contract",
    "Expectation",
    "Freshness",
    "History",
    "Partition",
    "Query",
    "ReadOptions",
    "Reference",
    "Retention",
    "Rule",
    "Totals",
    "Treatment",
    "Waiver",
    "load",
    "load_all",
    "order",
]
