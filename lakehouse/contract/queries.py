"""Quality checks in SQL: one SELECT of one number from the published rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb

from lakehouse.connection import quote_name
from lakehouse.contract.check import Check
from lakehouse.contract.parser import ExpressionRefused, consistent, engine, nodes, reason, trees
from lakehouse.contract.parts import Query
from lakehouse.errors import did_you_mean

TABLE = "${table}"
"""Stands for the rows in a query; whoever runs it puts the name of a table or view there."""

_PROBE = "contract_rows"
_TABLES = re.compile(r"\$?\{(?:table|object)\}")
_COLUMNS = re.compile(r"\$?\{(?:column|property)\}")
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
_ONE = " A check gives one number, as `SELECT count(*) FROM ${table} WHERE …` does."


def read_query(check: Check) -> Query:
    """Returns a check of type `sql`.

    Raises:
        ContractError: Not one SELECT of one number from the published rows, or a comparison with
            what is no number.
    """
    sql = _spelled(check, str(check.entry.query).strip().rstrip(";").strip())
    try:
        check_query(sql, check.table.types)
    except ExpressionRefused as error:
        raise check.refuse("query", error.why, error.hint) from None
    return make(check, sql, "sql")


def make(check: Check, sql: str, kind: str) -> Query:
    """Returns the query of a check; unnamed ones are called after their kind and what they ask of.

    Raises:
        ContractError: It compares with what is no number, or does not say why.
    """
    about = check.column.name if check.column else check.table.dataset
    written = check.entry.id or check.entry.name or f"{kind}__{about}"
    name = re.sub(r"[^A-Za-z0-9_]+", "_", written).strip("_") or kind
    return Query(name, sql, check.operator, _limit(check), check.severity, check.notes)


def _limit(check: Check) -> float | tuple[float, float]:
    """Returns the number, or the two in ascending order."""
    limits = check.limit if isinstance(check.limit, list) else [check.limit]
    for limit in limits:
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise check.refuse(check.operator, f"{limit!r} is not a number to compare with")
    if not isinstance(check.limit, list):
        return float(check.limit)
    low, high = sorted(map(float, limits))
    return low, high


def _spelled(check: Check, written: str) -> str:
    """Returns the query with one spelling of the table, and with the property's own column."""
    if check.column is None and _COLUMNS.search(written):
        why = "asks for a column at a table; name it, or move the check to the property"
        raise check.refuse("query", why)
    if check.column is not None:
        written = _COLUMNS.sub(lambda _: quote_name(check.column.name), written)  # type: ignore[union-attr]
    return _TABLES.sub(lambda _: TABLE, written)


def check_query(sql: str, columns: Mapping[str, str]) -> None:
    """Refuses what is not one SELECT that makes one number of the rows alone.

    Args:
        sql: The query with `${table}` for the rows.
        columns: Type of each published column.

    Raises:
        ExpressionRefused: With the reason.
    """
    if TABLE not in sql:
        raise ExpressionRefused("does not read the rows", " Write `FROM ${table}`.")
    probe = sql.replace(TABLE, _PROBE)
    try:
        found = trees(probe)
    except ExpressionRefused as error:
        raise ExpressionRefused(f"is not one SELECT ({error.why})") from None
    if len(found) != 1:
        raise ExpressionRefused("is more than one SELECT")
    for node in nodes(found[0]):
        _check_node(node, _known(found[0]))
    _bind(probe, columns)


def _known(tree: Any) -> frozenset[str]:
    """Returns the names that a query may read from: the rows, and its own WITH clauses."""
    maps = (node["cte_map"]["map"] for node in nodes(tree) if "cte_map" in node)
    return frozenset({_PROBE, *(entry["key"] for entries in maps for entry in entries)})


def _check_node(node: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuses a part of a query that reads more than the rows, or not the same each time."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        raise ExpressionRefused("calls a table function; only ${table} is read")
    if kind == "BASE_TABLE":
        place = [node["catalog_name"], node["schema_name"], node["table_name"]]
        if any(place[:2]) or node["table_name"] not in known or node["at_clause"]:
            name = ".".join(part for part in place if part)
            hint = " Write ${table} for the published rows of this dataset."
            raise ExpressionRefused(f"reads '{name}'; only ${{table}} is read", hint)
    if node.get("sample"):
        raise ExpressionRefused("samples, so that its number would be another each time")
    function = _called(node)
    if function and not consistent(function, ("scalar", "aggregate")):
        why = f"calls '{function}', whose result is not decided by the rows alone"
        raise ExpressionRefused(why)


def _called(node: Mapping[str, Any]) -> str:
    """Returns the function that an expression calls; `current_date` looks like a column."""
    if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
        return str(node["column_names"][0])
    return str(node["function_name"]) if node.get("class") == "FUNCTION" else ""


def _bind(probe: str, columns: Mapping[str, str]) -> None:
    """Refuses what DuckDB cannot bind, and what does not give one number from an empty table."""
    declared = ", ".join(f"{quote_name(column)} {type}" for column, type in columns.items())
    with engine().cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {_PROBE} ({declared})")
        try:
            bound = cursor.execute(f"DESCRIBE {probe}").fetchall()
            rows = cursor.execute(probe).fetchall()
        except duckdb.Error as error:
            unknown = re.search(r'column "([^"]+)" not found', str(error))
            hint = did_you_mean(unknown[1], columns) if unknown else ""
            raise ExpressionRefused(f"is not valid SQL ({reason(error)})", hint) from None
        finally:
            cursor.execute(f"DROP TABLE {_PROBE}")
    if len(bound) != 1:
        raise ExpressionRefused(f"gives {len(bound)} columns", _ONE)
    if not str(bound[0][1]).startswith(_NUMERIC):
        raise ExpressionRefused(f"gives {bound[0][1]}", _ONE)
    if len(rows) != 1:
        raise ExpressionRefused("gives no row where there are no rows", _ONE)
