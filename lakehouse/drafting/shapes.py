"""What the cells of a sample look like: numbers, dates, words that stand for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.drafting.sample import TEXTS

TOKENS = (
    *("NA", "N/A", "n/a", "#N/A", "<NA>", "n.a.", "k.A.", "NULL", "null", "#NULL!", "nil"),
    *("None", "none", "NaN", "nan", "\\N", "-", "--", "?", ".", "missing", "unknown"),
)
"""Texts that may stand for a missing value."""
_BOOLEAN = "(?i)true|false|yes|no|t|f|y|n"
_SHAPES = {
    "ints": r"[+-]?\d+",
    "padded": r"[+-]?0\d+",
    "numbers": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?",
    "commas": r"[+-]?\d+(,\d+)?",
    "dates": r"\d{4}-\d{2}-\d{2}",
    "moments": r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?",
    "zoned": r".*\d ?(Z|[+-]\d{2}(:?\d{2})?)",
    "times": r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?",
    "dated": r"\d{8}|\d{1,4}[./ -]\w{1,9}[./ -]\d{2,4}\D.*|\d{1,4}[./ -]\w{1,9}[./ -]\d{2,4}"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4}.*",
    "booleans": _BOOLEAN,
}
_FIRST = 10_000


def find_tokens(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """Returns the tokens for null that occur in each column."""
    listed = ", ".join(map(quote_text, TOKENS))
    parts = [
        f"list(DISTINCT {quote_name(name)}) FILTER ({quote_name(name)} IN ({listed}))"
        for name in names
    ]
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {TEXTS}").fetchone() or ()
    return {name: sorted(found or ()) for name, found in zip(names, row, strict=True)}


def find_shapes(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], tokens: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Returns for each column how many of its cells look like what.

    What not all of the first cells look like is not looked for in the rest, and counted as none.
    """
    every = dict.fromkeys(names, tuple(_SHAPES))
    first = _counted(connection, f"(FROM {TEXTS} LIMIT {_FIRST})", every, tokens)
    open_to = {
        # of digits with leading zeros a few matter
        name: tuple(
            key for key in _SHAPES if shape["ints" if key == "padded" else key] == shape["count"]
        )
        for name, shape in first.items()
    }
    return _counted(connection, TEXTS, open_to, tokens)


def _counted(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    wanted: Mapping[str, Sequence[str]],
    tokens: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, Any]]:
    """Returns the counts of the shapes that are wanted of each column; 0 for the others."""
    keys, parts = ("count", "longest", "largest", "few", *_SHAPES), []
    for name, shapes in wanted.items():
        left = ", ".join(map(quote_text, tokens.get(name, ()))) or "''"
        cell = f"CASE WHEN {quote_name(name)} NOT IN ({left}) THEN trim({quote_name(name)}) END"
        whole = f"max(abs(TRY_CAST({cell} AS HUGEINT)))" if "ints" in shapes else "0"
        words = f"FILTER (regexp_full_match({cell}, {quote_text(_BOOLEAN)}))"
        few = f"list_sort(list(DISTINCT lower({cell})) {words})" if "booleans" in shapes else "NULL"
        parts += [f"count({cell})", f"coalesce(max(length({cell})), 0)", whole, few]
        parts += [
            f"count(*) FILTER (regexp_full_match({cell}, {quote_text(shape)}))"
            if key in shapes
            else "0"
            for key, shape in _SHAPES.items()
        ]
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone() or ()
    width = len(keys)
    return {
        name: dict(zip(keys, row[place * width : (place + 1) * width], strict=True))
        for place, name in enumerate(wanted)
    }
