"""Formats of texts that ODCS takes from JSON Schema, each as a predicate of DuckDB.

The expressions follow the RFCs that JSON Schema names; they match the whole text.
"""

from __future__ import annotations

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract.parts import Column, Rule
from lakehouse.errors import did_you_mean

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [rf"(?:{_H16}:){{6}}{_LS32}", rf"::(?:{_H16}:){{5}}{_LS32}"]
    + [
        rf"(?:(?:{_H16}:){{0,{before}}}{_H16})?::(?:{_H16}:){{{4 - before}}}{_LS32}"
        for before in range(5)
    ]
    + [rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}", rf"(?:(?:{_H16}:){{0,6}}{_H16})?::"]
)
_HEX = r"%[0-9A-Fa-f]{2}"
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=\-"
_PCHAR = rf"(?:[{_PLAIN}:@]|{_HEX})"
_PATH = rf"(?:/{_PCHAR}*)*"
_AUTHORITY = (
    rf"(?:(?:[{_PLAIN}:]|{_HEX})*@)?(?:\[(?:{_IPV6}|v[0-9A-Fa-f]+\.[{_PLAIN}:]+)\]|"
    rf"(?:[{_PLAIN}]|{_HEX})*)(?::[0-9]*)?"
)
_URI = (
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}{_PATH}|/(?:{_PCHAR}+{_PATH})?|{_PCHAR}+{_PATH}|)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
)
_PATTERNS = {
    "email": rf"{_ATOM}(?:\.{_ATOM})*@{_HOST}",
    "uuid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "uri": _URI,
    "hostname": _HOST,
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "byte": r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
_LONGEST = {"email": 254, "hostname": 253}
_WORDS = {"byte": "base64", "uri": "a URI", "email": "an email address", "hostname": "a host name"}
_REFUSED = {
    "password": (
        "is a hint for input forms, not a property of a value",
        " Write the custom property `privacy`.",
    ),
    "binary": ("is not honoured: a text has no raw bytes", " Write `byte` for base64."),
    **dict.fromkeys(
        ("date-time", "date", "time"),
        ("is a type of its own", " Write it as logicalType: timestamp, date or time."),
    ),
}


class FormatRefused(ValueError):
    """A format that no rule could keep; `hint` says what to write instead."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why, hint)
        self.why, self.hint = why, hint


def formatted(column: Column, name: str) -> Rule:
    """Returns the rule that a text has one of the standard's formats.

    Raises:
        FormatRefused: A format that is not known, or that says nothing about a value.
    """
    if name in _REFUSED:
        why, hint = _REFUSED[name]
        raise FormatRefused(f"'{name}' {why}", hint)
    if name not in _PATTERNS:
        why = f"{name!r} is not one of {', '.join(_PATTERNS)}"
        raise FormatRefused(why, did_you_mean(str(name), _PATTERNS) or " Write a `pattern`.")
    quoted = quote_name(column.name)
    sql = f"regexp_full_match({quoted}, {quote_text(_PATTERNS[name])})"
    if name in _LONGEST:
        sql += f" AND length({quoted}) <= {_LONGEST[name]}"
    return Rule(f"{column.name} is {_WORDS.get(name, name)}", sql, column.name)
