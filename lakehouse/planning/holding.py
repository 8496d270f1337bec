"""What readers of a silver table see, by partition, as the books tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse import catalog
from lakehouse.contract import Contract
from lakehouse.ledger import Account, Books
from lakehouse.ledger.rollback import standing
from lakehouse.results import UNASSIGNED


@dataclass(frozen=True)
class Holding:
    """The accounts of one published partition.

    Attributes:
        accounts: One per delivery that was considered.
    """

    accounts: tuple[Account, ...]

    @property
    def deliveries(self) -> frozenset[int]:
        """Numbers of the deliveries considered; 0 stands for none and is left out."""
        return frozenset(account.delivery for account in self.accounts if account.delivery)

    @property
    def sequence(self) -> int:
        """Orders the publishes that brought it; the last one's."""
        return max(account.sequence for account in self.accounts)

    @property
    def rows(self) -> int:
        """Rows that readers see."""
        return sum(account.published for account in self.accounts)


def holdings(books: Books, contract: Contract) -> Mapping[str, Holding]:
    """Returns the accounts that the current snapshot rests on, by partition.

    Accounts of publishes that were rolled back do not count, also where their snapshots are
    forgotten; nor do those of snapshots that somebody took out of the history of `main` otherwise.
    """
    gone, rolled = _gone(books, contract), books.rolled(contract.dataset)
    latest: dict[tuple[str, int], list[Account]] = defaultdict(list)
    for account in books.accounts:
        mine = account.dataset == contract.dataset
        if mine and account.snapshot not in gone and standing(rolled, account.sequence):
            # rows without a partition are booked per delivery, all others per partition
            part = account.delivery if account.partition == UNASSIGNED else 0
            rows = latest[account.partition, part]
            if rows and rows[0].sequence < account.sequence:
                rows.clear()
            if not rows or rows[0].sequence == account.sequence:
                rows.append(account)
    held: dict[str, list[Account]] = defaultdict(list)
    for (partition, _), accounts in sorted(latest.items()):
        held[partition] += [a for a in accounts if a.rows or partition != UNASSIGNED]
    return {name: Holding(tuple(accounts)) for name, accounts in held.items() if accounts}


def _gone(books: Books, contract: Contract) -> frozenset[int]:
    """Snapshots that are younger than the oldest known of the line of `main`, and not on it."""
    table = books.refs.tables.get(contract.table)
    if table is None:
        return frozenset()
    line = list(catalog.history(table))
    # an older one may have been on it: what lay between is forgotten, and a tag keeps this one
    first = min((snapshot.sequence_number or 0 for snapshot in line), default=0)
    younger = {s.snapshot_id for s in table.snapshots() if (s.sequence_number or 0) > first}
    return frozenset(younger - {snapshot.snapshot_id for snapshot in line})
