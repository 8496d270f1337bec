"""What an outside service's error means, in one sentence, whichever library has raised it.

The verbs of the engine raise what their libraries do; those who call them on a person's behalf ask
here what to tell, so that no call has to be wrapped on its own.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from lakehouse.errors import ServiceFailed, Unanswered

_LONGEST = 500
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LIBRARIES = {
    "botocore": "S3",
    "aiobotocore": "S3",
    "aiohttp": "S3",
    "s3fs": "S3",
    "psycopg2": "The database",
    "requests": "The REST catalog",
    "sqlite3": "The database",
    "sqlalchemy": "The database",
}
_DOING = {
    "S3": "reading or writing the lake's files",
    "The database": "reading or writing the catalog",
    "The REST catalog": "answering",
    "Storage": "reading or writing files",
    "The disk": "writing",
}
_OF_DUCKDB = {"IOException", "HTTPException", "Error"}
"""DuckDB's own kinds; what its readers of files cannot make sense of has none."""
_DAMAGED = re.compile(
    r"failed to read |no magic bytes|footer length|iceberg metadata|corrupt|required property"
)
"""In messages of DuckDB about the content of a file, which it calls invalid input."""
_NO_FAULT_OF_ITS_OWN = {"ProgrammingError", "DataError", "IntegrityError", "ParamValidationError"}
"""Errors of these libraries that tell of a mistake in the lakehouse."""


def told(error: BaseException) -> ServiceFailed | None:
    """Returns the error of the outside service that another error comes from.

    Args:
        error: What a verb has raised.

    Returns:
        None if no service is to blame.
    """
    causes = list(_line(error))
    for one in causes:
        if isinstance(one, Unanswered):
            return one
    for one in causes:
        service = _service(one)
        if service:
            return ServiceFailed(service, _DOING[service], _why(one))
    return None


def _line(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and those it was raised from, the first cause first."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or getattr(at, "orig", None)
    yield from reversed(found)


def _service(error: BaseException) -> str:
    kind = type(error)
    text = str(error).lower()
    full = "no space left" in text or "database or disk is full" in text
    if full or (isinstance(error, OSError) and error.errno in _FULL):
        return "The disk"
    if kind.__name__ in _NO_FAULT_OF_ITS_OWN:
        return ""
    if any(
        base.__name__ == "RESTError" for base in kind.__mro__
    ):  # PyIceberg's; it is slow to load
        return "The REST catalog"
    library = kind.__module__.split(".")[0]
    if library in _LIBRARIES:
        return _LIBRARIES[library]
    if library in ("_duckdb", "duckdb"):
        damaged = kind.__name__ == "InvalidInputException" and _DAMAGED.search(text)
        return "Storage" if damaged or kind.__name__ in _OF_DUCKDB else ""
    return "Storage" if isinstance(error, OSError) else ""


def _why(error: BaseException) -> str:
    """Returns what the library said, without the statement that it said it about."""
    lines = str(error).partition("[SQL:")[0].split()
    return (" ".join(lines) or type(error).__name__).rstrip(".")[:_LONGEST]
