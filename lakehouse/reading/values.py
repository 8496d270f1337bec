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
from lakehouse.contract.parts import ISO_8601

_WIDE = "DECIMAL(38,15)"
_NAMES = {
    "VARCHAR": "a text",
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


_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_OFFSET = r":\d{2}(\.\d+)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
"""Ends a date and time that needs no zone."""


def raw_type(column: Column, decimal: str = ".") -> str:
    """Returns the DuckDB type that a file's cells are read as without loss."""
    if decimal != ".":
        return "VARCHAR"
    if column.type in ("SMALLINT", "INTEGER", "DOUBLE", "FLOAT"):
        return "DOUBLE"
    return _WIDE if column.type == "BIGINT" else "VARCHAR"


def numeric(column: Column) -> bool:
    """Returns whether the column holds numbers."""
    return column.type.startswith("DECIMAL") or raw_type(column) != "VARCHAR"


def raw_text(column: Column, text: str, decimal: str = ".") -> str:
    """Returns SQL that turns the text of a cell into its raw type, as the fast read does.

    The fast read accepts digit separators, so it is only used on files without an underscore.
    """
    if not numeric(column):
        return text
    clean = f"NOT contains({text}, '_')"
    if decimal != ".":
        clean += f" AND NOT contains({text}, '.')"
        number = f"replace({text}, {quote_text(decimal)}, '.')"
    elif raw_type(column) == "VARCHAR":
        return text
    else:
        number = text
    return f"CASE WHEN {clean} THEN TRY_CAST({number} AS {raw_type(column)}) END"


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
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIME"):
        return _moment(column, raw)
    return f"TRY_CAST({raw} AS {kind})"


def placed(column: Column, local: str) -> str:
    """Returns SQL for the moment that a local time means in the column's zone, null if none."""
    return _placed(column.zone or "UTC", local)


def unparsable(raw: str, typed: str) -> str:
    """Returns SQL that is true where a raw cell has no typed value."""
    return f"({raw} IS NOT NULL AND {typed} IS NULL)"


def complaint(column: Column, text: str) -> str:
    """Returns SQL for what the quarantine says of an unparsable cell, not quoting personal data."""
    kind = _NAMES.get(column.type, column.type)
    shaped = f" in the form {' or '.join(column.formats)}" if column.formats else ""
    shaped += f" in {column.zone}" if column.zone else ""
    if column.treatment:
        return quote_text(f"{column.name}: the value is not {kind}{shaped}")
    head, tail = quote_text(f"{column.name}: '"), quote_text(f"' is not {kind}{shaped}")
    return f"{head} || left({text}, 60) || {tail}"


def _moment(column: Column, raw: str) -> str:
    """A date, a time or both, in the first of the column's formats that fits."""
    tried = [
        _iso(column, raw) if format == ISO_8601 else _formatted(column, raw, format)
        for format in column.formats or (ISO_8601,)
    ]
    parsed = f"coalesce({', '.join(tried)})" if len(tried) > 1 else tried[0]
    # `infinity` and `epoch` are words to DuckDB and typing errors to everybody else
    finite = "" if column.type == "TIME" else f" AND isfinite({parsed})"
    return f"CASE WHEN regexp_matches({raw}, '[0-9]'){finite} THEN {parsed} END"


def _iso(column: Column, raw: str) -> str:
    if column.type == "DATE":
        # a cast would cut the time of day off without a word
        return f"CASE WHEN length(trim({raw})) <= 10 THEN TRY_CAST({raw} AS DATE) END"
    if column.type == "TIME":
        # a cast would take the time out of any longer text, and 24:00:00
        whole = f"regexp_full_match(trim({raw}), {quote_text(_CLOCK)})"
        typed = f"TRY_CAST({raw} AS TIME)"
        return f"CASE WHEN {whole} AND {typed} < TIME '24:00:00' THEN {typed} END"
    if column.type == "TIMESTAMPTZ" and column.zone:
        aware = f"regexp_matches(trim({raw}), {quote_text(_OFFSET)})"
        local = _placed(column.zone, f"TRY_CAST({raw} AS TIMESTAMP)")
        return f"CASE WHEN {aware} THEN TRY_CAST({raw} AS TIMESTAMPTZ) ELSE {local} END"
    return f"TRY_CAST({raw} AS {column.type})"


def _formatted(column: Column, raw: str, format: str) -> str:
    parsed = f"try_strptime({raw}, {quote_text(format)})"
    if column.type == "TIMESTAMPTZ" and "%z" not in format:
        return _placed(column.zone or "UTC", f"CAST({parsed} AS TIMESTAMP)")
    return f"CAST({parsed} AS {column.type})"


def _placed(zone: str, local: str) -> str:
    """A local time on the world's clock; null in the hour that a zone's clocks skip in spring.

    Of the hour that they repeat in autumn the second time is meant, in standard time.
    """
    moment = f"timezone({quote_text(zone)}, {local})"
    if zone == "UTC":
        return moment
    return f"CASE WHEN timezone({quote_text(zone)}, {moment}) = {local} THEN {moment} END"


def names(columns: tuple[Column, ...]) -> str:
    """Returns the columns' quoted names, separated by commas."""
    return ", ".join(quote_name(column.name) for column in columns)
