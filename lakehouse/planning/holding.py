"""What readers of a silver table see, by partition, as the books tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.contract import Contract
from lakehouse.ledger import Account, Books
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
    def rows(self) -> int:
        """Rows that readers see."""
        return sum(account.published for account in self.accounts)


def holdings(books: Books, contract: Contract) -> Mapping[str, Holding]:
    """Returns the accounts that the current snapshot rests on, by partition.

    Accounts of snapshots that are not in the history of `main` (rolled back) do not count; accounts
    of expired snapshots do.
    """
    known, history = _snapshots(books, contract)
    latest: dict[tuple[str, int], list[Account]] = defaultdict(list)
    for account in books.accounts:
        mine = account.dataset == contract.dataset
        if mine and (account.snapshot in history or account.snapshot not in known):
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


def _snapshots(books: Books, contract: Contract) -> tuple[frozenset[int], frozenset[int]]:
    """Snapshots that the table knows, and those of them that `main` descends from."""
    table = books.refs.tables.get(contract.table)
    if table is None:
        return frozenset(), frozenset()
    known = {snapshot.snapshot_id: snapshot for snapshot in table.snapshots()}
    history = []
    at = table.current_snapshot()
    while at is not None:
        history.append(at.snapshot_id)
        at = known.get(at.parent_snapshot_id) if at.parent_snapshot_id else None
    return frozenset(known), frozenset(history)
