"""The Iceberg catalog: tables by name, consistent reads, all-or-nothing commits.

The private PyIceberg methods that this needs are used in this package only.
"""

from lakehouse.catalog.appending import append
from lakehouse.catalog.catalog import (
    FORMAT_VERSION,
    MAIN,
    NAME,
    Catalog,
    Change,
    Refs,
    staged,
    still_at,
)
from lakehouse.catalog.evolving import evolve, is_new
from lakehouse.catalog.proposal import Proposal, accept, discard, propose
from lakehouse.catalog.rewriting import rewrite

__all__ = [
    "FORMAT_VERSION",
    "MAIN",
    "NAME",
    "Catalog",
    "Change",
    "Proposal",
    "Refs",
    "accept",
    "append",
    "discard",
    "evolve",
    "is_new",
    "propose",
    "rewrite",
    "staged",
    "still_at",
]
