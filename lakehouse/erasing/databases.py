"""Databases that may name a person: those of the catalog, of models and of Dagster's runs.

Other programs may have them open. So they are changed through SQLite or PostgreSQL alone, never
as files.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    make_url,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError

from lakehouse.erasing.person import Person
from lakehouse.erasing.quoting import QUOTING, blotted
from lakehouse.settings import Settings

_PATIENCE = 15.0
"""Seconds for which another program that has a database open is waited for."""
_HEAD = b"SQLite format 3\0"
_BESIDE = re.compile(r"-(wal|shm|journal|mj[0-9A-F]+)$")
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def addresses(settings: Settings) -> tuple[str, ...]:
    """Returns the SQLAlchemy URLs of the databases, those on disk that are there."""
    served = (settings.catalog_uri, settings.tracking_uri, settings.dagster_uri)
    found = [*settings.home.glob("*"), *(settings.home / "dagster").rglob("*")]
    found += [Path(make_url(uri).database or "") for uri in served if uri.startswith("sqlite")]
    files = {file.resolve() for file in found if file.is_file() and _is_sqlite(file)}
    servers = dict.fromkeys(uri for uri in served if uri.startswith("postgresql"))
    return (*(f"sqlite:///{file}" for file in sorted(files)), *servers)


def is_part(file: Path) -> bool:
    """Returns whether a file is an SQLite database, or one that SQLite keeps beside it."""
    return bool(_BESIDE.search(file.name)) or _is_sqlite(file)


def blot(uri: str, person: Person) -> int:
    """Blots the person out of a database.

    Returns:
        Rows that were changed.
    """
    with _opened(uri) as engine, engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # killed before the file is written anew, it keeps nothing of what was overwritten
            connection.execute(text("PRAGMA secure_delete = ON"))
        found = MetaData()
        found.reflect(connection)
        return sum(_table(connection, table, person) for table in found.tables.values())


def settle(uri: str) -> str:
    """Writes the file of an SQLite database anew: it keeps what was overwritten, its log too.

    Returns:
        What prevented it, as a full sentence; empty if nothing did.
    """
    if not uri.startswith("sqlite") or _is_settled(uri):
        return ""
    return (
        f"{make_url(uri).database} may still have overwritten rows of the person: another program "
        "has it open. Stop that program, or wait until it is done, and run the same command again."
    )


def _is_settled(uri: str) -> bool:
    try:
        with _opened(uri) as engine, engine.connect() as opened:
            connection = opened.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM"))
            # a reader of older pages keeps the log from being emptied
            return not connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar()
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF not in _BUSY:
            raise
        return False


@contextmanager
def _opened(uri: str) -> Iterator[Engine]:
    more = {"connect_args": {"timeout": _PATIENCE}} if uri.startswith("sqlite") else {}
    engine = create_engine(uri, **more)
    try:
        yield engine
    finally:
        engine.dispose()


def _table(connection: Connection, table: Table, person: Person) -> int:
    keys = [*table.primary_key.columns]
    texts = [c for c in table.columns if isinstance(c.type, String) and c not in keys]
    if not texts:
        return 0
    words = [*person.words, *QUOTING]
    suspicious = or_(
        *(column.contains(word, autoescape=True) for column in texts for word in words)
    )
    changed = 0
    for row in connection.execute(select(*texts, *keys).where(suspicious)).fetchall():
        before, key = row[: len(texts)], row[len(texts) :]
        after = [blotted(value, person) for value in before]
        if list(before) != after:
            mine = [column == value for column, value in zip(keys, key, strict=True)]
            if not keys:  # then its texts are all that a row is known by
                pairs = zip(texts, before, strict=True)
                mine = [column.is_not_distinct_from(value) for column, value in pairs]
            values = {column.name: value for column, value in zip(texts, after, strict=True)}
            connection.execute(update(table).where(*mine).values(values))
            changed += 1
    return changed


def _is_sqlite(file: Path) -> bool:
    with suppress(FileNotFoundError), file.open("rb") as stream:
        return stream.read(len(_HEAD)) == _HEAD
    return False
