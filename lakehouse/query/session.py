"""A read-only session over every published table."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
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


def _wait(stopped: QueryStopped) -> None:
    """Lets a query that cannot be stopped come to its end."""


class Session:
    """A read-only DuckDB session over every published table, as they were when it was opened.

    It never uses more than the lake's `memory`, and spills no more than its `spill` to disk.
    """

    def __init__(self, lake: Lake) -> None:
        self._tables = lake.catalog.locations()
        self._unreadable: dict[str, str] = {}
        self._connection = lake.connect()
        for name, location in sorted(self._tables.items()):
            self._show(name, location)
        self._fence(lake.settings.home / "tmp", lake.settings.spill)
        self._admission = Admission(self._connection, self._tables, self._unreadable)

    def query(
        self,
        sql: str,
        limits: Limits = _UNLIMITED,
        ignored: Callable[[QueryStopped], object] = _wait,
    ) -> Answer:
        """Runs one reading statement.

        Args:
            sql: The statement.
            limits: What it may use.
            ignored: Told, in another thread, of a query that goes on seconds after it was stopped:
                a few functions of DuckDB, once begun, run to their end. Only the end of the process
                would end them, and who does not end it waits for them.

        Raises:
            QueryRefused: It is not one statement, or does more than read the lake's tables.
            QueryStopped: It takes longer, or needs more memory and disk, than it may.
            UnknownName: It names a table that is not there.
            UsageError: DuckDB cannot make sense of it.
            ServiceFailed: The table's files cannot be read.
        """
        started = time.perf_counter()
        why = f"it took longer than {limits.seconds:,g} s"
        stopped = QueryStopped(why, "--timeout, or LAKEHOUSE_QUERY_SECONDS")
        with watched(self._connection, limits.seconds, partial(ignored, stopped)) as late:
            try:
                self._admission.admit(sql)
                table, cut = fetch(self._connection, sql, limits.rows)
            except duckdb.InterruptException as error:
                if not late.is_set():
                    raise
                raise stopped from error
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

    def _fence(self, scratch: Path, spill: str) -> None:
        found = {table.split(".", 1)[0] for table in self._tables}
        path = ",".join(schema for schema in _UNQUALIFIED if schema in found)
        if path:
            self._connection.execute(f"SET search_path={quote_text(path)}")
        # DuckDB opens its temporary folder to queries, and that of the lake holds raw rows; should
        # this process be killed, maintenance knows the folder by the beginning of its name
        with suppress(OSError):  # who may not write there can ask as long as nothing is spilled
            scratch.mkdir(parents=True, exist_ok=True)
        own = scratch / f"duckdb_temp-{secrets.token_hex(8)}"
        self._connection.execute(f"SET temp_directory={quote_text(str(own))}")
        self._connection.execute(f"SET max_temp_directory_size={quote_text(spill)}")
        # a name in SQL must never become a variable of this program
        self._connection.execute("SET python_enable_replacements=false")
        folders = ", ".join(map(quote_text, _folders(self._tables.values())))
        self._connection.execute(f"SET allowed_directories=[{folders}]")
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


def _folders(locations: Iterable[str]) -> list[str]:
    """Returns the folders of the files of tables, wherever in the warehouse or beside it they are.

    >>> _folders(["file:///lake/silver/flights/metadata/00001-0c1d.metadata.json"])
    ['/lake/silver/flights/data/', '/lake/silver/flights/metadata/']
    """
    found = set()
    for location in locations:
        metadata = local_path(location).rpartition("/")[0]
        found |= {f"{metadata}/", f"{metadata.rpartition('/')[0]}/data/"}
    return sorted(found)


def query(
    lake: Lake,
    sql: str,
    limits: Limits | None = None,
    ignored: Callable[[QueryStopped], object] = _wait,
) -> Answer:
    """Runs one reading statement over the published tables.

    Args:
        lake: The lake.
        sql: The statement.
        limits: What it may use; those of the lake's settings if absent.
        ignored: As `Session.query` says.

    Raises:
        LakehouseError: As `Session.query` says.
    """
    settings = lake.settings
    with Session(lake) as session:
        limits = limits or Limits(settings.query_seconds, settings.query_rows)
        return session.query(sql, limits, ignored)
