"""Reads objects for the first time under a contract, and refuses what cannot count."""

from __future__ import annotations

from lakehouse import faults
from lakehouse.admitting.recording import Refusal, record
from lakehouse.admitting.times import timeless
from lakehouse.admitting.totals import differing
from lakehouse.admitting.view import View, look
from lakehouse.contract import Contract
from lakehouse.inspecting import inspect
from lakehouse.lake import Lake


def read_new(lake: Lake, contract: Contract) -> None:
    """Finds out what the deliveries hold that were never read under this contract.

    Those that cannot be read, and those that differ from what their producer says of them, are
    refused. A refusal can bring an earlier version of a file back, which is then looked at too.
    """
    while _step(look(lake, contract)):
        pass


def _step(view: View) -> bool:
    """Reads what is unread, or else judges; returns whether another step may find more to do.

    What is refused follows from the books alone: a run that ends between the two is made up for.
    """
    if view.state.unread:
        view.lake.ledger.append(inspect(view.lake, view.contract, view.state.unread))
        faults.reach("admitting.inspected")
        return True
    refusals = [*_unreadable(view), *differing(view), *timeless(view)]
    record(view, refusals)
    faults.reach("admitting.refused")
    return bool(refusals)


def _unreadable(view: View) -> list[Refusal]:
    """Refuses deliveries whose object cannot be read at all, also those that readers see now.

    What could be read under an earlier contract need not be so under this one.
    """
    why = {
        entry.sha256: entry.unreadable
        for entry in view.books.inspections
        if entry.unreadable
        and entry.dataset == view.contract.dataset
        and entry.fingerprint == view.contract.fingerprint
    }
    return [
        (
            delivery.number,
            "",
            0,
            f"{view.contract.table}: {delivery.label} was refused: {why[delivery.sha256]}. "
            f"Nothing of it was published, readers are not affected, its bytes stay in bronze. "
            f"Land a corrected file under the same name, or change the contract, then "
            f"`lakehouse run`.",
        )
        for delivery in view.state.active
        if delivery.sha256 in why
    ]
