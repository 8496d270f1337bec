"""Raw files whose every row is past the retention of their contract."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Delivery
from lakehouse.planning import SilverState
from lakehouse.results import UNASSIGNED

KEPT = "the contract does not say `bronzeRetention: delete`"
UNDATED = "they have rows too broken to tell their age"


@dataclass
class Past:
    """Raw files past retention.

    Attributes:
        deletable: The deliveries of each that may go, by URL.
        kept: How many stay, by dataset and why.
    """

    deletable: dict[str, tuple[Delivery, ...]] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)


def past_retention(lake: Lake, books: Books) -> Past:
    """Returns the raw files none of whose rows will ever be wanted under the present contracts.

    Only files that no reader sees a row of: silver gives up the rows first.

    Args:
        lake: The lake.
        books: The ledger, with the silver tables.
    """
    found = Past()
    for contract in lake.contracts.values():
        if contract.retention is not None:
            _dataset(lake, contract, books, found)
    return found


def _dataset(lake: Lake, contract: Contract, books: Books, found: Past) -> None:
    state = SilverState(books, contract, lake.settings.clock())
    gone = books.removed(contract.dataset)
    seen = {number for holding in state.held.values() for number in holding.deliveries}
    brought: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in books.delivered(contract.dataset):
        if delivery.number not in gone:
            brought[delivery.object].append(delivery)
    for name, deliveries in brought.items():
        rows = {p: n for p, n in state.records.get(deliveries[0].sha256, {}).items() if n}
        dated, undated = rows.keys() - {UNASSIGNED}, UNASSIGNED in rows
        if not dated or not dated <= state.expired:
            continue
        if any(delivery.number in seen for delivery in deliveries) and not undated:
            continue
        if why := _obstacle(contract, undated):
            found.kept[f"{contract.dataset}: {why}"] += 1
        else:
            found.deletable[lake.object_url(name)] = tuple(deliveries)


def _obstacle(contract: Contract, undated: bool) -> str:
    """Returns why a file stays that is past retention, or an empty string."""
    if not contract.keeping.delete_bronze:
        return KEPT
    return UNDATED if undated else ""
