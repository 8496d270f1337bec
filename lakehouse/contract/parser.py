"""DuckDB as the judge of SQL in a contract: an empty database that reaches no file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import duckdb

from lakehouse.connection import quote_text

_SESSION = {"current_setting", "getvariable"}
"""Functions that DuckDB calls consistent and that nevertheless read the session."""


class ExpressionRefused(ValueError):
    """SQL that a contract may not carry; `hint` may say what to write instead."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why, hint)
        self.why, self.hint = why, hint


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """Returns the empty database; each use takes its own cursor."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone='UTC'")
    engine.execute("SET enable_external_access=false")
    return engine


def ask(sql: str) -> list[Any]:
    """Returns the rows that DuckDB answers; bound values would import pandas, which takes 1 s."""
    with engine().cursor() as cursor:
        return cursor.execute(sql).fetchall()


def reason(error: duckdb.Error) -> str:
    """Returns the first sentence of DuckDB's message without its kind."""
    return re.sub(r"^[A-Za-z ]+ Error: ", "", str(error)).splitlines()[0].rstrip(".! ")


def trees(sql: str) -> list[Mapping[str, Any]]:
    """Returns DuckDB's tree of each SELECT statement in the text.

    Raises:
        ExpressionRefused: It does not parse, or is not a SELECT.
    """
    parsed = json.loads(ask(f"SELECT json_serialize_sql({quote_text(sql)})")[0][0])
    if parsed["error"]:
        raise ExpressionRefused(str(parsed.get("error_message")))
    return [statement["node"] for statement in parsed["statements"]]


def nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yields every mapping in DuckDB's tree."""
    if isinstance(tree, dict):
        yield tree
        for below in tree.values():
            yield from nodes(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from nodes(below)


def consistent(function: str, kinds: tuple[str, ...] = ("scalar",)) -> bool:
    """Tells whether a function's result is decided by its arguments; binding judges unknown ones.

    Args:
        function: Its name.
        kinds: Kinds of functions that are fit, as DuckDB calls them.
    """
    return function.lower() not in _SESSION and function.lower() not in _unfit(kinds)


@cache
def _unfit(kinds: tuple[str, ...]) -> frozenset[str]:
    """Returns functions of other kinds, and whatever reads clock, chance or session."""
    listed = ", ".join(map(quote_text, kinds))
    rows = ask(
        "SELECT function_name FROM duckdb_functions() GROUP BY 1 HAVING NOT bool_and("
        f"function_type IN ({listed}) AND stability = 'CONSISTENT')"
    )
    return frozenset(row[0] for row in rows) - {"nullif"}  # a macro, and a harmless one
