"""One dataset at one consistent moment."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.planning.silver import SilverState
from lakehouse.privacy import key_id


@dataclass(frozen=True)
class View:
    """One dataset at one consistent moment.

    Attributes:
        lake: The lake.
        contract: The dataset's contract.
        books: The ledger, with the dataset's tables and those it refers to.
        state: What should be, what is, and what is stale.
    """

    lake: Lake
    contract: Contract
    books: Books
    state: SilverState


def look(lake: Lake, contract: Contract) -> View:
    """Returns the dataset as it is now."""
    referred = [f"silver.{reference.dataset}" for reference in contract.references]
    books = lake.ledger.read([contract.table, contract.quarantine, *referred])
    state = SilverState(books, contract, lake.settings.clock(), key_id(contract, lake.settings))
    return View(lake, contract, books, state)
