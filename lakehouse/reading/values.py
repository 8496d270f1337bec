"""How the text of one cell becomes a typed value, or is found not to be one.

DuckDB's own casts are lenient: `3.7`, `0x10` and `1_000` become integers 4, 16 and 1000, a leap
second becomes NULL without a word, and `infinity` is a date. Each type is therefore read as a
`raw` type that loses nothing, and then turned into its `value`; a raw cell that is not null whose
value is null is unparsable. Both ways of reading a file, the fast and the explaining one, use
these expressions, so that they cannot disagree.
"""

from __future__ import annotations

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column

_WIDE = "DECIMAL(38,15)"
_NAMES = {
    "INTEGER": "an integer",
    "SMALLINT": "an integer",
    "BIGINT": "an integer",
    "DOUBLE": "a finite number",
    "FLOAT": "a finite number",
    "BOOLEAN": "true or false",
    "DATE": "a date",
    "TIMESTAMP": "a date and time",
    "TIMESTAMPTZ": "a date and time",
    "TIME": "a time of day",
}


def raw_type(column: Column) -> str:
    """Returns the DuckDB type that a file's cells are read as without loss."""
    if column.type in ("SMALLINT", "INTEGER", "DOUBLE", "FLOAT"):
        return "DOUBLE"
    return _WIDE if column.type == "BIGINT" else "VARCHAR"


def raw_text(column: Column, text: str) -> str:
    """Returns SQL that turns the text of a cell into its raw type, as the fast read does.

    The fast read accepts digit separators, so it is only used on files without an underscore.
    """
    if raw_type(column) == "VARCHAR":
        return text
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS {raw_type(column)}) END"


def value(column: Column, raw: str) -> str:
    """Returns SQL for the typed value of a raw cell, NULL if it is none."""
    kind = column.type
    if kind == "VARCHAR":
        return raw
    if kind in ("SMALLINT", "INTEGER", "BIGINT"):
        return f"CASE WHEN {raw} = trunc({raw}) THEN TRY_CAST({raw} AS {kind}) END"
    if kind in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({raw}) THEN TRY_CAST({raw} AS {kind}) END"
    if kind.startswith("DECIMAL"):
        exact = f"TRY_CAST({raw} AS {_WIDE})"
        return (
            f"CASE WHEN NOT contains({raw}, '_') AND {exact} = TRY_CAST({exact} AS {kind}) "
            f"THEN TRY_CAST({exact} AS {kind}) END"
        )
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return _moment(column, raw)
    return f"TRY_CAST({raw} AS {kind})"


def unparsable(raw: str, typed: str) -> str:
    """Returns SQL that is true where a raw cell has no typed value."""
    return f"({raw} IS NOT NULL AND {typed} IS NULL)"


def complaint(column: Column, text: str) -> str:
    """Returns SQL for what the quarantine says of an unparsable cell."""
    kind = _NAMES.get(column.type, column.type)
    shaped = f" in the form {column.format}" if column.format else ""
    head, tail = quote_text(f"{column.name}: '"), quote_text(f"' is not {kind}{shaped}")
    return f"{head} || left({text}, 60) || {tail}"


def _moment(column: Column, raw: str) -> str:
    if column.format:
        parsed = f"try_strptime({raw}, {quote_text(column.format)})"
    elif column.type == "DATE":
        # a cast would cut the time of day off without a word
        parsed = f"CASE WHEN length(trim({raw})) <= 10 THEN TRY_CAST({raw} AS DATE) END"
    elif column.type == "TIMESTAMPTZ" and column.zone:
        parsed = f"timezone({quote_text(column.zone)}, TRY_CAST({raw} AS TIMESTAMP))"
    else:
        parsed = f"TRY_CAST({raw} AS {column.type})"
    cast = f"CAST({parsed} AS {column.type})"
    if column.format and column.type == "TIMESTAMPTZ":
        cast = f"timezone({quote_text(column.zone or 'UTC')}, CAST({parsed} AS TIMESTAMP))"
    # `infinity` and `epoch` are words to DuckDB and typing errors to everybody else
    return f"CASE WHEN regexp_matches({raw}, '[0-9]') AND isfinite({cast}) THEN {cast} END"


def names(columns: tuple[Column, ...]) -> str:
    """Returns the columns' quoted names, separated by commas."""
    return ", ".join(quote_name(column.name) for column in columns)
