"""Other places that may name a person: databases of runs and models, and files in the lake's home.

What is looked for is the value itself, and whatever quotes rows of the dataset: the examples of an
audit are shown by Dagster, too, and are kept there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, String, Table, create_engine, or_, select, text, update

from lakehouse.erasing.past import holds
from lakehouse.erasing.person import Person
from lakehouse.lake import Lake

BLOT = "[erased]"
_QUOTING = ("examples", "for example", "observed")
_EXAMPLE = re.compile(r"\b(for example|observed) [^;\n]*")
_PLACES = ("docs", "dbt", "tmp", "dagster", "logs")
_HOUR = 3600.0
"""Seconds after which a folder for passing use was left by a run that ended."""


def blot(lake: Lake, person: Person) -> int:
    """Blots the person out of the lake's databases and the files of its home.

    Returns:
        Entries and files that were changed or removed.
    """
    settings = lake.settings
    found = [*settings.home.glob("*.db"), *(settings.home / "dagster").rglob("*.db")]
    files = [f"sqlite:///{file}" for file in sorted(found)]
    served = (settings.catalog_uri, settings.tracking_uri, settings.dagster_uri)
    uris = dict.fromkeys([*files, *(uri for uri in served if uri.startswith("postgresql"))])
    changed = sum(_database(uri, person) for uri in uris)
    for file, passing in _files(settings.home):
        changed += _cleared(file, person, passing=passing)
    return changed


def _database(uri: str, person: Person) -> int:
    """Blots a database; SQLite's file is written anew, for it keeps what was overwritten."""
    engine = create_engine(uri)
    try:
        with engine.begin() as connection:
            found = MetaData()
            found.reflect(connection)
            changed = sum(_table(connection, table, person) for table in found.tables.values())
        if changed and engine.dialect.name == "sqlite":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM"))
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    finally:
        engine.dispose()
    return changed


def _table(connection: Connection, table: Table, person: Person) -> int:
    keys = [*table.primary_key.columns]
    texts = [c for c in table.columns if isinstance(c.type, String) and c not in keys]
    if not keys or not texts:
        return 0
    words = [*person.words, *(quote for quote in _QUOTING)]
    suspicious = or_(
        *(column.contains(word, autoescape=True) for column in texts for word in words)
    )
    rows = connection.execute(select(*keys, *texts).where(suspicious)).fetchall()
    changed = 0
    for row in rows:
        before = row[len(keys) :]
        after = [_blotted(value, person) for value in before]
        if list(before) != after:
            mine = [key == value for key, value in zip(keys, row, strict=False)]
            values = {column.name: value for column, value in zip(texts, after, strict=True)}
            connection.execute(update(table).where(*mine).values(values))
            changed += 1
    return changed


def _blotted(value: Any, person: Person) -> Any:
    """Returns a text without the person, and where it quotes rows of the dataset without these."""
    if not isinstance(value, str):
        return value
    if person.contract.dataset in value and any(quote in value for quote in _QUOTING):
        value = _unquoted(value)
    return person.blotted(value, BLOT)


def _unquoted(value: str) -> str:
    try:
        document = json.loads(value)
    except ValueError:
        return _EXAMPLE.sub(rf"\1 {BLOT}", value)
    return json.dumps(_without_examples(document))


def _without_examples(value: Any) -> Any:
    """Returns a JSON value without the rows of its tables and the examples in its texts."""
    if isinstance(value, dict):
        if value.get("__class__") == "TableRecord":
            return {**value, "data": dict.fromkeys(value.get("data", {}), BLOT)}
        if isinstance(seen := value.get("observed"), dict):
            told = {name: BLOT for name in ("data", "text") if name in seen}
            value = {**value, "observed": {**seen, **told}}
        return {name: _without_examples(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_examples(part) for part in value]
    return _EXAMPLE.sub(rf"\1 {BLOT}", value) if isinstance(value, str) else value


def _files(home: Path) -> Iterator[tuple[Path, bool]]:
    """Yields the files of a lake's home beside tables and databases; whether they may go."""
    for place in _PLACES:
        for file in sorted((home / place).rglob("*")):
            if file.is_file() and file.suffix not in (".db", ".lock"):
                # dbt's manifest is kept, the folders beside it are of single builds
                yield file, place == "tmp" or (place == "dbt" and file.parent != home / place)


def _cleared(file: Path, person: Person, *, passing: bool) -> bool:
    """Removes a file that a run left behind, and blots one that stays."""
    with suppress(FileNotFoundError):
        old = time.time() - file.stat().st_mtime > _HOUR
        content = file.read_bytes()
        if passing and (old or _in_file(file, content, person)):
            file.unlink()
            return True
        plain = content.decode(errors="surrogateescape")
        if not passing and (after := _blotted(plain, person)) != plain:
            file.write_bytes(after.encode(errors="surrogateescape"))
            return True
    return False


def _in_file(file: Path, content: bytes, person: Person) -> bool:
    if file.suffix in (".parquet", ".avro"):
        try:
            return holds(person, file.name, content)
        except (OSError, ValueError):
            return True  # it was being written when its run ended
    return bool(person.words) and person.mentioned(content)
