"""What a person decides about deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import UnknownName
from lakehouse.lake import Lake
from lakehouse.ledger import Decision, DecisionKind
from lakehouse.planning import SilverState
from lakehouse.results import Result


@dataclass(frozen=True)
class Decided(Result):
    """What a person decided about deliveries.

    Attributes:
        dataset: The dataset.
        kind: What was decided.
        deliveries: About which deliveries.
    """

    dataset: str
    kind: DecisionKind
    deliveries: tuple[int, ...]

    def summary(self) -> str:
        """Says what was decided and what to do next."""
        listed = ", ".join(map(str, self.deliveries)) or "none"
        return f"{self.dataset}: {self.kind} deliveries {listed}. `lakehouse run` applies it."

    def facts(self) -> Mapping[str, object]:
        """Returns the decision."""
        return {"dataset": self.dataset, "kind": self.kind, "deliveries": list(self.deliveries)}


def decide(
    lake: Lake, kind: DecisionKind, deliveries: Sequence[int], *, by: str, note: str
) -> Decided:
    """Records a person's decision: withdraw, accept or replay.

    Args:
        lake: The lake.
        kind: `withdrawn` takes deliveries out of every later result, `accepted` admits them in
            spite of the audit, `replayed` has them judged again.
        deliveries: Their numbers.
        by: Who decides.
        note: Why.

    Raises:
        UnknownName: There is no such delivery.
    """
    books = lake.ledger.read()
    known = {entry.number: entry for entry in books.deliveries}
    for number in deliveries:
        if number not in known:
            raise UnknownName("delivery", str(number), map(str, sorted(known)))
    now = lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        return [
            Decision(first + place, known[n].dataset, n, kind, "", "", 0, note, by, now)
            for place, n in enumerate(deliveries)
        ]

    lake.ledger.number(Decision, entries)
    datasets = {known[number].dataset for number in deliveries}
    return Decided(", ".join(sorted(datasets)), kind, tuple(deliveries))


def replay(lake: Lake, dataset: str, *, by: str) -> Decided:
    """Has every delivery of a dataset that stands refused judged again by the next run.

    What a person has withdrawn or accepted since stays so.
    """
    contract, now = lake.contract(dataset), lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        state = SilverState(lake.ledger.read(), contract, now)
        numbers = sorted({decision.delivery for decision in state.refused})
        return [
            Decision(first + place, dataset, n, "replayed", "", "", 0, "replay", by, now)
            for place, n in enumerate(numbers)
        ]

    replayed = lake.ledger.number(Decision, entries)
    return Decided(dataset, "replayed", tuple(one.delivery for one in replayed if one.delivery))
