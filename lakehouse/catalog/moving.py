"""Rows of a SQL catalog: read together, and moved together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.table import Table
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lakehouse import faults
from lakehouse.catalog.opening import NAME
from lakehouse.catalog.retrying import attempts
from lakehouse.errors import PublishConflict, Unanswered

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
        Unanswered: The database went away and does not say whether it moved them.
    """
    places = {".".join(table.name()): at for table, at in moves if at}
    unanswered = False
    for last in attempts(_ATTEMPTS):
        try:
            with Session(catalog.engine) as session, session.begin():
                for table, location in moves:
                    _swap(session, table, location)
                    faults.reach("commit.moved")
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            unanswered = True
            try:
                done = _moved(catalog, places)
            except DBAPIError:
                raise Unanswered("The database", "committing", str(error.orig)) from error
            if done:
                return
            if last:
                raise
        except PublishConflict:
            # it may be the attempt without an answer that it met
            if unanswered and _moved(catalog, places):
                return
            raise
        else:
            return


def drop(catalog: SqlCatalog, table: Table) -> None:
    """Forgets a table that still is what it was; its files stay.

    Raises:
        PublishConflict: Another run has committed to it since.
    """
    namespace, name = table.name()
    with Session(catalog.engine) as session, session.begin():
        gone = session.execute(
            delete(IcebergTables).where(
                IcebergTables.catalog_name == NAME,
                IcebergTables.table_namespace == namespace,
                IcebergTables.table_name == name,
                IcebergTables.metadata_location == table.metadata_location,
            )
        )
    if gone.rowcount != 1:  # type: ignore[attr-defined]
        raise PublishConflict([f"{namespace}.{name}"], "another run committed at the same time")


def _moved(catalog: SqlCatalog, places: Mapping[str, str]) -> bool:
    """Whether the tables went to new metadata, which has a name of its own in each attempt.

    They moved together, so one tells for all; another run may have moved it on since.
    """
    for row in rows(catalog):
        place = places.get(name_of(row))
        if place is None:
            continue
        if row.metadata_location == place:
            return True
        log = catalog._convert_orm_to_iceberg(row).metadata.metadata_log
        if any(entry.metadata_file == place for entry in log):
            return True
    return False


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
