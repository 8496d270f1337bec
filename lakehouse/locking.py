"""One at a time: what two processes must not do at once, on one machine or on several."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from lakehouse.database import engine, without_password
from lakehouse.errors import ServiceFailed


@contextmanager
def exclusive(file: Path, uri: str) -> Iterator[None]:
    """Waits until nobody else is inside with the same file, or on the same PostgreSQL database.

    It guards the first making of tables in a database: two processes that make them at the same
    moment trip over each other. On PostgreSQL the server holds the lock, so that it reaches every
    machine, and gives it back when the connection ends, however that happens.

    Args:
        file: The lock on this machine; its name tells locks on one database apart.
        uri: SQLAlchemy URL of the database.

    Raises:
        ServiceFailed: The database does not answer.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file):
        if not uri.startswith("postgresql"):
            yield
            return
        with _connected(uri) as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _key(file.name)})
            yield


def _connected(uri: str) -> Connection:
    try:
        return engine(uri, pooled=False).connect()
    except OperationalError as error:
        where = without_password(uri)
        why = " ".join(str(error.orig).split())
        raise ServiceFailed("PostgreSQL", f"connecting to {where}", why) from error


def _key(name: str) -> int:
    """Returns the number by which PostgreSQL knows a lock.

    >>> _key("mlflow.lock") == _key("mlflow.lock") != _key("catalog.lock")
    True
    """
    digest = hashlib.sha256(f"lakehouse/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
