"""What still holds of all that was decided about the deliveries of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lakehouse.contract import Contract
from lakehouse.ledger import Books, Decision, Delivery


def standing(
    books: Books,
    contract: Contract,
    delivered: Sequence[Delivery],
    records: Mapping[str, Mapping[str, int]],
) -> tuple[Decision, ...]:
    """Returns the latest word on each delivery, and its partitions' refusals.

    A refusal falls with the contract it was made under, and by a later word of a person; but
    nobody's word makes a file readable. One that blames no delivery, because none was new, falls by
    a word on any that has rows in the partition.

    Args:
        books: The ledger.
        contract: The dataset.
        delivered: Its deliveries.
        records: Rows by partition of every object, by its sha256.
    """
    latest: dict[tuple[int, str], Decision] = {}
    touched = {delivery.number: records.get(delivery.sha256, {}) for delivery in delivered}
    broken = _unreadable(books, contract, delivered)
    mine = (d for d in books.decisions if d.dataset == contract.dataset)
    for decision in sorted(mine, key=lambda d: d.number):
        if decision.kind == "refused":
            if decision.fingerprint == contract.fingerprint:
                latest[decision.delivery, decision.partition] = decision
            continue
        if decision.delivery in broken and decision.kind != "withdrawn":
            continue
        partitions = touched.get(decision.delivery, {})
        for number, partition in list(latest):
            if number == decision.delivery or (number == 0 and partition in partitions):
                del latest[number, partition]
        latest[decision.delivery, ""] = decision
    return tuple(latest.values())


def _unreadable(books: Books, contract: Contract, delivered: Sequence[Delivery]) -> frozenset[int]:
    """Returns the deliveries whose object cannot be read under this contract."""
    bad = {
        entry.sha256
        for entry in books.inspections
        if entry.dataset == contract.dataset
        and entry.fingerprint == contract.fingerprint
        and entry.unreadable
    }
    return frozenset(d.number for d in delivered if d.sha256 in bad)
