"""Which deliveries hold the dataset, by what its contract says that a delivery means."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.contract import Contract
from lakehouse.ledger import Delivery


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
