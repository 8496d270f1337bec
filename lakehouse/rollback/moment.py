"""Which snapshot a person means: by its number, by a tag, or by when readers saw it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot

from lakehouse import catalog
from lakehouse.errors import RollbackRefused, UnknownName

_SECOND = timedelta(milliseconds=999)
Moves = Collection[tuple[int, int]]


def tags(table: Table) -> dict[str, int]:
    """Returns the snapshot of each tag, sorted by name."""
    refs = table.refs()
    return {
        name: refs[name].snapshot_id
        for name in sorted(refs)
        if refs[name].snapshot_ref_type == SnapshotRefType.TAG
    }


def published(table: Table) -> list[Snapshot]:
    """Returns the known snapshots that readers of `main` saw at some time, the newest first."""
    seen = {entry.snapshot_id for entry in table.history()} | set(tags(table).values())
    seen |= {snapshot.snapshot_id for snapshot in catalog.history(table)}
    found = [snapshot for snapshot in table.snapshots() if snapshot.snapshot_id in seen]
    return sorted(found, key=lambda snapshot: -(snapshot.sequence_number or 0))


def moment(said: str) -> datetime | None:
    """Returns the time that was said, in UTC without a zone; None if it is no time.

    A time to the second means its end, so that a time which is shown finds what it is shown beside.

    >>> moment("2013-05-04 10:00")
    datetime.datetime(2013, 5, 4, 10, 0, 0, 999000, tzinfo=datetime.timezone.utc)
    >>> moment("yesterday") is None
    True
    """
    try:
        found = datetime.fromisoformat(said)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the year 1 in the east is before all time
        return None
    return found if found.microsecond else found + _SECOND


def resolve(table: Table, said: str, once: Collection[int], moves: Moves) -> int:
    """Returns the snapshot that is meant.

    Args:
        table: The table.
        said: A snapshot's number, a tag, or a time.
        once: Snapshots that the ledger tells of, also if the table has forgotten them.
        moves: Snapshots before and after each rollback.

    Raises:
        UnknownName: It is none of the three, or there is no such snapshot.
        RollbackRefused: The snapshot is forgotten, or readers never saw it, or saw nothing then.
    """
    name, named = ".".join(table.name()), tags(table)
    known = [str(snapshot.snapshot_id) for snapshot in published(table)]
    if said in named:
        return named[said]
    if said.isdecimal():
        if said in known:
            return int(said)
        if int(said) in once:
            raise RollbackRefused(name, f"snapshot {said} is forgotten; kept: {', '.join(known)}")
        raise UnknownName("published snapshot", said, known)
    time = moment(said)
    if time is None:
        raise UnknownName("snapshot, tag or time", said, [*named, *known])
    return at(table, time, moves)


def at(table: Table, time: datetime, moves: Moves | None = None) -> int:
    """Returns the snapshot that readers saw at a time, by the table's own log.

    Args:
        table: The table.
        time: The time.
        moves: Snapshots before and after each rollback; without them each step back is one.

    Raises:
        RollbackRefused: Readers saw nothing then, or what they saw is forgotten.
    """
    name, log = ".".join(table.name()), table.history()
    limit = time.timestamp() * 1000
    past = [place for place, entry in enumerate(log) if entry.timestamp_ms <= limit]
    if not past:
        first = f"{datetime.fromtimestamp(log[0].timestamp_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        why = f"the first snapshot that is kept is of {first}, after {time:%Y-%m-%d %H:%M:%S} UTC"
        raise RollbackRefused(name, why)
    place = past[-1]
    here, after = log[place].snapshot_id, [entry.snapshot_id for entry in log[place + 1 :]]
    if after and not _follows(table, here, after[0], moves):
        why = f"what readers saw at {time:%Y-%m-%d %H:%M:%S} UTC is forgotten"
        raise RollbackRefused(name, why)
    return here


def _follows(table: Table, here: int, after: int, moves: Moves | None) -> bool:
    """Whether nothing is missing between two neighbours in the log."""
    before, snapshot = table.snapshot_by_id(here), table.snapshot_by_id(after)
    if before is None or snapshot is None:
        return False
    back = (snapshot.sequence_number or 0) <= (before.sequence_number or 0)
    rolled = back if moves is None else (here, after) in moves
    return rolled or snapshot.parent_snapshot_id == here
