"""The one exception to append-only: objects that a person's records went out of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lakehouse.ledger.entries import Delivery, Replacement


def standing(replacements: Iterable[Replacement]) -> Mapping[tuple[str, str], Replacement]:
    """Returns what stands in the place of each object that is gone, by dataset and its sha256.

    An object may lose records more than once; records only ever go, so no chain has a ring.
    """
    entries = list(replacements)
    steps = {(one.dataset, one.before): one for one in entries}
    found = {}
    for key, step in steps.items():
        while (step.dataset, step.sha256) in steps:
            step = steps[step.dataset, step.sha256]  # noqa: PLW2901 - the chain is followed
        found[key] = step
    return found


def replaced(
    deliveries: Iterable[Delivery], instead: Mapping[tuple[str, str], Replacement]
) -> tuple[Delivery, ...]:
    """Returns deliveries with the objects that stand in the place of those that are gone."""
    return tuple(_replaced(delivery, instead) for delivery in deliveries)


def _replaced(delivery: Delivery, instead: Mapping[tuple[str, str], Replacement]) -> Delivery:
    now = instead.get((delivery.dataset, delivery.sha256))
    if now is None:
        return delivery
    return replace(delivery, object=now.object, sha256=now.sha256, size=now.size)
