"""What a rollback holds where it is, and for how long."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from lakehouse.ledger import Delivery, Rollback
from lakehouse.planning.holding import Holding


def hold(entries: Sequence[Rollback]) -> Rollback | None:
    """Returns the rollback that nobody has released, if there is one."""
    last = entries[-1] if entries else None
    return last if last is not None and last.kind == "rolled_back" else None


def kept(
    rollback: Rollback | None,
    due: Mapping[str, str],
    inputs: Mapping[str, str],
    held: Mapping[str, Holding],
) -> dict[str, str]:
    """Returns those of the partitions that are due which a rollback holds where they are.

    It does so as long as their inputs are what they were, and nothing was published in them since.

    Args:
        rollback: The rollback that nobody has released, if there is one.
        due: Why partitions would be made anew.
        inputs: Digest of what decides the rows of each partition now.
        held: What readers see in each partition.
    """
    if rollback is None:
        return {}
    was, moved = json.loads(rollback.inputs), rollback.from_sequence
    before = {name for name in due if name not in held or held[name].sequence <= moved}
    return {n: why for n, why in due.items() if n in before and was.get(n) == inputs.get(n)}


def digest(deliveries: Iterable[Delivery], *versions: object) -> str:
    """Returns what tells whether anything that decides the rows of a partition has changed."""
    wanted = sorted((delivery.number, delivery.sha256) for delivery in deliveries)
    return hashlib.sha256(repr((wanted, versions)).encode()).hexdigest()[:16]
