"""Which statements are admitted: one that reads, and only tables of the lake."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
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
"""Table functions that touch neither files nor settings, nor look a table up by a text."""

_VIEWS = ("main", "information_schema", "pg_catalog")
_UNQUALIFIED = ("main", "pg_catalog")
"""Schemas of DuckDB's own views, and those of them that need no name in SQL."""
_OUTSIDE = frozenset({"duckdb_logs", "pg_settings"})
"""Views of DuckDB over what is no table: its settings and its log."""

_Names = tuple[str, ...]
"""The name of a table in its parts, in small letters: DuckDB makes no difference."""

_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?(\s*\(\s*format\s+\w+\s*\))?(?=\W)", re.IGNORECASE)


class Admission:
    """Looks at statements before they run.

    Args:
        connection: Parses them; the session's own, with its views, so that both read them alike.
        tables: The lake's tables.
        unreadable: Those that cannot be read, with the reason.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Collection[str],
        unreadable: Mapping[str, str],
    ) -> None:
        self._connection, self._tables = connection, tables
        self._views = frozenset(_views(connection))
        self._unreadable = {name.lower(): (name, why) for name, why in unreadable.items()}

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
        nodes = list(_nodes(self._tree(sql)))
        own = {(name.lower(),) for node in nodes for name in _expressions(node)}
        for node in nodes:
            if node.get("type") == "TABLE_FUNCTION":
                self._admit_function(sql, str(node["function"].get("function_name")))
            elif node.get("type") == "BASE_TABLE":
                parts = (node["catalog_name"], node["schema_name"], node["table_name"])
                self._admit_table(sql, [str(part) for part in parts if part], own)

    def _tree(self, sql: str) -> Any:
        serialised = self._connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql])
        try:
            tree = json.loads((serialised.fetchone() or ("{}",))[0])
        except RecursionError as error:
            raise QueryRefused(sql, "it is nested too deeply to be looked at") from error
        if tree.get("error", True):
            raise QueryRefused(sql, "a PRAGMA or a PIVOT without an IN list does more than read")
        return tree

    def _admit_function(self, sql: str, name: str) -> None:
        if name.lower() not in TABLE_FUNCTIONS:
            raise QueryRefused(sql, f"the table function {name} is outside the fence")

    def _admit_table(self, sql: str, parts: Sequence[str], own: Collection[_Names]) -> None:
        """Only what is known passes: DuckDB takes any other name, its parts joined, for a file."""
        full = ".".join(parts)
        path = tuple(part.lower() for part in parts)
        if path in self._views:
            return
        if path[-1] in _OUTSIDE:
            raise QueryRefused(sql, f"the view {full} is outside the fence")
        if any(re.search(r"[./\\*?]", part) for part in parts):
            raise QueryRefused(sql, f"'{full}' looks like a file, not like a table of the lake")
        if full.lower() in self._unreadable:
            name, why = self._unreadable[full.lower()]
            raise ServiceFailed("Storage", f"reading {name}", why)
        # alone and last: where a WITH does not reach, DuckDB takes its name for a file, too
        if path not in own:
            raise UnknownName("table", full, sorted(self._tables))


def _views(connection: duckdb.DuckDBPyConnection) -> Iterator[_Names]:
    """Yields every name of every view that may be read."""
    path = connection.execute("SELECT current_schemas(false)").fetchall()[0][0]
    found = connection.execute(
        "SELECT lower(database_name), lower(schema_name), lower(view_name), internal "
        "FROM duckdb_views()"
    )
    for database, schema, name, internal in found.fetchall():
        if internal and (schema not in _VIEWS or name in _OUTSIDE):
            continue
        yield from ((database, schema, name), (schema, name))
        if schema in (_UNQUALIFIED if internal else path):
            yield (name,)


def _expressions(node: Mapping[str, Any]) -> list[str]:
    """Returns the names that the WITH of a query gives to its parts."""
    return [entry["key"] for entry in node.get("cte_map", {}).get("map", ())]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields every JSON object of a serialised statement."""
    left = [tree]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left += part.values()
        elif isinstance(part, list):
            left += part
