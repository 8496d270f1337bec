"""Where every row of every delivery is: the sums that `status` and `demo` show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Account, Books, Delivery
from lakehouse.planning import SilverState
from lakehouse.privacy import key_id


@dataclass(frozen=True)
class Statement:
    """Rows of one delivery, or of several together.

    Attributes:
        rows: Rows that came in.
        published: Rows readers see.
        quarantined: Rows that broke a rule.
        duplicates: Rows whose key came again in the same delivery.
        superseded: Rows that a later delivery brought again.
        refused: Rows set aside by the audit.
        withdrawn: Rows of deliveries that a person took out.
        expired: Rows of partitions past the contract's retention.
        waiting: Rows that the next run will place.
    """

    rows: int = 0
    published: int = 0
    quarantined: int = 0
    duplicates: int = 0
    superseded: int = 0
    refused: int = 0
    withdrawn: int = 0
    expired: int = 0
    waiting: int = 0

    def __add__(self, other: Statement) -> Statement:
        mine, theirs = asdict(self), asdict(other)
        return Statement(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True)
class Booked:
    """A delivery with where its rows are.

    Attributes:
        delivery: The delivery.
        state: `published`, `waiting`, `held` (by a rollback), `refused`, `withdrawn`, `superseded`
            or `expired`.
        statement: Its rows; all zero as long as nobody has looked into the file.
        reasons: Why it, or partitions of it, were refused.
    """

    delivery: Delivery
    state: str
    statement: Statement
    reasons: tuple[str, ...]


def booked(lake: Lake, contract: Contract, books: Books) -> tuple[Booked, ...]:
    """Returns every delivery of a dataset with its rows."""
    key = key_id(contract, lake.settings)
    state = SilverState(books, contract, lake.settings.clock(), key)
    accounts: dict[int, list[Account]] = defaultdict(list)
    for holding in state.held.values():
        for account in holding.accounts:
            accounts[account.delivery].append(account)
    removed, found = books.removed(contract.dataset), []
    for delivery in books.delivered(contract.dataset):
        records = state.records.get(delivery.sha256, {})
        past = records.keys() if delivery.number in removed else state.expired
        found.append(_booked(delivery, state, accounts[delivery.number], records, past))
    return tuple(found)


def total(entries: Iterable[Booked]) -> Statement:
    """Returns the sum over deliveries."""
    return sum((entry.statement for entry in entries), Statement())


def _booked(
    delivery: Delivery,
    state: SilverState,
    accounts: list[Account],
    records: Mapping[str, int],
    past: Collection[str],
) -> Booked:
    number = delivery.number
    refusals = [d for d in state.refused if d.delivery == number]
    placed = Statement(
        published=sum(a.published for a in accounts),
        quarantined=sum(a.quarantined for a in accounts),
        duplicates=sum(a.duplicates for a in accounts),
        superseded=sum(a.superseded for a in accounts),
    )
    held = sum(a.rows for a in accounts)
    rows = max(sum(records.values()), held)
    rest = rows - held
    kept = {a.partition: a.rows for a in accounts}
    left = {p: max(n - kept.get(p, 0), 0) for p, n in records.items()}
    aside = {d.partition for d in refusals}
    gone = sum(n for p, n in left.items() if p in past)
    lost = sum(n for p, n in left.items() if p not in past and number in state.replaced(p))
    out = {p for p in aside - set(past) if number not in state.replaced(p)}
    refused = sum(left.get(p, 0) for p in out)
    if number in state.withdrawn:
        name, other = "withdrawn", Statement(withdrawn=rest)
    elif number in state.superseded:
        name, other = "superseded", Statement(superseded=rest)
    elif "" in aside:
        name, other = "refused", Statement(refused=rest)
    else:
        waiting = rest - refused - gone - lost
        waits = waiting or (not accounts and delivery in state.unread)
        done = "expired" if gone and gone == rows else "published"
        held_back = any(number in state.wanted.get(name, ()) for name in state.kept)
        name = ("held" if held_back else "waiting") if waits else done
        name = "refused" if out else name
        other = Statement(refused=refused, superseded=lost, expired=gone, waiting=waiting)
    reasons = tuple(d.reason for d in refusals)
    return Booked(delivery, name, placed + other + Statement(rows=rows), reasons)
