"""Which statements are admitted: one that reads, and only tables of the lake."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import duckdb

from lakehouse.errors import QueryRefused, ServiceFailed, UnknownName

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


class Admission:
    """Looks at statements before they run.

    Args:
        connection: Parses them; the session's own, so that both read them alike.
        tables: The lake's tables.
        unreadable: Those that cannot be read, with the reason.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Collection[str],
        unreadable: Mapping[str, str],
    ) -> None:
        self._connection, self._tables, self._unreadable = connection, tables, unreadable

    def admit(self, sql: str) -> None:
        """Returns if `sql` is one statement that only reads the lake's tables.

        Raises:
            QueryRefused: It does more.
            UnknownName: It names a table that is not there.
            ServiceFailed: It names a table that cannot be read.
            duckdb.Error: DuckDB cannot make sense of it.
        """
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


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every JSON object of a serialised statement."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)
