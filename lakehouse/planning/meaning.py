"""Which deliveries hold the dataset, by what its contract says that a delivery means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from lakehouse.contract import Contract
from lakehouse.ledger import Decision, Delivery
from lakehouse.results import WHOLE


def current(contract: Contract, admitted: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """Returns the deliveries that no later one replaces as a whole, in their order.

    Args:
        contract: The dataset.
        admitted: Its deliveries that were neither refused nor withdrawn, in their order.
    """
    if contract.history:
        return tuple(admitted)  # each says what held from its time on
    if contract.delivery == "full":
        return tuple(admitted[-1:])
    if contract.delivery == "replace":
        last = {delivery.source_key: delivery for delivery in admitted}
        return tuple(sorted(last.values(), key=lambda delivery: delivery.number))
    return tuple(admitted)


def belonging(
    contract: Contract,
    admitted: Sequence[Delivery],
    refused: Collection[Decision],
    records: Mapping[str, Mapping[str, int]],
) -> Mapping[str, frozenset[int]]:
    """Returns the numbers of the deliveries whose rows make each partition.

    A delivery that was refused in a partition takes no earlier one's place there: readers keep the
    last good rows.

    Args:
        contract: The dataset.
        admitted: Its deliveries that were neither refused as a whole nor withdrawn, in their order.
        refused: Its standing refusals.
        records: Rows by partition of every object, by its sha256.
    """
    aside = {(one.delivery, one.partition) for one in refused}
    contested = {one.partition for one in refused if one.partition and one.delivery}
    found: dict[str, set[int]] = defaultdict(set)
    for delivery in current(contract, admitted):
        for partition, rows in records.get(delivery.sha256, {}).items():
            if partition and partition not in contested and (rows or partition == WHOLE):
                found[partition].add(delivery.number)
    for partition in contested:
        left = [one for one in admitted if (one.number, partition) not in aside]
        for delivery in current(contract, left):
            rows = records.get(delivery.sha256, {}).get(partition, 0)
            if rows or (partition == WHOLE and partition in records.get(delivery.sha256, {})):
                found[partition].add(delivery.number)
    return {partition: frozenset(numbers) for partition, numbers in found.items()}
