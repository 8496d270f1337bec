"""Scalars and comments of a YAML file that is written line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from textwrap import wrap

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def scalar(value: object) -> str:
    r"""Returns a value as YAML on one line.

    >>> scalar("a b"), scalar("NO"), scalar(0.00001), scalar(True), scalar("x: #\n")
    ('a b', '"NO"', '0.00001', 'true', '"x: #\\n"')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = f"{value:.12f}".rstrip("0")
        return text + "0" if text.endswith(".") else text
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def flow(value: object) -> str:
    """Returns lists and mappings as YAML on one line.

    >>> flow({"format": "csv", "nulls": ["NA", ""]})
    '{format: csv, nulls: [NA, ""]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def shown(value: object) -> str:
    r"""Returns a value for a comment: short, and unable to end it.

    >>> shown("a\nkey: b")
    'a\\nkey: b'
    """
    text = str(value)
    clear = text if text.isprintable() else text.encode("unicode_escape").decode()
    return clear if len(clear) <= 80 else clear[:79] + "…"


def comment(text: str, indent: int = 0) -> list[str]:
    """Returns the lines of a comment."""
    pad = " " * indent
    lines = wrap(text, 98 - indent, break_long_words=False, break_on_hyphens=False)
    return [f"{pad}# {line}" for line in lines]


def todo(text: str, indent: int = 0) -> list[str]:
    """Returns a question for the owner; it stands on one line, so that it is found as one."""
    return [f"{' ' * indent}# TODO: {text}"]


def indented(lines: Iterable[str], by: int) -> list[str]:
    """Returns the lines, each further to the right."""
    return [" " * by + line for line in lines]
