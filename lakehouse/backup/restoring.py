"""Brings catalog, ledger and registry back to what a backup holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse import catalog, faults, registry
from lakehouse.backup import folder
from lakehouse.backup.folder import REFERENCES, REGISTRY, Backup
from lakehouse.catalog import FORMAT_VERSION
from lakehouse.errors import LakeFormatError, RestoreRefused
from lakehouse.lake import Lake
from lakehouse.results import Result, counted

_SHOWN = 3
_WAY_OUT = " --replace gives up what is there now; `lakehouse backup` keeps it before that."


@dataclass(frozen=True)
class Restored(Result):
    """A lake that is again what it was.

    Attributes:
        backup: What it was restored from.
        changed: False if the lake was just so already.
    """

    backup: Backup
    changed: bool

    def summary(self) -> str:
        """Says which state the lake is in now."""
        if not self.changed:
            return f"The lake is as in backup {self.backup.name} already; nothing was changed."
        return (
            f"{counted(len(self.backup.tables), 'table')} and the registry are as of "
            f"{self.backup.made_at} again. `lakehouse plan` shows what came later."
        )

    def facts(self) -> Mapping[str, object]:
        """Returns name, time and number of tables."""
        return {
            "name": self.backup.name,
            "made_at": self.backup.made_at,
            "tables": len(self.backup.tables),
            "changed": self.changed,
        }


def restore(lake: Lake, where: str, *, replace: bool = False) -> Restored:
    """Makes catalog, ledger and registry what they were when a backup was taken.

    Everything is verified first. Catalog and registry are databases of their own: each changes in
    one transaction, in the order in which a restore that is cut short leaves models that no table
    tells of, never the reverse; the same call finishes it.

    Args:
        lake: The lake.
        where: Name of the backup, or the URL of its folder.
        replace: Gives up what the lake holds now.

    Raises:
        UnknownName: There is no such backup.
        LakeFormatError: A newer version of the lakehouse has taken it.
        RestoreRefused: A file of the backup or one that it needs is not as it was, it is of another
            warehouse, or the lake holds something else and `replace` was not said.
        UsageError: The lake's catalog can only be written by its own server.
    """
    _ = lake.catalog.engine  # refused before anything is changed
    place = folder.found(lake, where)
    backup = folder.opened(lake, place)
    if backup.format > int(FORMAT_VERSION):
        raise LakeFormatError(place, backup.format, int(FORMAT_VERSION))
    if backup.warehouse != lake.settings.warehouse:
        why = f"it is of the warehouse {backup.warehouse}, this lake's is {lake.settings.warehouse}"
        raise RestoreRefused(backup.name, why)
    with lake.scratch() as scratch, lake.files_held():
        _verified(lake, backup, place, scratch)
        tables, models = _tables_differ(lake, backup), _models_differ(lake, scratch / REGISTRY)
        if not replace:
            _refuse_others(lake, backup, tables=tables, models=models)
        _bring_metadata(lake, backup, scratch)
        faults.reach("restore.checked")
        # a lake whose models are ahead of its tables is what any run that is cut short leaves
        steps = (_models, _tables) if not lake.catalog.names() else (_tables, _models)
        for step in steps:
            if tables if step is _tables else models:
                step(lake, backup, scratch)
            faults.reach("restore.moved")
    return Restored(backup, tables or models)


def _verified(lake: Lake, backup: Backup, place: str, scratch: Path) -> None:
    """Copies a backup to the local disk; what is verified is the copy, and it is what is used."""
    for name, sha256 in backup.files.items():
        target = f"file://{scratch / name}"
        try:
            lake.storage.copy(f"{place}/{name}", target)
        except FileNotFoundError as error:
            raise RestoreRefused(backup.name, f"{place}/{name} is missing") from error
        if lake.storage.digest(target)[0] != sha256:
            raise RestoreRefused(backup.name, f"{place}/{name} is not what was saved")
    references = (scratch / REFERENCES).read_text(encoding="utf-8").splitlines()
    if gone := folder.absent(lake, references):
        listed = ", ".join(gone[:_SHOWN]) + (", …" if len(gone) > _SHOWN else "")
        why = f"{counted(len(gone), 'file')} that it needs are missing: {listed}"
        raise RestoreRefused(backup.name, why)


def _tables_differ(lake: Lake, backup: Backup) -> bool:
    return lake.catalog.locations() != dict(backup.tables)


def _models_differ(lake: Lake, saved: Path) -> bool:
    now = hashlib.sha256()
    for line in registry.dump(lake.settings.tracking_uri):
        now.update(f"{line}\n".encode())
    return now.hexdigest() != hashlib.sha256(saved.read_bytes()).hexdigest()


def _refuse_others(lake: Lake, backup: Backup, *, tables: bool, models: bool) -> None:
    held = lake.catalog.names()
    if tables and held:
        why = f"the lake holds {counted(len(held), 'table')} already"
        raise RestoreRefused(backup.name, why, _WAY_OUT)
    if models and registry.is_used(lake.settings.tracking_uri):
        raise RestoreRefused(backup.name, "MLflow's store holds models already", _WAY_OUT)


def _bring_metadata(lake: Lake, backup: Backup, scratch: Path) -> None:
    """Puts back metadata files that later commits have trimmed."""
    for table, location in backup.tables.items():
        saved = scratch / Backup.metadata(table)
        if not lake.storage.exists(location):
            lake.storage.copy(f"file://{saved}", location)
        elif lake.storage.digest(location)[0] != backup.files[Backup.metadata(table)]:
            raise RestoreRefused(backup.name, f"{location} is not what was saved")


def _tables(lake: Lake, backup: Backup, _: Path) -> None:
    catalog.point(lake.catalog, backup.tables)


def _models(lake: Lake, _: Backup, scratch: Path) -> None:
    saved = scratch / REGISTRY
    if not saved.stat().st_size and not registry.is_used(lake.settings.tracking_uri):
        return  # there was no store
    registry.prepare(lake)
    with saved.open(encoding="utf-8") as lines:
        registry.load(lake.settings.tracking_uri, lines)
