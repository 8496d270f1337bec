"""Reads objects for the first time under a contract, and refuses those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.contract import Contract
from lakehouse.inspecting import inspect
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Decision, Inspection
from lakehouse.planning.silver import SilverState


@dataclass(frozen=True)
class View:
    """One dataset at one consistent moment.

    Attributes:
        lake: The lake.
        contract: The dataset's contract.
        books: The ledger, with the dataset's tables and those it refers to.
        state: What should be, what is, and what is stale.
    """

    lake: Lake
    contract: Contract
    books: Books
    state: SilverState

    def fresh(self, partition: str) -> frozenset[int]:
        """Returns the deliveries that readers of a partition do not see yet."""
        held = self.state.held.get(partition)
        present = held.deliveries if held else frozenset()
        return self.state.wanted.get(partition, frozenset()) - present


def look(lake: Lake, contract: Contract) -> View:
    """Returns the dataset as it is now."""
    referred = [f"silver.{reference.dataset}" for reference in contract.references]
    books = lake.ledger.read([contract.table, contract.quarantine, *referred])
    return View(lake, contract, books, SilverState(books, contract, lake.settings.clock()))


def read_new(lake: Lake, contract: Contract) -> None:
    """Finds out what the deliveries hold that were never read under this contract."""
    view = look(lake, contract)
    if view.state.unread:
        found = inspect(lake, contract, view.state.unread)
        lake.ledger.append(found)
        _refuse_unreadable(view, found)


def _refuse_unreadable(view: View, inspections: Sequence[Inspection]) -> None:
    """Records deliveries whose object cannot be read at all."""
    why = {entry.sha256: entry for entry in inspections if entry.unreadable}
    found = [delivery for delivery in view.state.unread if delivery.sha256 in why]
    record(
        view,
        [
            (
                delivery.number,
                "",
                why[delivery.sha256].records,
                f"{view.contract.table}: {delivery.label} was refused: "
                f"{why[delivery.sha256].unreadable}. Nothing of it was published, readers are not "
                f"affected, its bytes stay in bronze. Land a corrected file under the same name, "
                f"or change the contract, then `lakehouse run`.",
            )
            for delivery in found
        ],
    )


def record(view: View, refusals: Sequence[tuple[int, str, int, str]]) -> None:
    """Records refusals: (delivery, partition or empty for all of it, rows, full sentence)."""
    if not refusals:
        return
    now = view.lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        return [
            Decision(
                number=first + place,
                dataset=view.contract.dataset,
                delivery=delivery,
                kind="refused",
                partition=partition,
                fingerprint=view.contract.fingerprint,
                rows=rows,
                reason=reason,
                by="audit",
                at=now,
            )
            for place, (delivery, partition, rows, reason) in enumerate(refusals)
        ]

    view.lake.ledger.number(Decision, entries)
