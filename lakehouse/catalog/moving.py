"""Rows of a SQL catalog: read together, and moved together or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.table import Table
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lakehouse import faults
from lakehouse.catalog.opening import NAME
from lakehouse.catalog.retrying import attempts
from lakehouse.errors import PublishConflict

_ATTEMPTS = 3


def rows(catalog: SqlCatalog) -> Sequence[IcebergTables]:
    """Returns the rows of all tables, from one read."""
    with Session(catalog.engine) as session:
        found = session.scalars(select(IcebergTables).where(IcebergTables.catalog_name == NAME))
        return found.all()


def name_of(row: IcebergTables) -> str:
    """Returns a table's name."""
    return f"{row.table_namespace}.{row.table_name}"


def move(catalog: SqlCatalog, moves: Sequence[tuple[Table, str | None]]) -> None:
    """Moves all tables, once, also where the database goes away in the middle.

    Args:
        catalog: The catalog.
        moves: Each table as it was, and its new metadata location; None where nothing moves.

    Raises:
        PublishConflict: A table is no longer what it was.
    """
    for last in attempts(_ATTEMPTS):
        try:
            with Session(catalog.engine) as session, session.begin():
                for table, location in moves:
                    _swap(session, table, location)
                    faults.reach("commit.moved")
        except DBAPIError as error:
            if last or not error.connection_invalidated:
                raise
        else:
            return
        # no answer came: names of metadata are new each time, so the catalog tells if it moved
        places = {".".join(table.name()): at for table, at in moves if at}
        now = {name_of(row): row.metadata_location for row in rows(catalog)}
        if places and all(now.get(name) == at for name, at in places.items()):
            return


def _swap(session: Session, old: Table, location: str | None) -> None:
    """Moves a table that still is what it was, or sees to it that it is until the others are.

    Where there is nothing to move, the row is written as it is, which keeps others off it.
    """
    namespace, name = old.name()
    previous = {"previous_metadata_location": old.metadata_location} if location else {}
    moved = session.execute(
        update(IcebergTables)
        .where(
            IcebergTables.catalog_name == NAME,
            IcebergTables.table_namespace == namespace,
            IcebergTables.table_name == name,
            IcebergTables.metadata_location == old.metadata_location,
        )
        .values(metadata_location=location or old.metadata_location, **previous)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise PublishConflict([f"{namespace}.{name}"], "another run committed at the same time")
