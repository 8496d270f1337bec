"""Puts refusals into the books."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.admitting.view import View
from lakehouse.ledger import Decision

Refusal = tuple[int, str, int, str]
"""Delivery, partition or empty for all of it, rows, and the full sentence."""


def record(view: View, refusals: Sequence[Refusal]) -> None:
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
