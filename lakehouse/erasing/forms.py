"""The ways in which a value may be written in a text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence

_LEAST, _DIGITS = 5, 9
"""Characters from which a value is looked for in any text, and digits from which a number is."""
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")


def is_distinct(value: str) -> bool:
    """Returns whether a value is told from others wherever it stands.

    >>> is_distinct("N10156"), is_distinct("10156"), is_distinct("536228726")
    (True, False, True)
    """
    return len(value) >= (_LEAST if re.search(r"[^\W\d]", value) else _DIGITS)


def forms(value: str) -> tuple[str, ...]:
    r"""Returns a value as plain text, CSV, JSON and HTML have it.

    >>> forms("É&")
    ('É&', '\\u00c9&', '\\u00C9&', 'É&amp;')
    """
    plain, escaped = (json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (False, True))
    upper = _ESCAPE.sub(lambda found: rf"\u{found[0][2:].upper()}", escaped)
    marked = (html.escape(value, quote=False), html.escape(value))
    quoted = value.replace('"', '""')
    return tuple(dict.fromkeys((value, quoted, plain, escaped, upper, *marked)))


def pattern(written: Sequence[str]) -> re.Pattern[bytes]:
    """Returns what finds any of some forms, as a word of its own, in the bytes of a text."""
    words = (
        re.escape(form.encode(encoding))
        for form in written
        for encoding in _ENCODINGS
        if encoding != "latin-1" or _fits(form)
    )
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + b"|".join(words) + rb")(?![0-9A-Za-z])")


def text_of(values: Iterable[object]) -> bytes:
    """Returns the text of values of any kind, however deep they lie."""
    found = []
    for value in values:
        if isinstance(value, bytes):
            found.append(value)
        elif isinstance(value, Mapping):
            found.append(text_of([*value, *value.values()]))
        elif isinstance(value, list | tuple):
            found.append(text_of(value))
        else:
            found.append(str(value).encode())
    return b"\n".join(found)


def _fits(form: str) -> bool:
    """Whether Latin-1 has all letters of a text, and writes them otherwise than UTF-8."""
    return not form.isascii() and all(ord(letter) < 256 for letter in form)
