"""Takes a backup while runs go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse import catalog, faults, registry
from lakehouse.backup import folder
from lakehouse.backup.folder import DOCUMENT, REFERENCES, REGISTRY, Backup
from lakehouse.catalog import FORMAT_VERSION, Refs
from lakehouse.errors import ServiceFailed, UsageError
from lakehouse.lake import Lake
from lakehouse.results import Result, counted

_ATTEMPTS = 5


@dataclass(frozen=True)
class Saved(Result):
    """A backup that was taken.

    Attributes:
        backup: What is in it.
        folders: Where it lies.
    """

    backup: Backup
    folders: tuple[str, ...]

    def summary(self) -> str:
        """Says what was saved and how to get it back."""
        return (
            f"Backup {self.backup.name}: {counted(len(self.backup.tables), 'table')} and the "
            f"registry, which need {counted(self.backup.references, 'file')}. "
            f"`lakehouse restore {self.backup.name}` brings them back."
        )

    def facts(self) -> Mapping[str, object]:
        """Returns name, places and counts."""
        return {
            "name": self.backup.name,
            "folders": list(self.folders),
            "tables": len(self.backup.tables),
            "references": self.backup.references,
        }


def save(lake: Lake, name: str = "", to: str = "") -> Saved:
    """Copies the metadata of all tables as one read of the catalog finds them, and the registry.

    The registry is read after the catalog: models that no table tells of yet harm nobody.

    Args:
        lake: The lake.
        name: Name of the backup; the time if empty.
        to: URL of a folder that gets a second copy.

    Raises:
        UsageError: There is a backup of that name, or it is no name.
        ServiceFailed: Files kept being deleted, or persons forgotten, while the backup was taken.
    """
    called = name or f"{lake.settings.clock():%Y-%m-%dT%H-%M-%SZ}"
    target = folder.home(lake, called)
    if lake.storage.exists(f"{target}/{DOCUMENT}"):
        raise UsageError(f"There is a backup {called} already. Nothing was saved. Name another.")
    for _ in range(_ATTEMPTS):
        forgotten = lake.ledger.read().erasures
        try:
            backup = _written(lake, called, target)
            with lake.files_held():  # what is being deleted is gone; what comes later, sees it
                absent = folder.absent(lake, _references(lake, target))
        except FileNotFoundError:  # a table moved on and its metadata was trimmed meanwhile
            continue
        # the registry may be as it was before a person was forgotten
        if not absent and lake.ledger.read().erasures == forgotten:
            return Saved(backup, (target, *_again(lake, backup, target, to)))
        folder.clear(lake, target)  # maintenance deleted files before it could see the backup
    raise ServiceFailed("Storage", "taking a backup", "files were deleted in the meantime")


def _again(lake: Lake, backup: Backup, source: str, to: str) -> list[str]:
    """Copies a backup to a second place, if one is named."""
    if not to:
        return []
    target = f"{folder.url(to)}/{backup.name}"
    for file in (*backup.files, DOCUMENT):
        lake.storage.copy(f"{source}/{file}", f"{target}/{file}")
    return [target]


def _written(lake: Lake, name: str, target: str) -> Backup:
    refs = lake.catalog.refs()
    with lake.scratch() as scratch:
        (scratch / "metadata").mkdir()
        for table, found in refs.tables.items():
            copied = f"file://{scratch / Backup.metadata(table)}"
            lake.storage.copy(found.metadata_location, copied)
        faults.reach("backup.copied")
        _write(scratch / REGISTRY, registry.dump(lake.settings.tracking_uri))
        _write(scratch / REFERENCES, sorted(_needed(lake, refs)))
        files = sorted(path for path in scratch.rglob("*") if path.is_file())
        backup = Backup(
            name=name,
            made_at=lake.settings.clock().isoformat(),
            format=int(FORMAT_VERSION),
            warehouse=lake.settings.warehouse,
            tables={table: found.metadata_location for table, found in refs.tables.items()},
            files={
                path.relative_to(scratch).as_posix(): lake.storage.digest(f"file://{path}")[0]
                for path in files
            },
            references=len((scratch / REFERENCES).read_text(encoding="utf-8").splitlines()),
        )
        (scratch / DOCUMENT).write_text(backup.dumps(), encoding="utf-8")
        for file in (*backup.files, DOCUMENT):  # the document last: it says that the rest is there
            lake.storage.copy(f"file://{scratch / file}", f"{target}/{file}")
            faults.reach("backup.stored")
    return backup


def _needed(lake: Lake, refs: Refs) -> Iterator[str]:
    """Yields every file that is read after a restore, within the warehouse by its path there."""
    root = f"{lake.settings.warehouse}/"
    for table in refs.tables.values():
        for url in catalog.reached(table):
            yield url.removeprefix(root)
    yield from lake.ledger.at(refs).objects
    for file in lake.storage.list(registry.artifacts(lake.settings)):
        yield file.url.removeprefix(root)


def _references(lake: Lake, target: str) -> list[str]:
    with lake.storage.open(f"{target}/{REFERENCES}") as stream:
        return stream.read().decode().splitlines()


def _write(path: Path, lines: Iterator[str] | list[str]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)
