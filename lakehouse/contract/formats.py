"""Formats of dates and times: ODCS writes them as JDK DateTimeFormatter does, DuckDB as strptime.

Letters: https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html
"""

from __future__ import annotations

import re

ISO = {
    "yyyy-MM-dd",
    "HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ssX",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
}
"""Formats that DuckDB's own typed reading understands without being told."""

_LETTERS = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "EEEE": "%A",
    "EEE": "%a",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "SSSSSSSSS": "%n",
    "a": "%p",
    "X": "%z",
    "XX": "%z",
    "XXX": "%z",
    "Z": "%z",
}
_PIECE = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z'])")


def strptime(pattern: str) -> str | None:
    """Returns DuckDB's strptime format for a JDK pattern, or None for ISO 8601.

    Raises:
        ValueError: A letter that has no counterpart, or a quote that never closes.

    >>> strptime("dd/MM/yyyy")
    '%d/%m/%Y'
    """
    if pattern in ISO:
        return None
    made, end = "", 0
    for piece in _PIECE.finditer(pattern):
        if piece.start() != end:
            break
        made, end = made + _translate(piece), piece.end()
    if end != len(pattern):
        raise ValueError(f"{pattern!r} has a quote that never closes")
    return made


def _translate(piece: re.Match[str]) -> str:
    """Returns one piece of a pattern in strptime's letters."""
    if piece["letters"] is None:
        plain = piece["other"] or (piece["quoted"] or "'").replace("''", "'")
        return plain.replace("%", "%%")
    if piece["letters"] not in _LETTERS:
        raise ValueError(f"'{piece['letters']}' has no counterpart among {', '.join(_LETTERS)}")
    return _LETTERS[piece["letters"]]
