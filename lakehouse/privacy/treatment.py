"""What becomes of a personal value before it is written anywhere, as SQL over typed rows.

A null stays null. A dropped column is not selected. A hashed value is the HMAC-SHA256, in 64
hexadecimal digits, of its text in UTF-8: equal values stay equal, and nobody without the key can
try out candidates. Of a masked value of eight characters or more the last two remain behind
`****`, of a shorter one nothing: so its length is hidden, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.connection import quote_name
from lakehouse.contract import Column
from lakehouse.privacy.hashing import hmac_sql

_LONG = 8
_KEPT = 2


def treated(column: Column) -> str:
    """Returns SQL for the value of a column as it is published.

    A hash needs a connection that `hashing.prepare` was called on.
    """
    name = quote_name(column.name)
    if column.treatment == "hash":
        return hashed(column, name)
    if column.treatment == "mask":
        text = _text(column, name)
        kept = f"CASE WHEN length({text}) >= {_LONG} THEN right({text}, {_KEPT}) ELSE '' END"
        return f"CASE WHEN {name} IS NOT NULL THEN '****' || {kept} END"
    return name


def hashed(column: Column, value: str) -> str:
    """Returns SQL for the hash of a value of the column's type."""
    return hmac_sql(_text(column, value))


def selected(columns: Iterable[Column]) -> str:
    """Returns the select list of the columns as they are published, without dropped ones."""
    return ", ".join(
        f"{treated(column)} AS {quote_name(column.name)}" if column.treatment else name
        for column in columns
        if column.treatment != "drop" and (name := quote_name(column.name))
    )


def _text(column: Column, value: str) -> str:
    """SQL for a value's text, the same whatever the session's zone and settings are."""
    if column.type == "VARCHAR":
        return value
    if column.type == "TIMESTAMPTZ":
        return f"strftime(timezone('UTC', {value}), '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"CAST({value} AS VARCHAR)"
