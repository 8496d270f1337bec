"""What the text of a setting may be, and what it then is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlparse

from lakehouse.errors import SettingsError

MOST_HOURS = 1_000_000
"""A century; no date lies ten thousand of them back."""
_MOST = 1_000_000_000
_SHOWN = 20
"""Digits of a number that is too large."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PATTERN = re.compile(r"[*?\[\]{}#%\\\x00-\x1f\x7f]")
"""What DuckDB takes for a pattern of names, and other libraries for the end of a path."""


def url(name: str, value: str) -> str:
    """Returns a `file://` or `s3://` URL without a trailing slash."""
    scheme, found, rest = _plain(name, value).partition("://")
    kind = scheme.lower()  # every library compares with lower case
    path = rest.startswith("/")
    if (kind == "file" and path) or (kind == "s3" and rest and not path):
        return f"{kind}://{rest}".rstrip("/")
    if found or _SCHEME.match(value):
        why = "use a file:// or s3:// URL or a folder"
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, why)
    return "file://" + str(folder(name, value))


def folder(name: str, value: str | Path) -> Path:
    """Returns the full path of a folder."""
    return resolved(name, _plain(name, str(value)))


def resolved(name: str, value: str | Path) -> Path:
    """Returns a full path without links."""
    try:
        return Path(value).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # of a user there is not, or links in a circle
        why = f"it is no folder ({error})"
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", str(value), why) from error


def _plain(name: str, value: str) -> str:
    """Returns a path in which every library finds the same folder."""
    found = _PATTERN.search(value)
    if found:
        why = f"the name of a folder may not have the character {found[0]!r}"
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, why)
    return value


def endpoint(value: str) -> str | None:
    """Returns the URL of an S3 service without a trailing slash, None if none is named."""
    scheme, _, rest = value.partition("://")
    if value and (scheme not in ("http", "https") or "@" in rest or not _is_url(value)):
        why = "use an http:// or https:// URL without a user; credentials are AWS variables"
        shown = value if "@" not in value else "…"  # before an @ stands a password
        raise SettingsError("LAKEHOUSE_S3_ENDPOINT", shown, why)
    return value.rstrip("/") or None


def _is_url(value: str) -> bool:
    """Whether the parts of a URL can be told apart."""
    try:
        parsed = urlparse(value)
        return bool(parsed.hostname) and parsed.port != 0
    except ValueError:
        return False


def style(value: str) -> str:
    """Returns where the bucket's name stands in a URL, empty for as usual."""
    if value not in ("", "path", "virtual"):
        raise SettingsError("LAKEHOUSE_S3_URL_STYLE", value, "use path or virtual")
    return value


def database(name: str, value: str) -> str:
    """Returns the URL of a database; a PostgreSQL URL that leaves the driver open gets ours.

    What is no URL would come back as it is in some library's message, password included.
    """
    scheme, found, rest = value.partition("://")
    if scheme.startswith("sqlite"):
        return value
    try:
        parsed = urlparse(value)
        whole = bool(found) and (parsed.netloc + parsed.path).count("@") <= 1 and parsed.port != 0
    except ValueError:
        whole = False
    if not whole or "@" in parsed.path + parsed.query + parsed.fragment:
        why = "it is no URL; in a password write %40 for @, %2F for /, %3A for : and %23 for #"
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", f"{scheme if found else ''}…", why)
    if scheme in ("postgresql", "postgres"):
        return f"postgresql+psycopg2://{rest}"
    return value


def postgresql(name: str, value: str) -> str:
    """Returns a PostgreSQL URL, or an empty text."""
    found = database(name, value) if value else ""
    if found and not found.startswith("postgresql"):
        shown = value.split(":", 1)[0] + ":…"  # the rest may hold a password
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", shown, "use a postgresql:// URL")
    return found


def clock(value: str) -> datetime | None:
    """Returns a moment in UTC, None if there is none."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            "LAKEHOUSE_NOW", value, "use ISO 8601, e.g. 2014-01-01T00:00:00Z"
        ) from error


def count(name: str, value: str, most: int = _MOST) -> int:
    """Returns a whole number, `most` at most."""
    if not (value.isascii() and value.isdigit()):
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, "use a whole number")
    if len(value) > len(str(most)) or int(value) > most:
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", shown, f"use at most {most:,}")
    return int(value)


def amount(name: str, value: str) -> str:
    """Returns an amount of memory or disk as DuckDB reads it."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)? *([KMGT]i?)?B", value, re.IGNORECASE):
        return value
    raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, "use an amount, e.g. 4GB")
