"""All of maintenance, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from lakehouse.lake import Lake
from lakehouse.maintenance.compacting import TARGET, compact
from lakehouse.maintenance.expiring import expire
from lakehouse.maintenance.result import Maintained
from lakehouse.maintenance.sweeping import sweep


def maintain(
    lake: Lake,
    *,
    run: str,
    target: int = TARGET,
    grace: timedelta | None = None,
    now: datetime | None = None,
    dry: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Maintained:
    """Makes files few, forgets old snapshots, and deletes what nobody can need any more.

    Readers never notice: each step leaves the lake right, and one that was killed is done by the
    next call.

    Args:
        lake: The lake.
        run: The run.
        target: Bytes that a data file is to have.
        grace: How long a file stays that nothing refers to; None means the setting.
        now: The time; None means the machine's clock at each step.
        dry: Only look; what a step would leave to the next is not foreseen.
        progress: Told of each table and of long work.

    Raises:
        ServiceFailed: Storage does not give back what was written to it.
    """
    compacted = compact(lake, run=run, target=target, dry=dry, progress=progress)
    expired = expire(lake, run=run, grace=grace, now=now, dry=dry, progress=progress)
    swept = sweep(lake, run=run, grace=grace, now=now, dry=dry, progress=progress)
    return Maintained(compacted, expired, swept)
