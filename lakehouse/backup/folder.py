"""What a backup is made of: a folder of plain files, the last of which tells what is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lakehouse.errors import UnknownName, UsageError
from lakehouse.lake import Lake
from lakehouse.results import Result, counted

DOCUMENT = "backup.json"
REFERENCES = "references.txt"
REGISTRY = "registry.ndjson"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Backup:
    """One backup.

    Attributes:
        name: Its name.
        made_at: When it was taken, by the lake's clock.
        format: The lake's format.
        warehouse: URL of the warehouse that its files are in.
        tables: Where the metadata of each table is, by table name.
        files: sha256 of each file in the folder, by name.
        references: How many files it needs.
    """

    name: str
    made_at: str
    format: int
    warehouse: str
    tables: Mapping[str, str]
    files: Mapping[str, str]
    references: int

    def dumps(self) -> str:
        """Returns the backup's document as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @staticmethod
    def metadata(table: str) -> str:
        """Returns the name of the file with a table's metadata."""
        return f"metadata/{table}.metadata.json"


@dataclass(frozen=True)
class Listed(Result):
    """The backups of a lake.

    Attributes:
        backups: In the order of their names.
    """

    backups: tuple[Backup, ...]

    def summary(self) -> str:
        """Counts them."""
        if not self.backups:
            return "There is no backup. `lakehouse backup` takes one."
        return f"{counted(len(self.backups), 'backup')}"

    def facts(self) -> Mapping[str, object]:
        """Returns what each holds."""
        return {
            "backups": [
                {"name": b.name, "made_at": b.made_at, "tables": len(b.tables)}
                | {"references": b.references}
                for b in self.backups
            ]
        }


def listed(lake: Lake) -> Listed:
    """Returns the backups that lie in the warehouse."""
    files = lake.storage.list(f"{lake.settings.warehouse}/backups")
    folders = [f.url.removesuffix(f"/{DOCUMENT}") for f in files if f.url.endswith(f"/{DOCUMENT}")]
    return Listed(tuple(opened(lake, folder) for folder in sorted(folders)))


def remove(lake: Lake, name: str) -> Backup:
    """Removes a backup, so that maintenance may delete what nothing else needs.

    Raises:
        UnknownName: There is no such backup.
    """
    folder = found(lake, name)
    gone = opened(lake, folder)
    clear(lake, folder)
    return gone


def remove_all(lake: Lake) -> None:
    """Removes all backups from the warehouse, also what is there of one that was never finished."""
    clear(lake, f"{lake.settings.warehouse}/backups")


def clear(lake: Lake, folder: str) -> None:
    """Removes the files of backups, the documents first: a backup that lacks a file is none."""
    files = lake.storage.list(folder, hidden=True)
    for file in sorted(files, key=lambda one: not one.url.endswith(f"/{DOCUMENT}")):
        with suppress(FileNotFoundError):  # another run was faster
            lake.storage.remove(file.url)


def home(lake: Lake, name: str) -> str:
    """Returns the folder of a backup in the warehouse, there or not.

    Raises:
        UsageError: It is no name.
    """
    if not _NAME.fullmatch(name):
        why = "letters, digits, dots, dashes and underscores make a name"
        raise UsageError(f"'{name}' is no name of a backup: {why}. Nothing was changed.")
    return f"{lake.settings.warehouse}/backups/{name}"


def found(lake: Lake, where: str) -> str:
    """Returns the folder of a backup that is there.

    Args:
        lake: The lake.
        where: Its name, or the URL or path of its folder.

    Raises:
        UnknownName: There is no such backup.
    """
    folder = url(where) if "/" in where else home(lake, where)
    if not lake.storage.exists(f"{folder}/{DOCUMENT}"):
        raise UnknownName("backup", where, [backup.name for backup in listed(lake).backups])
    return folder


def url(place: str) -> str:
    """Returns the URL of a folder that a person named by its URL or its path."""
    if "://" in place:
        return place.rstrip("/")
    return f"file://{Path(place).expanduser().resolve()}"


def opened(lake: Lake, folder: str) -> Backup:
    """Returns the backup in a folder.

    Raises:
        UsageError: Its document cannot be read.
    """
    with lake.storage.open(f"{folder}/{DOCUMENT}") as stream:
        content = stream.read()
    try:
        return Backup(**json.loads(content))
    except (ValueError, TypeError) as error:
        why = f"{folder}/{DOCUMENT} cannot be read ({error})"
        raise UsageError(f"This is no backup: {why}. Nothing was changed.") from error


def absolute(lake: Lake, reference: str) -> str:
    """Returns the URL of a file that a backup needs."""
    return reference if "://" in reference else lake.object_url(reference)


def absent(lake: Lake, references: list[str]) -> list[str]:
    """Returns the files that are needed and not there, from one listing of the warehouse."""
    there = {file.url for file in lake.storage.list(lake.settings.warehouse)}
    urls = (absolute(lake, reference) for reference in references)
    # a listing leaves out names that look hidden
    return [url for url in urls if url not in there and not lake.storage.exists(url)]
