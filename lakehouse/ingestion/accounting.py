"""Books where each delivery's rows are in a publish."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.admitting import View
from lakehouse.conforming import VERSION, Count
from lakehouse.ingestion.files import Files
from lakehouse.ingestion.writing import fresh_unassigned
from lakehouse.ledger import Account
from lakehouse.results import UNASSIGNED


def book(
    view: View, targets: Sequence[str], files: Files, published: tuple[int, int]
) -> list[Account]:
    """Returns the accounts of a publish.

    Args:
        view: The dataset as it was conformed.
        targets: The partitions published.
        files: What was conformed and written.
        published: Id and sequence number of the silver snapshot.
    """
    counted = {(count.partition, count.delivery): count for count in files.counts}
    found = []
    for name in targets:
        wanted = view.state.wanted.get(name, frozenset())
        deliveries = fresh_unassigned(view) if name == UNASSIGNED else wanted
        # an emptied partition is booked too, with a line for no delivery
        for delivery in sorted(deliveries) or [0]:
            count = counted.get((name, delivery)) or Count(delivery, name, 0, 0, 0, 0)
            found.append(
                Account(
                    dataset=view.contract.dataset,
                    partition=name,
                    snapshot=published[0],
                    sequence=published[1],
                    fingerprint=view.contract.fingerprint,
                    version=view.contract.version,
                    conform=VERSION,
                    delivery=delivery,
                    rows=count.rows,
                    published=count.published,
                    quarantined=count.quarantined,
                    duplicates=count.duplicates,
                    superseded=count.superseded,
                    pins=view.state.pins,
                )
            )
    return found
