"""Lets readers see an earlier publish again, and names publishes so that they stay.

What was published together goes back together: a dataset with its quarantine, and all gold tables
of one build. The move is one transaction with its entry in the ledger.
"""

from lakehouse.rollback.listing import snapshots
from lakehouse.rollback.naming import tag, untag
from lakehouse.rollback.result import Line, Listing, Named, Released, RolledBack
from lakehouse.rollback.workflow import release, rollback

__all__ = [
    "Line",
    "Listing",
    "Named",
    "Released",
    "RolledBack",
    "release",
    "rollback",
    "snapshots",
    "tag",
    "untag",
]
