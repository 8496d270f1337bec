"""Ad-hoc SQL over the published tables, fenced to reading them.

All tables are resolved in one read of the catalog, so that a query over several never mixes two
publishes; branches that wait for their audit have no name here. The fence has three rails, since
each alone leaves a gap: DuckDB itself opens no file outside the warehouse; only statements that
read are admitted (`EXPLAIN ANALYZE COPY … TO` would write); and only table functions that read no
file and change no setting (`enable_logging` writes files, `read_parquet` would show unpublished
rows).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_name, quote_table, quote_text
from lakehouse.errors import QueryRefused, ServiceFailed, UnknownName, UsageError
from lakehouse.lake import Lake
from lakehouse.results import Result
from lakehouse.storage import local_path

TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "histogram",
        "histogram_values",
        "icu_calendar_names",
        "json_each",
        "json_tree",
        "pg_timezone_names",
        "pragma_show",
        "pragma_table_info",
        "pragma_version",
        "range",
        "repeat",
        "repeat_row",
        "summary",
        "test_all_types",
        "unnest",
    }
)
"""Table functions that touch neither files nor settings."""

_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?(\s*\(\s*format\s+\w+\s*\))?(?=\W)", re.IGNORECASE)
_MISSING = re.compile(r"Table with name (.+?) does not exist")
_OUTSIDE = (duckdb.IOException, duckdb.HTTPException)
_UNQUALIFIED = ("silver", "gold")


@dataclass(frozen=True)
class Answer(Result):
    """What a query returned.

    Attributes:
        table: All rows.
        seconds: Wall-clock time of the query.
    """

    table: pa.Table
    seconds: float

    def summary(self) -> str:
        """Says how many rows came and how long it took."""
        rows = self.table.num_rows
        return f"{rows:,} row{'' if rows == 1 else 's'} in {self.seconds:.2f} s"

    def facts(self) -> Mapping[str, object]:
        """Returns the number of rows, the columns and the seconds."""
        return {
            "rows": self.table.num_rows,
            "columns": list(self.table.column_names),
            "seconds": round(self.seconds, 3),
        }


class Session:
    """A read-only DuckDB session over every published table, as they were when it was opened."""

    def __init__(self, lake: Lake) -> None:
        self._tables = lake.catalog.locations()
        self._unreadable: dict[str, str] = {}
        self._connection = lake.connect()
        for name, location in sorted(self._tables.items()):
            self._show(name, location)
        self._fence(lake.settings.warehouse)

    def query(self, sql: str) -> Answer:
        """Runs one reading statement.

        Raises:
            QueryRefused: It is not one statement, or does more than read the lake's tables.
            UnknownName: It names a table that is not there.
            UsageError: DuckDB cannot make sense of it.
            ServiceFailed: The table's files cannot be read.
        """
        started = time.perf_counter()
        try:
            self._admit(sql)
            table = self._connection.execute(sql).to_arrow_table()
        except _OUTSIDE as error:
            raise ServiceFailed("Storage", "reading the tables", str(error)) from error
        except duckdb.Error as error:
            raise self._explained(error) from error
        return Answer(table, time.perf_counter() - started)

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

    def _fence(self, warehouse: str) -> None:
        folder = quote_text(local_path(warehouse) + "/")
        found = {table.split(".", 1)[0] for table in self._tables}
        path = ",".join(schema for schema in _UNQUALIFIED if schema in found)
        if path:
            self._connection.execute(f"SET search_path={quote_text(path)}")
        # a name in SQL must never become a variable of this program
        self._connection.execute("SET python_enable_replacements=false")
        self._connection.execute(f"SET allowed_directories=[{folder}]")
        self._connection.execute("SET enable_external_access=false")
        self._connection.execute("SET lock_configuration=true")

    def _admit(self, sql: str) -> None:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1:
            raise QueryRefused(sql, f"it is {len(statements)} statements, not one")
        kind = statements[0].type
        if kind == duckdb.StatementType.EXPLAIN:
            self._admit_explained(sql)
        elif kind == duckdb.StatementType.SELECT:
            self._admit_select(sql)
        else:
            raise QueryRefused(sql, f"{kind.name} does more than read")

    def _admit_explained(self, sql: str) -> None:
        """The statement behind EXPLAIN must read too: EXPLAIN ANALYZE executes it."""
        match = _EXPLAIN.match(sql)
        inner = sql[match.end() :] if match else ""
        kinds = [statement.type for statement in duckdb.extract_statements(inner)]
        if kinds != [duckdb.StatementType.SELECT]:
            raise QueryRefused(sql, "EXPLAIN is followed by more than a query")
        self._admit_select(inner)

    def _admit_select(self, sql: str) -> None:
        serialised = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql])
        tree = json.loads((serialised.fetchone() or ("{}",))[0])
        if tree.get("error", True):
            raise QueryRefused(sql, "a PRAGMA or a PIVOT without an IN list does more than read")
        for node in _nodes(tree):
            if node.get("type") == "TABLE_FUNCTION":
                self._admit_function(sql, str(node["function"].get("function_name")))
            elif node.get("type") == "BASE_TABLE":
                self._admit_table(sql, str(node["schema_name"]), str(node["table_name"]))

    def _admit_function(self, sql: str, name: str) -> None:
        if name.lower() not in TABLE_FUNCTIONS:
            raise QueryRefused(sql, f"the table function {name} is outside the fence")

    def _admit_table(self, sql: str, schema: str, name: str) -> None:
        """DuckDB opens a table's name as a file where there is no such table and it looks so."""
        full = f"{schema}.{name}"
        schemas = {table.split(".", 1)[0] for table in self._tables}
        if schema in schemas and full not in self._tables:
            raise UnknownName("table", full, sorted(self._tables))
        if full in self._unreadable:
            raise ServiceFailed("Storage", f"reading {full}", self._unreadable[full])
        if full not in self._tables and re.search(r"[./\\*?]", name):
            raise QueryRefused(sql, f"'{name}' looks like a file, not like a table of the lake")

    def _explained(self, error: duckdb.Error) -> UsageError:
        missing = _MISSING.search(str(error))
        if isinstance(error, duckdb.CatalogException) and missing:
            return UnknownName("table", missing[1], sorted(self._tables))
        return UsageError(str(error).strip())


def query(lake: Lake, sql: str) -> Answer:
    """Runs one reading statement over the published tables.

    Raises:
        LakehouseError: As `Session.query` says.
    """
    with Session(lake) as session:
        return session.query(sql)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every JSON object of a serialised statement."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)
