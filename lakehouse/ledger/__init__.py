"""The lake's books: what was delivered, what is in it, what was decided, and where its rows are.

Append-only Iceberg tables, partitioned by dataset. Nothing here is ever edited; the state of the
lake is computed from all entries. Entries are numbered by the commit, never by a clock. One thing
is: what quotes the rows of a person who is forgotten is blotted out (`Ledger.rewrite`).
"""

from lakehouse.ledger.books import TABLES, Books, Ledger
from lakehouse.ledger.entries import (
    Account,
    Build,
    Claim,
    Decision,
    DecisionKind,
    Delivery,
    Entry,
    Erasure,
    ErasureKind,
    Inspection,
    Judgement,
    Replacement,
)
from lakehouse.ledger.removal import Removal
from lakehouse.ledger.rollback import Rollback, RollbackKind

__all__ = [
    "TABLES",
    "Account",
    "Books",
    "Build",
    "Claim",
    "Decision",
    "DecisionKind",
    "Delivery",
    "Entry",
    "Erasure",
    "ErasureKind",
    "Inspection",
    "Judgement",
    "Ledger",
    "Removal",
    "Replacement",
    "Rollback",
    "RollbackKind",
]
