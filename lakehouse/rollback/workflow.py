"""Back to an earlier publish, and on again."""

from __future__ import annotations

from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Change
from lakehouse.errors import RollbackRefused
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Rollback
from lakehouse.planning.rollbacks import hold
from lakehouse.rollback.result import Moved, Released, RolledBack
from lakehouse.rollback.subject import Target, subject


def rollback(lake: Lake, table: str, to: str, *, by: str, note: str) -> RolledBack:
    """Lets readers see an earlier publish of a table, and of what was published with it.

    It holds until it is released or until inputs change, partition by partition.

    Args:
        lake: The lake.
        table: A silver table or one that dbt builds.
        to: A snapshot, a tag, or a time at which readers saw the rows that are wanted.
        by: Who decides.
        note: Why.

    Raises:
        UnknownName: There is no such table, snapshot or tag.
        RollbackRefused: The table cannot go back, or not to there.
        PublishConflict: Other runs kept publishing it.
    """
    moving = subject(lake, table)
    seen: list[tuple[Books, Target]] = []

    def make(number: int) -> list[Rollback]:
        books = moving.read()
        target = moving.target(books, to)
        seen[:] = [(books, target)]
        if all(books.refs.snapshot(name) == one for name, one in target.snapshots.items()):
            raise RollbackRefused(table, f"readers see snapshot {target.snapshots[table]} already")
        faults.reach("rollback.resolved")
        return [
            Rollback(
                number=number,
                dataset=moving.dataset,
                table=table,
                kind="rolled_back",
                from_snapshot=books.refs.snapshot(table) or 0,
                to_snapshot=target.snapshots[table],
                from_sequence=moving.last(books),
                to_sequence=target.sequence,
                inputs=moving.inputs(books),
                by=by,
                note=note,
                at=lake.settings.clock(),
            )
        ]

    def beside() -> list[Change]:
        books, target = seen[0]
        found = ((books.refs.tables[name], one) for name, one in target.snapshots.items())
        return [_moved(one, number, columns=moving.columns) for one, number in found]

    entry = lake.ledger.number(Rollback, make, beside=beside)[0]
    faults.reach("rollback.moved")
    moving.tell()
    books, target = seen[0]
    tables = {}
    for name, number in target.snapshots.items():
        one, before = books.refs.tables[name], books.refs.snapshot(name)
        tables[name] = Moved(number, _rows(one, number), _rows(one, before))
    return RolledBack(entry, tables)


def release(lake: Lake, table: str, *, by: str, note: str) -> Released:
    """Lets a table that was rolled back go on; the next run makes anew what is stale.

    Args:
        lake: The lake.
        table: The table that was rolled back, or one that went back with it.
        by: Who decides.
        note: Why.

    Raises:
        UnknownName: There is no such table.
        RollbackRefused: Nothing holds it.
    """
    moving = subject(lake, table)

    def make(number: int) -> list[Rollback]:
        books = moving.read()
        held = hold(books.rolled(moving.dataset))
        if held is None:
            raise RollbackRefused(table, "no rollback holds it", "released")
        now = books.refs.snapshot(table) or 0
        return [
            Rollback(
                number=number,
                dataset=moving.dataset,
                table=table,
                kind="released",
                from_snapshot=now,
                to_snapshot=now,
                from_sequence=held.from_sequence,
                to_sequence=held.to_sequence,
                inputs="{}",
                by=by,
                note=note,
                at=lake.settings.clock(),
            )
        ]

    return Released(lake.ledger.number(Rollback, make)[0])


def _moved(table: Table, number: int, *, columns: bool) -> Change:
    """Returns the move, or where there is none that the table stays as it is meanwhile."""
    current = table.current_snapshot()
    if current is not None and current.snapshot_id == number:
        return Change(table, ())
    return catalog.back(table, number, columns=columns)


def _rows(table: Table, number: int | None) -> int:
    return catalog.rows_of(table.snapshot_by_id(number) if number else None)
