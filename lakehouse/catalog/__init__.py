"""The Iceberg catalog: tables by name, consistent reads, all-or-nothing commits.

The private PyIceberg methods that this needs are used in this package only.
"""

from lakehouse.catalog.appending import append
from lakehouse.catalog.catalog import (
    FORMAT_VERSION,
    MAIN,
    NAME,
    SAME_ROWS,
    Catalog,
    Change,
    Refs,
    content_of,
    format_of,
    staged,
    still_at,
)
from lakehouse.catalog.evolving import evolve, is_new
from lakehouse.catalog.expiring import forgettable, history, kept, unseen
from lakehouse.catalog.formats import is_older, upgraded
from lakehouse.catalog.proposal import Proposal, accept, discard, propose
from lakehouse.catalog.rewriting import rewrite

__all__ = [
    "FORMAT_VERSION",
    "MAIN",
    "NAME",
    "SAME_ROWS",
    "Catalog",
    "Change",
    "Proposal",
    "Refs",
    "accept",
    "append",
    "content_of",
    "discard",
    "evolve",
    "forgettable",
    "format_of",
    "history",
    "is_new",
    "is_older",
    "kept",
    "propose",
    "rewrite",
    "staged",
    "still_at",
    "unseen",
    "upgraded",
]
