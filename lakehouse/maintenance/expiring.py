"""Tables forget the snapshots that their contracts do not ask to be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.contract import Keeping
from lakehouse.errors import PublishConflict
from lakehouse.lake import Lake
from lakehouse.maintenance.result import Expired, ExpiredTable

_ATTEMPTS = 10
Progress = Callable[[str], None]


def expire(
    lake: Lake,
    *,
    run: str,
    grace: timedelta | None = None,
    now: datetime | None = None,
    dry: bool = False,
    progress: Progress = lambda _: None,
) -> Expired:
    """Forgets snapshots by the count and age in the contracts, and what killed runs left behind.

    Snapshots with a tag or a branch stay. Branches on which new content waits for its audit are
    taken for abandoned when they are older than the grace period.

    Args:
        lake: The lake.
        run: The run, which leaves no trace here.
        grace: Age from which a branch is taken for abandoned; None means the setting.
        now: The time; None means the machine's clock.
        dry: Only look.
        progress: Told of each table.
    """
    before = (now or datetime.now(UTC)) - (lake.settings.grace if grace is None else grace)
    keep = keeping(lake)
    found = []
    for name in lake.catalog.names():
        done = _table(lake, name, keep.get(name, Keeping()), before, dry=dry)
        if done.snapshots or done.branches:
            found.append(done)
            progress(f"{name}: {done.snapshots:,} snapshots forgotten")
    return Expired(tuple(found), dry)


def keeping(lake: Lake) -> Mapping[str, Keeping]:
    """Returns what the contracts say of their tables."""
    contracts = lake.contracts.values()
    return {name: c.keeping for c in contracts for name in (c.table, c.quarantine)}


def _table(lake: Lake, name: str, keep: Keeping, before: datetime, *, dry: bool) -> ExpiredTable:
    """Brings one table to what it should keep; if that is new, one commit notes it, one uses it."""
    properties = catalog.kept(keep.snapshots, keep.days)
    snapshots, branches, attempt = 0, 0, 0
    while attempt < _ATTEMPTS:
        table = lake.catalog.table(name)
        gone = _abandoned(table, before)
        stale = catalog.superfluous(table, gone, before.timestamp())
        same = all(table.properties.get(key) == value for key, value in properties.items())
        if dry or not (gone or stale or not same):
            return ExpiredTable(name, snapshots + len(stale), branches + len(gone))
        attempt += 1
        try:
            lake.catalog.commit([catalog.without(table, gone, stale, properties)])
        except PublishConflict:
            continue
        faults.reach("expiry.forgotten")
        snapshots, branches = snapshots + len(stale), branches + len(gone)
    return ExpiredTable(name, snapshots, branches)


def _abandoned(table: Table, before: datetime) -> list[str]:
    """Returns branches so old that no run can still be judging them."""
    limit = before.timestamp() * 1000
    return [name for name, head in catalog.audits(table).items() if head.timestamp_ms <= limit]
