"""A read-only session over every published table."""

from __future__ import annotations

import re
import time
from types import TracebackType

import duckdb

from lakehouse import outage
from lakehouse.connection import quote_name, quote_table, quote_text
from lakehouse.errors import (
    LakehouseError,
    QueryStopped,
    UnknownName,
    UsageError,
)
from lakehouse.lake import Lake
from lakehouse.query.admission import Admission
from lakehouse.query.answer import Answer
from lakehouse.query.limits import Limits, fetch, watched
from lakehouse.storage import local_path

_MISSING = re.compile(r"Table with name (.+?) does not exist")
_UNQUALIFIED = ("silver", "gold")
_UNLIMITED = Limits()


class Session:
    """A read-only DuckDB session over every published table, as they were when it was opened.

    It never uses more than the lake's `memory`, and spills no more than its `spill` to disk.
    """

    def __init__(self, lake: Lake) -> None:
        self._tables = lake.catalog.locations()
        self._unreadable: dict[str, str] = {}
        self._connection = lake.connect()
        self._admission = Admission(self._connection, self._tables, self._unreadable)
        for name, location in sorted(self._tables.items()):
            self._show(name, location)
        self._fence(lake.settings.warehouse, lake.settings.spill)

    def query(self, sql: str, limits: Limits = _UNLIMITED) -> Answer:
        """Runs one reading statement.

        Raises:
            QueryRefused: It is not one statement, or does more than read the lake's tables.
            QueryStopped: It takes longer, or needs more memory and disk, than it may.
            UnknownName: It names a table that is not there.
            UsageError: DuckDB cannot make sense of it.
            ServiceFailed: The table's files cannot be read.
        """
        started = time.perf_counter()
        with watched(self._connection, limits.seconds) as late:
            try:
                self._admission.admit(sql)
                table, cut = fetch(self._connection, sql, limits.rows)
            except duckdb.InterruptException as error:
                if not late.is_set():
                    raise
                why = f"it took longer than {limits.seconds:,g} s"
                raise QueryStopped(why, "--timeout, or LAKEHOUSE_QUERY_SECONDS") from error
            except duckdb.Error as error:
                raise self._explained(error) from error
        return Answer(table, time.perf_counter() - started, cut)

    def close(self) -> None:
        """Frees the connection."""
        self._connection.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _show(self, name: str, location: str) -> None:
        """Makes the view; a damaged table is told of when it is asked for, not before."""
        schema = quote_name(name.split(".", 1)[0])
        source = f"iceberg_scan({quote_text(local_path(location))})"
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        try:
            self._connection.execute(f"CREATE VIEW {quote_table(name)} AS SELECT * FROM {source}")
        except duckdb.Error as error:
            self._unreadable[name] = str(error)

    def _fence(self, warehouse: str, spill: str) -> None:
        folder = quote_text(local_path(warehouse) + "/")
        found = {table.split(".", 1)[0] for table in self._tables}
        path = ",".join(schema for schema in _UNQUALIFIED if schema in found)
        if path:
            self._connection.execute(f"SET search_path={quote_text(path)}")
        self._connection.execute(f"SET max_temp_directory_size={quote_text(spill)}")
        # a name in SQL must never become a variable of this program
        self._connection.execute("SET python_enable_replacements=false")
        self._connection.execute(f"SET allowed_directories=[{folder}]")
        self._connection.execute("SET enable_external_access=false")
        self._connection.execute("SET lock_configuration=true")

    def _explained(self, error: duckdb.Error) -> LakehouseError:
        if failed := outage.told(error):
            return failed
        if isinstance(error, duckdb.OutOfMemoryException):
            why = f"it needs more memory or disk than it may use ({str(error).splitlines()[0]})"
            return QueryStopped(why, "LAKEHOUSE_MEMORY, or LAKEHOUSE_SPILL")
        missing = _MISSING.search(str(error))
        if isinstance(error, duckdb.CatalogException) and missing:
            return UnknownName("table", missing[1], sorted(self._tables))
        return UsageError(str(error).strip())


def query(lake: Lake, sql: str, limits: Limits | None = None) -> Answer:
    """Runs one reading statement over the published tables.

    Args:
        lake: The lake.
        sql: The statement.
        limits: What it may use; those of the lake's settings if absent.

    Raises:
        LakehouseError: As `Session.query` says.
    """
    settings = lake.settings
    with Session(lake) as session:
        return session.query(sql, limits or Limits(settings.query_seconds, settings.query_rows))
