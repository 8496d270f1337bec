"""Other places that may name a person: databases of runs and models, and files in the lake's home.

What is looked for is the value itself, and whatever quotes rows of the dataset: the examples of an
audit are shown by Dagster, too, and are kept there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lakehouse.erasing import databases
from lakehouse.erasing.past import holds
from lakehouse.erasing.person import Person
from lakehouse.erasing.quoting import blotted
from lakehouse.lake import Lake

_PLACES = ("docs", "dbt", "tmp", "dagster", "logs")
_HOUR = 3600.0
"""Seconds after which a folder for passing use was left by a run that ended."""


def blot(lake: Lake, person: Person) -> int:
    """Blots the person out of the lake's databases and the files of its home.

    Returns:
        Entries and files that were changed or removed.
    """
    changed = sum(databases.blot(uri, person) for uri in databases.addresses(lake.settings))
    for file, passing in _files(lake.settings.home):
        changed += _cleared(file, person, passing=passing)
    return changed


def settle(lake: Lake) -> tuple[str, ...]:
    """Has databases on disk drop what was overwritten in them, now or by an attempt before.

    Returns:
        What prevented it, as full sentences.
    """
    told = (databases.settle(uri) for uri in databases.addresses(lake.settings))
    return tuple(why for why in told if why)


def _files(home: Path) -> Iterator[tuple[Path, bool]]:
    """Yields the files of a lake's home beside tables and databases; whether they may go."""
    for place in _PLACES:
        for file in sorted((home / place).rglob("*")):
            # dbt's manifest is kept, the folders beside it are of single builds
            passing = place == "tmp" or (place == "dbt" and file.parent != home / place)
            with suppress(FileNotFoundError):
                if not file.is_file() or file.suffix == ".lock":
                    continue
                if passing or not databases.is_part(file):
                    yield file, passing


def _cleared(file: Path, person: Person, *, passing: bool) -> bool:
    """Removes a file that a run left behind, and blots one that stays."""
    with suppress(FileNotFoundError):
        old = time.time() - file.stat().st_mtime > _HOUR
        content = file.read_bytes()
        if passing and (old or _tells(file, content, person)):
            file.unlink()
            return True
        plain = content.decode(errors="surrogateescape")
        if not passing and (after := blotted(plain, person)) != plain:
            file.write_bytes(after.encode(errors="surrogateescape"))
            return True
    return False


def _tells(file: Path, content: bytes, person: Person) -> bool:
    """Whether a file for passing use has the person, or may have them where nobody can look.

    DuckDB's databases and what it spills are packed. A run that loses such a file begins anew.
    """
    if file.suffix in (".parquet", ".avro"):
        try:
            return holds(person, file.name, content)
        except (OSError, ValueError, EOFError):
            return True  # it was being written when its run ended
    return not _is_text(content) or person.mentioned(content)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content
