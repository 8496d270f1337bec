"""Which deliveries make each partition, by what its contract says that a delivery means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from lakehouse.contract import Contract
from lakehouse.ledger import Decision, Delivery
from lakehouse.results import WHOLE


class Meaning:
    """The deliveries of one dataset, each with what it replaces.

    A delivery that is refused in a partition takes no earlier one's place there: readers keep the
    last good rows.
    """

    def __init__(
        self,
        contract: Contract,
        delivered: Sequence[Delivery],
        decisions: Iterable[Decision],
        records: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Prepares the answers.

        Args:
            contract: The dataset.
            delivered: Its deliveries in their order.
            decisions: What still holds of what was decided about them.
            records: Rows by partition of every object, by its sha256.
        """
        self._contract, self._delivered, self._records = contract, delivered, records
        self._whole = contract.delivery == "full"
        self._out: set[int] = set()
        self._aside: dict[str, set[int]] = defaultdict(set)
        for decision in decisions:
            whole = decision.kind == "refused" and not decision.partition
            if whole or decision.kind == "withdrawn":
                self._out.add(decision.delivery)
            elif decision.kind == "refused" and decision.delivery:
                self._aside[decision.partition].add(decision.delivery)
        self._lines: dict[str, tuple[Delivery, ...]] = {}
        self._replaced: dict[str, Mapping[int, int]] = {}

    @cached_property
    def wanted(self) -> Mapping[str, frozenset[int]]:
        """Numbers of the deliveries whose rows make each partition."""
        found: dict[str, set[int]] = defaultdict(set)
        for delivery in self.line(""):
            for partition in self._touched(delivery) - self._aside.keys():
                found[partition].add(delivery.number)
        for partition in self._aside:
            numbers = {d.number for d in self.line(partition) if partition in self._touched(d)}
            found[partition] |= numbers
        return {name: frozenset(numbers) for name, numbers in found.items() if numbers}

    @cached_property
    def active(self) -> tuple[Delivery, ...]:
        """Deliveries whose rows count somewhere, and those that nobody has looked into."""
        numbers = {d.number for d in self.line("")}.union(*self.wanted.values())
        return tuple(d for d in self._delivered if d.number in numbers)

    @cached_property
    def superseded(self) -> frozenset[int]:
        """Deliveries that a later one replaces as a whole."""
        return frozenset(self.replaced("")) - {delivery.number for delivery in self.active}

    def line(self, partition: str) -> tuple[Delivery, ...]:
        """Returns the deliveries that none of those which may be in a partition replaces."""
        key = partition if partition in self._aside else ""
        if key not in self._lines:
            out = self._out | self._aside.get(key, set())
            admitted = [d for d in self._delivered if d.number not in out]
            self._lines[key] = _last(self._contract, admitted)
        return self._lines[key]

    def replaced(self, partition: str) -> Mapping[int, int]:
        """Returns the delivery by which each one is replaced in a partition, by their numbers."""
        key = partition if partition in self._aside else ""
        if key not in self._replaced:
            last = {self._key(delivery): delivery.number for delivery in self.line(key)}
            newest = {d.number: last.get(self._key(d), 0) for d in self._delivered}
            one_by_one = self._contract.delivery == "incremental" or self._contract.history
            found = {} if one_by_one else {n: by for n, by in newest.items() if n < by}
            self._replaced[key] = found
        return self._replaced[key]

    def _key(self, delivery: Delivery) -> str:
        return "" if self._whole else delivery.source_key

    def _touched(self, delivery: Delivery) -> Collection[str]:
        """Returns the partitions in which a delivery has rows; a whole table also without."""
        rows = self._records.get(delivery.sha256, {})
        return {name for name in rows if name and (rows[name] or name == WHOLE)}


def _last(contract: Contract, admitted: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """Returns the deliveries that no later one replaces as a whole, in their order."""
    if contract.history:
        return tuple(admitted)  # each says what held from its time on
    if contract.delivery == "full":
        return tuple(admitted[-1:])
    if contract.delivery == "replace":
        last = {delivery.source_key: delivery for delivery in admitted}
        return tuple(sorted(last.values(), key=lambda delivery: delivery.number))
    return tuple(admitted)
