"""Reads objects for the first time under a contract, and refuses what cannot count."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse import faults
from lakehouse.admitting.recording import Refusal, record
from lakehouse.admitting.times import timeless
from lakehouse.admitting.totals import differing
from lakehouse.admitting.view import View, look
from lakehouse.contract import Contract
from lakehouse.inspecting import inspect
from lakehouse.lake import Lake
from lakehouse.ledger import Inspection


def read_new(lake: Lake, contract: Contract) -> None:
    """Finds out what the deliveries hold that were never read under this contract.

    Those that cannot be read, and those that differ from what their producer says of them, are
    refused. A refusal can bring an earlier version of a file back, which is then looked at too.
    """
    while _step(look(lake, contract)):
        pass


def _step(view: View) -> bool:
    """Reads what is unread, or else judges; returns whether another step may find more to do."""
    if view.state.unread:
        found = inspect(view.lake, view.contract, view.state.unread)
        view.lake.ledger.append(found)
        faults.reach("admitting.inspected")
        refusals = _unreadable(view, found)
        record(view, refusals)
        faults.reach("admitting.refused")
        return bool(refusals) or bool(view.contract.totals or view.contract.history)
    refusals = [*differing(view), *timeless(view)]
    record(view, refusals)
    return bool(refusals)


def _unreadable(view: View, inspections: Sequence[Inspection]) -> list[Refusal]:
    """Refuses deliveries whose object cannot be read at all."""
    why = {entry.sha256: entry for entry in inspections if entry.unreadable}
    found = [delivery for delivery in view.state.unread if delivery.sha256 in why]
    return [
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
    ]
