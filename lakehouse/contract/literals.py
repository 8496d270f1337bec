"""Names and values of a contract as SQL text.

Column names are checked when a contract is loaded; they are quoted nevertheless, because a name
may be a word of SQL (`year`, `order`).
"""

from __future__ import annotations

import math
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from lakehouse.connection import quote_text


def literal(value: object, type: str, zone: str | None = None) -> str:
    """Returns `value`, as YAML gave it, as a SQL literal to compare with a column of `type`.

    Args:
        value: From the contract.
        type: The column's DuckDB type.
        zone: Zone of a timestamp without offset; None means UTC.

    Raises:
        ValueError: The value is not one of that type.

    >>> literal("2013-01-01", "DATE")
    "DATE '2013-01-01'"
    >>> literal("2013-01-01T00:00:00", "TIMESTAMPTZ", "America/New_York")
    "TIMESTAMPTZ '2013-01-01 05:00:00+00:00'"
    """
    if type == "BOOLEAN" and isinstance(value, bool):
        return str(value).upper()
    if type in ("VARCHAR", "DATE", "TIME", "TIMESTAMPTZ") and isinstance(value, str):
        return _from_text(value, type, zone)
    numeric = type in ("INTEGER", "BIGINT", "FLOAT", "DOUBLE") or type.startswith("DECIMAL")
    if not numeric or isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a value of a column of type {type}")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    if type in ("INTEGER", "BIGINT") and value != int(value):
        raise ValueError(f"{value!r} is not a whole number")
    return repr(int(value) if type in ("INTEGER", "BIGINT") else value)


def _from_text(value: str, type: str, zone: str | None) -> str:
    """Returns text, or the date, time or moment that the text means in ISO 8601."""
    if type == "VARCHAR":
        return quote_text(value)
    if type == "DATE":
        return f"DATE '{date.fromisoformat(value)}'"
    if type == "TIME":
        return f"TIME '{time.fromisoformat(value)}'"
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone or "UTC"))
    return f"TIMESTAMPTZ '{moment.astimezone(ZoneInfo('UTC'))}'"
