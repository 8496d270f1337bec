"""The snapshots of a table, as readers came to see them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from lakehouse import catalog
from lakehouse.catalog import SAME_ROWS
from lakehouse.lake import Lake
from lakehouse.ledger import Rollback
from lakehouse.rollback.moment import published, tags
from lakehouse.rollback.result import Line, Listing


def snapshots(lake: Lake, name: str) -> Listing:
    """Returns the snapshots of a table that readers see or saw, with what became of them.

    Raises:
        UnknownName: There is no such table.
    """
    lake.catalog.table(name)
    books = lake.ledger.read([name])
    table = books.refs.tables[name]
    seen = {entry.snapshot_id: entry.timestamp_ms for entry in table.history()}
    line = {snapshot.snapshot_id for snapshot in catalog.history(table)}
    names = defaultdict(list)
    for tag, number in tags(table).items():
        names[number].append(tag)
    lines = []
    for snapshot in published(table):
        facts = catalog.summary_of(snapshot)
        since = seen.get(snapshot.snapshot_id, snapshot.timestamp_ms)
        lines.append(
            Line(
                snapshot=str(snapshot.snapshot_id),
                at=f"{datetime.fromtimestamp(since / 1000, UTC):%Y-%m-%d %H:%M:%S}",
                rows=catalog.rows_of(snapshot),
                files=int(facts.get("total-data-files", 0)),
                run=facts.get("lakehouse.run", "")[:8],
                contract=facts.get("lakehouse.contract-version", ""),
                tags=tuple(names[snapshot.snapshot_id]),
                note=_note(table, snapshot, line),
            )
        )
    moves = reversed(books.rolled(_dataset(name)))
    return Listing(name, tuple(lines), tuple(_told(one) for one in moves))


def _note(table: Table, snapshot: Snapshot, line: set[int]) -> str:
    current = table.current_snapshot()
    told = []
    if current is not None and snapshot.snapshot_id == current.snapshot_id:
        told.append("readers see this one")
    oldest = min((s.sequence_number or 0 for s in catalog.history(table)), default=0)
    if snapshot.snapshot_id not in line and (snapshot.sequence_number or 0) > oldest:
        told.append("rolled back")
    if SAME_ROWS in catalog.summary_of(snapshot):
        told.append("files changed, rows did not")
    return "; ".join(told)


def _dataset(name: str) -> str:
    """Returns what the ledger calls the tables that went back together."""
    layer, dataset = name.split(".", 1)
    return dataset if layer in ("silver", "quarantine") else layer


def _told(entry: Rollback) -> str:
    what = (
        f"from {entry.from_snapshot} to {entry.to_snapshot}"
        if entry.kind == "rolled_back"
        else "released"
    )
    return (
        f"{entry.number}: {entry.table} {what} by {entry.by} on {entry.at:%Y-%m-%d %H:%M}, "
        f"{entry.note}"
    )
