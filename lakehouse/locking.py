"""One at a time: what two processes must not do at once, on one machine or on several."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from lakehouse.database import engine, without_password
from lakehouse.errors import ServiceFailed


@contextmanager
def exclusive(file: Path, uri: str, retries: int = 4) -> Iterator[None]:
    """Waits until nobody else is inside with the same file, or on the same PostgreSQL database.

    On PostgreSQL the server holds the lock, so that it reaches every machine, and gives it back
    when the connection ends, however that happens.

    Args:
        file: The lock on this machine; its name tells locks on one database apart.
        uri: SQLAlchemy URL of the database.
        retries: How often to connect again before that is an error.

    Raises:
        ServiceFailed: The database does not answer.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file):
        if not uri.startswith("postgresql"):
            yield
            return
        connection = _locked(uri, _key(file.name), retries)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # the server went away, and the lock with it
                connection.close()


def _locked(uri: str, key: int, retries: int) -> Connection:
    """Returns a connection that holds a lock."""
    for left in range(retries, -1, -1):
        try:
            connection = engine(uri, retries=retries, pooled=False).connect()
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            return connection
        except OperationalError as error:
            # a server that went away while its turn was awaited may be back
            if left and error.connection_invalidated:
                continue
            where = without_password(uri)
            why = " ".join(str(error.orig).split())
            raise ServiceFailed("PostgreSQL", f"connecting to {where}", why) from error
    raise AssertionError  # the last attempt returns or raises


def _key(name: str) -> int:
    """Returns the number by which PostgreSQL knows a lock.

    >>> _key("mlflow.lock") == _key("mlflow.lock") != _key("catalog.lock")
    True
    """
    digest = hashlib.sha256(f"lakehouse/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
