"""SQL that a contract carries: one expression over the row's own columns, and nothing else.

DuckDB itself judges it, parsed and bound against an empty table of the declared types. A result
must depend on the row alone, so that the same files always give the same rows: no clock, no
random numbers, no settings, no other tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.errors import did_you_mean

_ALLOWED = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
}
"""Kinds of expression, as DuckDB calls them, that read nothing but the row."""
_SESSION = {"current_setting", "getvariable"}
"""Functions that DuckDB calls consistent and that nevertheless read the session."""
_ONLY = ("aggregate_handling", "cte_map", "from_table", "select_list", "type")
"""Parts that a SELECT of one expression from one table has."""


class ExpressionRefused(ValueError):
    """A snippet that is not one expression over the known columns; `hint` may name the near one."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why, hint)
        self.why, self.hint = why, hint


def type_of(sql: str, columns: Mapping[str, str]) -> str:
    """Returns the DuckDB type of an expression.

    Args:
        sql: The snippet.
        columns: Type of each column it may use.

    Raises:
        ExpressionRefused: Not one expression, an unknown column, or more than the row is read.
    """
    for part in _parts(_parse(sql)):
        _check(part, columns)
    declared = ", ".join(f"{quote_name(column)} {type}" for column, type in columns.items())
    with _engine().cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE t ({declared})")
        try:
            bound = cursor.execute(f"DESCRIBE SELECT TRY({sql}) FROM t").fetchall()
        except duckdb.Error as error:
            raise ExpressionRefused(f"is not valid SQL ({_reason(error)})") from None
        finally:
            cursor.execute("DROP TABLE t")
    found = str(bound[0][1])
    return "TIMESTAMPTZ" if found == "TIMESTAMP WITH TIME ZONE" else found


def check_pattern(pattern: str) -> None:
    """Refuses a regular expression that DuckDB's engine (RE2) cannot run.

    Raises:
        ExpressionRefused: With the engine's reason.
    """
    try:
        _ask(f"SELECT regexp_matches('', {quote_text(pattern)})")
    except duckdb.Error as error:
        raise ExpressionRefused(f"is not a regular expression ({_reason(error)})") from None


def columns_of(sql: str) -> tuple[str, ...]:
    """Returns the names that an expression uses as columns, sorted.

    >>> columns_of("make_date(year, month, 1)")
    ('month', 'year')
    """
    found = (part["column_names"][-1] for part in _parts(_parse(sql)) if "column_names" in part)
    return tuple(sorted(set(found)))


def _parse(sql: str) -> list[Any]:
    """Returns DuckDB's tree of the expression.

    The text stands inside parentheses without a line break, so that what would escape them (a
    trailing comment, a second statement) fails to parse or changes the shape of the SELECT.
    """
    statement = f"SELECT ({sql}) FROM t"
    parsed = json.loads(_ask(f"SELECT json_serialize_sql({quote_text(statement)})")[0][0])
    if parsed["error"]:
        raise ExpressionRefused(f"is not one SQL expression ({parsed.get('error_message')})")
    nodes = [statement["node"] for statement in parsed["statements"]]
    plain = len(nodes) == 1 and not _extras(nodes[0]) and len(nodes[0]["select_list"]) == 1
    if not plain:
        raise ExpressionRefused("is more than one SQL expression")
    tree: list[Any] = nodes[0]["select_list"]
    return tree


def _extras(node: Mapping[str, Any]) -> list[str]:
    """Returns the parts of a SELECT beyond one expression from table t."""
    extras = [part for part, value in node.items() if value and part not in _ONLY]
    table = node.get("from_table", {})
    if node["type"] != "SELECT_NODE" or table.get("table_name") != "t" or table.get("alias"):
        extras.append("from_table")
    return extras + list(node.get("cte_map", {}).get("map", []))


def _parts(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yields every expression in DuckDB's tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for below in tree.values():
            yield from _parts(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _parts(below)


def _check(part: Mapping[str, Any], columns: Iterable[str]) -> None:
    """Refuses one expression that reads more than the row."""
    if part["class"] not in _ALLOWED:
        kind = part["class"].lower().replace("_", " ")
        raise ExpressionRefused(f"uses a {kind}; only an expression over the row's columns is read")
    if part["class"] == "COLUMN_REF":
        used = ".".join(part["column_names"])
        if used.lower() not in {column.lower() for column in columns}:
            raise ExpressionRefused(
                f"uses '{used}', which is no column here", did_you_mean(used, columns)
            )
    if part["class"] == "FUNCTION" and not _depends_on_arguments(part["function_name"]):
        raise ExpressionRefused(
            f"calls '{part['function_name']}', whose result is not decided by one row alone"
        )


def _depends_on_arguments(function: str) -> bool:
    """Tells whether a function is scalar and consistent; binding judges a name not known."""
    return function.lower() not in _SESSION and function.lower() not in _unfit_functions()


@cache
def _unfit_functions() -> frozenset[str]:
    """Returns aggregates, macros, table functions and whatever reads clock, chance or session."""
    rows = _ask(
        "SELECT function_name FROM duckdb_functions() GROUP BY 1 "
        "HAVING NOT bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')"
    )
    return frozenset(row[0] for row in rows) - {"nullif"}  # a macro, and a harmless one


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Returns an empty database that reaches no file; each use takes its own cursor."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone='UTC'")
    engine.execute("SET enable_external_access=false")
    return engine


def _ask(sql: str) -> list[Any]:
    """Returns the rows that DuckDB answers; bound values would import pandas, which takes 1 s."""
    with _engine().cursor() as cursor:
        return cursor.execute(sql).fetchall()


def _reason(error: duckdb.Error) -> str:
    """Returns the first sentence of DuckDB's message without its kind."""
    return re.sub(r"^[A-Za-z ]+ Error: ", "", str(error)).splitlines()[0].rstrip(".! ")
