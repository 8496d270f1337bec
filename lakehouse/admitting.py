"""Reads objects for the first time under a contract, and refuses those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.contract import Contract
from lakehouse.inspecting import inspect
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Decision, Inspection
from lakehouse.planning.silver import SilverState, silver_state


def look(lake: Lake, contract: Contract) -> tuple[Books, SilverState]:
    """Returns the books and the dataset's state at one consistent moment."""
    referred = [f"silver.{reference.dataset}" for reference in contract.references]
    books = lake.ledger.read([contract.table, contract.quarantine, *referred])
    return books, silver_state(books, contract)


def read_new(lake: Lake, contract: Contract) -> None:
    """Finds out what the deliveries hold that were never read under this contract."""
    _, state = look(lake, contract)
    if state.unread:
        found = inspect(lake, contract, state.unread)
        lake.ledger.append(found)
        _refuse_unreadable(lake, contract, state, found)


def _refuse_unreadable(
    lake: Lake, contract: Contract, state: SilverState, inspections: Sequence[Inspection]
) -> None:
    """Records deliveries whose object cannot be read at all."""
    why = {entry.sha256: entry for entry in inspections if entry.unreadable}
    found = [delivery for delivery in state.unread if delivery.sha256 in why]
    record(
        lake,
        contract,
        [
            (
                delivery.number,
                "",
                why[delivery.sha256].records,
                f"{contract.table}: {delivery.label} was refused: "
                f"{why[delivery.sha256].unreadable}. Nothing of it was published, readers are not "
                f"affected, its bytes stay in bronze. Land a corrected file under the same name, or "
                f"change the contract, then `lakehouse run`.",
            )
            for delivery in found
        ],
    )


def record(
    lake: Lake, contract: Contract, refusals: Sequence[tuple[int, str, int, str]]
) -> None:
    """Records refusals: (delivery, partition or empty for all of it, rows, full sentence)."""
    if not refusals:
        return
    now = lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        return [
            Decision(
                number=first + place,
                dataset=contract.dataset,
                delivery=delivery,
                kind="refused",
                partition=partition,
                fingerprint=contract.fingerprint,
                rows=rows,
                reason=reason,
                by="audit",
                at=now,
            )
            for place, (delivery, partition, rows, reason) in enumerate(refusals)
        ]

    lake.ledger.number(Decision, entries)
