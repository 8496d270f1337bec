"""Takes passwords and keys out of texts that are about to be shown or kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, unquote_plus

_SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAKEHOUSE_HASH_KEY",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PGPASSWORD",
)
"""Variables whose values are secrets; of those that hold a URL the passwords are."""
_PYICEBERG = re.compile(
    r"PYICEBERG_.*(TOKEN|CREDENTIAL|SECRET|PASSWORD|ACCESS_KEY|ACCOUNT_KEY|CONNECTION_STRING"
    r"|AUTHORIZATION)",
    re.IGNORECASE,
)
"""PyIceberg takes any property of a catalog from the environment, in any case."""
_URLS = ("_URI", "_URL", "_PROXY")
_LEAST = 4
"""Characters; hiding every `a` of a text would say more of a password than it hides."""
_WORD = 12
"""Letters alone, and fewer than these, are hidden as a word only: `lake` is no part of `flakes`."""
_NAME = r"\w*(?:password|passwd|passphrase|secret|token)"
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@'\"]*:([^\s'\"]*)@")
_NAMED = re.compile(rf"\b{_NAME}=([^&\s'\"]+)", re.IGNORECASE)
_USER = re.compile(r"^([^:/?#]+://[^:/?#@]*):.*@", re.DOTALL)
_OPTION = re.compile(rf"([?&]{_NAME})=([^&#]*)", re.IGNORECASE)

_remembered: set[str] = set()
"""The passwords of the settings that this process has loaded."""


def hidden(text: str) -> str:
    """Returns a text without the passwords of its URLs and without this process's secrets.

    >>> hidden("no answer from postgresql://ada:s3cr3t@db:5432/lake?sslpassword=x&a=1")
    'no answer from postgresql://ada:***@db:5432/lake?sslpassword=***&a=1'
    """
    shown, end = "", 0
    for start, stop in sorted(_found(text)):
        if start >= end:
            shown += text[end:start] + "***"
        end = max(end, stop)
    return shown + text[end:]


def without_passwords(url: str) -> str:
    """Returns the URL of a setting as it may be shown, whichever characters its passwords have.

    >>> without_passwords("postgresql://ada:it's s3cr3t@db/lake?password=o'clock&a=1")
    'postgresql://ada:***@db/lake?password=***&a=1'
    """
    return hidden(_OPTION.sub(r"\1=***", _USER.sub(r"\1:***@", url)))


def remember(url: str) -> None:
    """Has `hidden` take the passwords of a URL out of every text from now on."""
    _remembered.update(_passwords(url))


def _found(text: str) -> Iterator[tuple[int, int]]:
    """Yields where secrets stand in a text; these places may overlap."""
    for pattern in (_IN_URL, _NAMED):
        yield from (match.span(1) for match in pattern.finditer(text))
    for secret in {form for known in _known() for form in _forms(known)}:
        if len(secret) < _LEAST:
            continue
        word = len(secret) < _WORD and secret.isalpha()
        edges = (r"(?<![^\W\d_])", r"(?![^\W\d_])") if word else ("", "")
        pattern = re.compile(re.escape(secret).join(edges))
        yield from (match.span() for match in pattern.finditer(text))


def _known() -> Iterator[str]:
    """Yields the secrets of the environment and of the settings."""
    yield from tuple(_remembered)
    for name, value in os.environ.items():
        if name in _SECRETS:
            yield value
        elif _PYICEBERG.fullmatch(name):
            yield value
            yield value.partition(":")[2]  # of a client's name and secret
            yield value.rpartition(" ")[2]  # of a header
        elif name.upper().endswith(_URLS):
            yield from _passwords(value)


def _passwords(url: str) -> Iterator[str]:
    """Yields what stands in a URL where passwords do, also if it is not written as it must be."""
    rest = url.partition("://")[2]
    for part in (rest, re.split("[/?#]", rest, maxsplit=1)[0]):
        yield part.rpartition("@")[0].partition(":")[2]
    yield from (match[2] for match in _OPTION.finditer(url))


def _forms(secret: str) -> Iterator[str]:
    """Yields a secret as it stands in a URL, in Python's and in JSON's quotes."""
    for plain in (secret, secret.strip(), unquote(secret), unquote_plus(secret)):
        yield from (plain, quote(plain, safe=""), json.dumps(plain)[1:-1])
        for quoted in (repr(plain)[1:-1], repr(plain.encode(errors="replace"))[2:-1]):
            bare = quoted.replace("\\'", "'")
            yield from (bare, bare.replace("'", "\\'"))
