"""Asks deliveries of a dimension with history from when their rows hold."""

from __future__ import annotations

from lakehouse.admitting.recording import Refusal
from lakehouse.admitting.view import View
from lakehouse.conforming import named_time
from lakehouse.contract import History
from lakehouse.ledger import Delivery


def timeless(view: View) -> list[Refusal]:
    """Refuses deliveries whose name tells no time, and those that would end all that holds.

    Those that readers see already, and those that a person accepted, are not asked again.
    """
    history = view.contract.history
    if history is None:
        return []
    found = []
    for delivery in view.state.pending:
        if delivery.number in view.state.rewritten:
            continue  # a person's records were all that it had
        rows = sum(view.state.records.get(delivery.sha256, {}).values())
        if why := _trouble(history, delivery, rows):
            told = (
                f"{view.contract.table}: {delivery.label} was refused: {why}. Nothing of it was "
                f"published, readers see what they saw, its bytes stay in bronze. Take it anyway: "
                f"`lakehouse accept {delivery.number} --by … --note …`."
            )
            found.append((delivery.number, "", rows, told))
    return found


def _trouble(history: History, delivery: Delivery, rows: int) -> str:
    if history.pattern and named_time(history, delivery.source_key) is None:
        return (
            f"its name tells no time by the contract's pattern '{history.pattern}'. Land it under "
            f"a name that does; accepted, its rows hold from its landing on, "
            f"{delivery.landed_at:%Y-%m-%d %H:%M} UTC"
        )
    if not rows:
        return "it has no rows, so every row that holds would cease to"
    return ""
