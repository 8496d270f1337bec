"""A SQLAlchemy dialect over a DuckDB connection that is already open.

Great Expectations speaks SQL through SQLAlchemy. It must see the very connection that holds the
branch's views, so the "driver" here is a thin shim around it. A DuckDB connection has one pending
result, while SQLAlchemy expects one per cursor, hence each cursor fetches at once: an audit reads
aggregates and a few example rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import cache
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.compiler import IdentifierPreparer


class Cursor:
    """One statement's complete result, as PEP 249 wants it.

    Args:
        connection: The open DuckDB connection.
    """

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: Sequence[tuple[Any, ...]] | None = None

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Runs the statement and fetches all of its rows."""
        done = self._connection.execute(statement, list(parameters))
        self.description = done.description
        self._rows = done.fetchall()[::-1]

    def fetchone(self) -> tuple[Any, ...] | None:
        """Returns the next row."""
        return self._rows.pop() if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """Returns the next rows."""
        return [self._rows.pop() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Returns the remaining rows."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Forgets the rows."""
        self._rows = []


class Connection:
    """The lent connection: SQLAlchemy may use it but neither close it nor touch transactions.

    Args:
        connection: The open DuckDB connection.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> Cursor:
        """Returns a cursor on the same connection, so that temporary views are seen."""
        return Cursor(self._connection)

    def commit(self) -> None:
        """Does nothing; an audit only reads."""

    def rollback(self) -> None:
        """Does nothing; an audit only reads."""

    def close(self) -> None:
        """Does nothing; the connection belongs to the caller."""


class Preparer(IdentifierPreparer):
    """Quotes every name: no list of DuckDB's reserved words to keep."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class DuckDBDialect(DefaultDialect):
    """As much of DuckDB's SQL as Great Expectations needs beyond the standard."""

    name = "duckdb"
    driver = "lakehouse"
    preparer = Preparer
    supports_statement_cache = True
    DremioDialect = True
    """Great Expectations writes a regular expression as REGEXP_MATCHES, which DuckDB has too, for
    a dialect with an attribute of this name; it knows no DuckDB."""

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Returns DuckDB's PEP 249 module, for its exceptions and parameter style."""
        return duckdb

    @cache
    def get_columns(
        self, connection: sa.Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedColumn]:
        """Returns name and type of each column of a table or view."""
        described = connection.exec_driver_sql(f"DESCRIBE {Preparer(self).quote(table_name)}")
        return [
            ReflectedColumn(name=row[0], type=_type(row[1]), nullable=True, default=None)
            for row in described
        ]


def _type(name: str) -> sa.types.TypeEngine[Any]:
    """Returns SQLAlchemy's type of that name where it has one."""
    known = getattr(sa.types, re.split(r"\W", name, maxsplit=1)[0], sa.types.NullType)
    found: sa.types.TypeEngine[Any] = known()
    return found


def engine_on(connection: duckdb.DuckDBPyConnection) -> sa.Engine:
    """Returns an SQLAlchemy engine whose only connection is the given one."""
    sa.dialects.registry.register("duckdb.lakehouse", __name__, DuckDBDialect.__name__)
    return sa.create_engine(
        "duckdb+lakehouse://", creator=lambda: Connection(connection), poolclass=StaticPool
    )
