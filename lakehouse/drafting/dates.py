"""Formats of dates and times that are not ISO 8601, found by trying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract.formats import ISO, strptime

_MARKED = ("dd-MM-yyyy", "MM-dd-yyyy", "yyyy-MM-dd", "dd-MM-yy", "MM-dd-yy")
_DAYS = (
    *(pattern.replace("-", mark) for mark in "./-" for pattern in _MARKED),
    *("yyyyMMdd", "dd MMM yyyy", "dd-MMM-yyyy", "dd-MMM-yy", "MMM dd, yyyy", "MMMM dd, yyyy"),
)
_CLOCKS = ("", " HH:mm", " HH:mm:ss", "'T'HH:mm:ss", " hh:mm a", " hh:mm:ss a")
_TRIED = 2000


@dataclass(frozen=True)
class DateFormat:
    """A format that reads every cell of a column.

    Attributes:
        type: DATE or TIMESTAMPTZ.
        pattern: In JDK letters, as a contract has it.
        other: A second one that does, or None.
    """

    type: str
    pattern: str
    other: str | None


def date_format(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, tokens: Sequence[str]
) -> DateFormat | None:
    """Returns the format in which all texts of a column are dates, or None.

    Args:
        connection: Has the table.
        table: The sample.
        column: The column.
        tokens: Texts that may stand for null.
    """
    nulls = ", ".join(map(quote_text, tokens))
    cell = quote_name(column)
    texts = f"SELECT {cell} AS cell FROM {table} WHERE {cell} NOT IN ({nulls})"
    patterns = [day + clock for day in _DAYS for clock in _CLOCKS if day + clock not in ISO]
    few = f"(SELECT DISTINCT cell FROM ({texts}) LIMIT {_TRIED})"
    fitting = _fitting(connection, few, patterns)
    fitting = _fitting(connection, f"({texts})", fitting) if fitting else []
    if not fitting:
        return None
    kind = "TIMESTAMPTZ" if "mm" in fitting[0] else "DATE"
    return DateFormat(kind, fitting[0], fitting[1] if len(fitting) > 1 else None)


def _fitting(
    connection: duckdb.DuckDBPyConnection, texts: str, patterns: Sequence[str]
) -> list[str]:
    """Returns the patterns that read all texts as days of the last or the next centuries."""
    tests = [
        f"bool_and(coalesce(year(try_strptime(cell, {quote_text(str(strptime(pattern)))})) "
        "BETWEEN 1700 AND 2299, false))"
        for pattern in patterns
    ]
    row = connection.execute(f"SELECT {', '.join(tests)} FROM {texts}").fetchone() or ()
    return [pattern for pattern, fits in zip(patterns, row, strict=True) if fits]
