"""Puts refusals into the books."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.admitting.view import View
from lakehouse.ledger import Decision

Refusal = tuple[int, str, int, str]
"""Delivery, partition or empty for all of it, rows, and the full sentence."""


def record(view: View, refusals: Sequence[Refusal]) -> None:
    """Records refusals: (delivery, partition or empty for all of it, rows, full sentence).

    A delivery on which a person has decided since the view is left to the next run.
    """
    if not refusals:
        return
    now = view.lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        decided = _decided_since(view)
        left = [refusal for refusal in refusals if refusal[0] not in decided]
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
            for place, (delivery, partition, rows, reason) in enumerate(left)
        ]

    view.lake.ledger.number(Decision, entries)


def _decided_since(view: View) -> set[int]:
    """Returns the deliveries on which a person has decided since the view."""
    known = {decision.number for decision in view.books.decisions}
    return {
        decision.delivery
        for decision in view.lake.ledger.read().decisions
        if decision.dataset == view.contract.dataset
        and decision.number not in known
        and decision.kind != "refused"
    }
