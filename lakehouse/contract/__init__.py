"""Data contracts: ODCS v3.1 files read into the frozen ideas that the engine works with."""

from lakehouse.contract.description import describe, promised, recorded, records, stamp
from lakehouse.contract.difference import Difference, differences
from lakehouse.contract.files import ReadOptions
from lakehouse.contract.loading import faults, load, load_all, order
from lakehouse.contract.model import Contract
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import (
    Column,
    Expectation,
    Freshness,
    History,
    Keeping,
    Query,
    Reference,
    Retention,
    Rule,
    Totals,
    Treatment,
    Waiver,
)
from lakehouse.contract.reasons import Reasons

__all__ = [
    "Column",
    "Contract",
    "Difference",
    "Expectation",
    "Freshness",
    "History",
    "Keeping",
    "Partition",
    "Query",
    "ReadOptions",
    "Reasons",
    "Reference",
    "Retention",
    "Rule",
    "Totals",
    "Treatment",
    "Waiver",
    "describe",
    "differences",
    "faults",
    "load",
    "load_all",
    "order",
    "promised",
    "recorded",
    "records",
    "stamp",
]
