"""What each partition of a silver table should hold, what it holds, and why the two differ."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lakehouse.conforming import VERSION
from lakehouse.contract import Contract
from lakehouse.ledger import Account, Books, Decision, Delivery
from lakehouse.results import UNASSIGNED, WHOLE


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


@dataclass(frozen=True)
class SilverState:
    """One dataset, as the books tell it.

    Attributes:
        dataset: Name of the dataset.
        unread: Active deliveries that were never inspected under this contract.
        wanted: Deliveries that belong in each partition.
        held: What readers see in each partition.
        stale: Why each stale partition is stale.
        refused: Standing refusals.
        superseded: Deliveries that a later one replaces as a whole.
        withdrawn: Deliveries taken out by a person.
        accepted: Deliveries that a person admitted in spite of the audit.
        pins: Current snapshots of the datasets that rows refer to.
        waits: Datasets that must be published first; nothing is stale until they are.
    """

    dataset: str
    unread: tuple[Delivery, ...]
    wanted: Mapping[str, frozenset[int]]
    held: Mapping[str, Holding]
    stale: Mapping[str, str]
    refused: tuple[Decision, ...]
    superseded: frozenset[int]
    withdrawn: frozenset[int]
    accepted: frozenset[int]
    pins: str
    waits: tuple[str, ...]


def silver_state(books: Books, contract: Contract) -> SilverState:
    """Returns what should be, what is, and what is stale, for one dataset."""
    delivered = books.delivered(contract.dataset)
    decisions = _standing(books, contract)
    withdrawn = _numbers(decisions, "withdrawn")
    refused = tuple(d for d in decisions if d.kind == "refused")
    barred = withdrawn | {d.delivery for d in refused if not d.partition}
    active = _active(contract, [d for d in delivered if d.number not in barred])
    read = _read(books, contract)
    wanted = _wanted(contract, active, read, refused)
    held = _held(books, contract)
    pins = _pins(books, contract)
    published = {account.dataset for account in books.accounts}
    waits = tuple(ref.dataset for ref in contract.pinned if ref.dataset not in published)
    return SilverState(
        dataset=contract.dataset,
        unread=tuple(d for d in active if d.sha256 not in _inspected(books, contract)),
        wanted=wanted,
        held=held,
        stale={} if waits else _stale(contract, delivered, wanted, held, pins, refused, withdrawn),
        waits=waits,
        refused=refused,
        superseded=frozenset(d.number for d in delivered)
        - {d.number for d in active}
        - barred,
        withdrawn=withdrawn,
        accepted=_numbers(decisions, "accepted"),
        pins=pins,
    )


def _standing(books: Books, contract: Contract) -> list[Decision]:
    """Decisions that still hold: the latest word on each delivery, and its partitions' refusals.

    A refusal falls with the contract that it was made under; a person's word voids older refusals.
    """
    latest: dict[tuple[int, str], Decision] = {}
    mine = (d for d in books.decisions if d.dataset == contract.dataset)
    for decision in sorted(mine, key=lambda d: d.number):
        if decision.kind == "refused":
            if decision.fingerprint == contract.fingerprint:
                latest[decision.delivery, decision.partition] = decision
            continue
        for key in [key for key in latest if key[0] == decision.delivery]:
            del latest[key]
        latest[decision.delivery, ""] = decision
    return list(latest.values())


def _numbers(decisions: Collection[Decision], kind: str) -> frozenset[int]:
    return frozenset(decision.delivery for decision in decisions if decision.kind == kind)


def _active(contract: Contract, delivered: list[Delivery]) -> list[Delivery]:
    if contract.delivery == "full":
        return delivered[-1:]
    if contract.delivery == "replace":
        return sorted({d.source_key: d for d in delivered}.values(), key=lambda d: d.number)
    return delivered


def _read(books: Books, contract: Contract) -> Mapping[str, Mapping[str, int]]:
    """Rows by partition of every object, as inspected under this contract.

    Until an object is inspected under a changed contract, what was found before tells which
    partitions it probably touches.
    """
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for entry in books.inspections:
        if entry.dataset == contract.dataset:
            found[entry.sha256][entry.fingerprint][entry.partition] = entry.records
    return {
        sha256: by_contract.get(contract.fingerprint) or list(by_contract.values())[-1]
        for sha256, by_contract in found.items()
    }


def _inspected(books: Books, contract: Contract) -> frozenset[str]:
    return frozenset(
        entry.sha256
        for entry in books.inspections
        if entry.dataset == contract.dataset and entry.fingerprint == contract.fingerprint
    )


def _wanted(
    contract: Contract,
    active: list[Delivery],
    read: Mapping[str, Mapping[str, int]],
    refused: Collection[Decision],
) -> Mapping[str, frozenset[int]]:
    aside = {(d.delivery, d.partition) for d in refused}
    found: dict[str, set[int]] = defaultdict(set)
    for delivery in active:
        for partition, rows in read.get(delivery.sha256, {}).items():
            if partition and (rows or partition == WHOLE) and (delivery.number, partition) not in aside:
                found[partition].add(delivery.number)
    return {name: frozenset(numbers) for name, numbers in sorted(found.items())}


def _held(books: Books, contract: Contract) -> Mapping[str, Holding]:
    """The accounts that the current snapshot rests on.

    Accounts of snapshots that are not in the history of `main` (rolled back) do not count;
    accounts of expired snapshots do.
    """
    table = books.refs.tables.get(contract.table)
    if table is None:
        return {}
    known = {snapshot.snapshot_id: snapshot for snapshot in table.snapshots()}
    history = set()
    at = table.current_snapshot()
    while at is not None:
        history.add(at.snapshot_id)
        at = known.get(at.parent_snapshot_id) if at.parent_snapshot_id else None
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


def _pins(books: Books, contract: Contract) -> str:
    pins = {ref.dataset: str(books.refs.snapshot(f"silver.{ref.dataset}")) for ref in contract.pinned}
    return json.dumps(pins, sort_keys=True)


def _stale(
    contract: Contract,
    delivered: Collection[Delivery],
    wanted: Mapping[str, frozenset[int]],
    held: Mapping[str, Holding],
    pins: str,
    refused: Collection[Decision],
    withdrawn: frozenset[int],
) -> Mapping[str, str]:
    labels = {delivery.number: delivery.label for delivery in delivered}
    given_up = {d.partition for d in refused if d.delivery == 0}
    found = {}
    for name in sorted({*wanted, *held}):
        want, have = wanted.get(name, frozenset()), held.get(name)
        reason = _reason(contract, want, have, pins, labels, withdrawn)
        unchanged = have is not None and want == have.deliveries
        if reason and not (name in given_up and unchanged):
            found[name] = reason
    return found


def _reason(
    contract: Contract,
    want: frozenset[int],
    have: Holding | None,
    pins: str,
    labels: Mapping[int, str],
    withdrawn: frozenset[int],
) -> str:
    present = have.deliveries if have else frozenset()
    fresh, gone = sorted(want - present), sorted(present - want)
    if fresh:
        more = f" and {len(fresh) - 1} more" if len(fresh) > 1 else ""
        return f"new {labels[fresh[-1]]}{more}"
    if gone:
        how = "withdrawn" if gone[-1] in withdrawn else "superseded or refused"
        return f"{labels.get(gone[-1], f'delivery {gone[-1]}')} {how}"
    if have is None or not have.accounts:
        return ""
    for account in have.accounts:
        if account.fingerprint != contract.fingerprint:
            return f"contract changed since version {account.version}"
        if account.conform != VERSION:
            return f"conform version {account.conform} became {VERSION}"
        if account.pins != pins:
            was, now = json.loads(account.pins), json.loads(pins)
            moved = [name for name in now if was.get(name) != now[name]]
            return f"silver.{', silver.'.join(moved)} was published anew"
    return ""
