"""SQL that a contract carries: one expression over the row's own columns, and nothing else.

DuckDB itself judges it, parsed and bound against an empty table of the declared types. A result
must depend on the row alone, so that the same files always give the same rows: no clock, no
random numbers, no settings, no other tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract.parser import (
    ExpressionRefused,
    ask,
    consistent,
    engine,
    nodes,
    reason,
    trees,
)
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
_ONLY = ("aggregate_handling", "cte_map", "from_table", "select_list", "type")
"""Parts that a SELECT of one expression from one table has."""


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
    with engine().cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE t ({declared})")
        try:
            bound = cursor.execute(f"DESCRIBE SELECT TRY({sql}) FROM t").fetchall()
        except duckdb.Error as error:
            raise ExpressionRefused(f"is not valid SQL ({reason(error)})") from None
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
        ask(f"SELECT regexp_matches('', {quote_text(pattern)})")
    except duckdb.Error as error:
        raise ExpressionRefused(f"is not a regular expression ({reason(error)})") from None


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
    try:
        found = trees(f"SELECT ({sql}) FROM t")
    except ExpressionRefused as error:
        raise ExpressionRefused(f"is not one SQL expression ({error.why})") from None
    plain = len(found) == 1 and not _extras(found[0]) and len(found[0]["select_list"]) == 1
    if not plain:
        raise ExpressionRefused("is more than one SQL expression")
    tree: list[Any] = found[0]["select_list"]
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
    return (node for node in nodes(tree) if "class" in node)


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
    if part["class"] == "FUNCTION" and not consistent(part["function_name"]):
        raise ExpressionRefused(
            f"calls '{part['function_name']}', whose result is not decided by one row alone"
        )
