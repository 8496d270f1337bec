"""Moves a lake to another place: from the local disk to services, or back.

The source is only read. Files come first, each verified; then metadata, in which every URL is that
of the new place; then the registry; the catalog is the last, in one transaction. Until then nobody
sees anything in the target, so what was cut short is taken up again by the same call.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse import catalog, faults, registry
from lakehouse.catalog import Refs
from lakehouse.errors import MigrationRefused, ServiceFailed
from lakehouse.lake import Lake
from lakehouse.migration.objects import Copied, copy_all
from lakehouse.migration.place import Route
from lakehouse.results import Result, counted

_SHOWN = 3
"""Missing files that a refusal names."""


@dataclass(frozen=True)
class Migrated(Result):
    """A lake that is in another place, too.

    Attributes:
        tables: Its tables.
        snapshots: Their snapshots.
        rows: Rows of all snapshots.
        copied: Its files.
        warehouse: Where it is now.
        moved_on: Tables of the source that runs have changed in the meantime.
    """

    tables: int
    snapshots: int
    rows: int
    copied: Copied
    warehouse: str
    moved_on: tuple[str, ...]

    def summary(self) -> str:
        """Counts what is in the target and says what is not."""
        told = (
            f"{counted(self.tables, 'table')} with {counted(self.snapshots, 'snapshot')}, "
            f"{counted(self.rows, 'row')} in all, and {counted(self.copied.files, 'file')} "
            f"({self.copied.size / 1e6:,.1f} MB, {self.copied.new:,} new) are in {self.warehouse}, "
            "verified."
        )
        if not self.moved_on:
            return told
        changed = ", ".join(self.moved_on)
        return f"{told} Runs went on in the source: what came since is not there ({changed})."

    def facts(self) -> Mapping[str, object]:
        """Returns the counts."""
        return {
            "tables": self.tables,
            "snapshots": self.snapshots,
            "rows": self.rows,
            "files": self.copied.files,
            "files_new": self.copied.new,
            "bytes": self.copied.size,
            "warehouse": self.warehouse,
            "moved_on": list(self.moved_on),
        }


def migrate(
    source: Lake,
    target: Lake,
    *,
    landing: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Migrated:
    """Copies a lake with the whole history of its tables and models to an empty place.

    Args:
        source: The lake; it is only read.
        target: Where it goes: another warehouse, catalog and model store.
        landing: Whether the files in the landing folder go, too.
        progress: Told what is being done.

    Raises:
        MigrationRefused: The target holds another lake; the source none, not all that its books
            name, or a person who is being forgotten.
        LakeFormatError: Another version of the lakehouse has written the source.
        ServiceFailed: Something in the target is not what was put there.
        UsageError: The target's catalog can only be written by its own server.
    """
    _ = target.catalog.engine  # refused before a file is copied
    route = Route(source, target)
    refs = source.catalog.refs()
    locations = {name: route.file(t.metadata_location) for name, t in refs.tables.items()}
    if not locations:
        raise MigrationRefused(f"there is no table in the lake of {source.settings.home}")
    _refuse_erasures(source, refs)
    models = list(registry.relocated(registry.dump(source.settings.tracking_uri), route.text))
    _refuse_another(target, locations, models)
    with source.scratch() as scratch:
        files = _files(route, refs, landing=landing)
        progress(f"{counted(len(files), 'file')} to copy")
        copied = copy_all(route, files, scratch, progress)
        snapshots, rows = 0, 0
        for name, table in refs.tables.items():
            folder = scratch / name
            folder.mkdir()
            metadata = catalog.relocated(table, route.file, folder)
            local = {f"file://{file}": url for url, file in metadata.items()}
            copied += copy_all(route, local, scratch, progress)
            faults.reach("migration.rewritten")
            found = _verified(route, name, table.metadata_location, locations[name])
            snapshots, rows = snapshots + len(found), rows + sum(found.values())
            progress(f"{name}: {counted(len(found), 'snapshot')}, all rows are there")
    _take_models(target, models)
    progress("the registry is there")
    faults.reach("migration.registered")
    catalog.point(target.catalog, locations)
    now = source.catalog.locations()
    moved_on = sorted(name for name in now if _place(refs, name) != now[name])
    return Migrated(
        len(locations), snapshots, rows, copied, target.settings.warehouse, tuple(moved_on)
    )


def _place(refs: Refs, name: str) -> str:
    table = refs.tables.get(name)
    return table.metadata_location if table else ""


def _refuse_erasures(source: Lake, refs: Refs) -> None:
    """Refuses a lake that still has a person: the key to know them again stays where it is."""
    if begun := source.ledger.at(refs).unfinished:
        listed = ", ".join(f"{one.number} of {one.dataset}" for one in begun)
        hint = "Finish it by the same `lakehouse forget` as before, then migrate."
        raise MigrationRefused(f"an erasure is not finished ({listed})", hint)


def _refuse_another(target: Lake, locations: Mapping[str, str], models: list[str]) -> None:
    held = target.catalog.locations()
    if held and held != locations:
        raise MigrationRefused(f"the target holds a lake of {counted(len(held), 'table')} already")
    if not _runs(registry.dump(target.settings.tracking_uri)) <= _runs(models):
        raise MigrationRefused("the target's model store holds other models")


def _runs(lines: Iterable[str]) -> set[str]:
    """Returns the ids of runs alone: one that was under way before may have ended since."""
    rows = (json.loads(line) for line in lines)
    return {str(cells["run_uuid"]) for table, cells in rows if table == "runs"}


def _files(route: Route, refs: Refs, *, landing: bool) -> dict[str, str]:
    """Returns every file that is not Iceberg's metadata: where it is, and where it goes."""
    source, target = route.source, route.target
    found = {url: route.file(url) for t in refs.tables.values() for url in catalog.data_files(t)}
    models = {file.url for file in source.storage.list(registry.artifacts(source.settings))}
    found |= {url: route.file(url) for url in _bronze(source, refs) | models}
    if landing:
        before, after = source.settings.landing, target.settings.landing
        for file in source.storage.list(before):
            found[file.url] = after + file.url.removeprefix(before)
    return found


def _bronze(source: Lake, refs: Refs) -> set[str]:
    """Returns every object, among them all that the books name.

    A listing leaves out what lies behind a link, e.g. on a disk of its own.
    """
    listed = {file.url for file in source.storage.list(f"{source.settings.warehouse}/bronze")}
    objects = source.ledger.at(refs).objects
    lost = sorted(
        name
        for name in objects
        if (url := source.object_url(name)) not in listed and not source.storage.exists(url)
    )
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (", …" if len(lost) > _SHOWN else "")
        why = f"of what was delivered, {counted(len(lost), 'file')} cannot be found: {shown}"
        raise MigrationRefused(why, f"Put back what is missing in {source.settings.warehouse}.")
    return listed | {source.object_url(name) for name in objects}


def _verified(route: Route, name: str, before: str, after: str) -> dict[int, int]:
    """Returns the rows of each snapshot, the same here and there."""
    wanted = catalog.counts(route.source.catalog, before)
    found = catalog.counts(route.target.catalog, after)
    if wanted != found:
        why = f"the snapshots of {name} have {found} rows, {wanted} are expected"
        raise ServiceFailed("Storage", "migrating", why)
    return found


def _take_models(target: Lake, models: list[str]) -> None:
    if not models:
        return
    registry.prepare(target)
    uri = target.settings.tracking_uri
    if Counter(registry.dump(uri)) == Counter(models):
        return
    registry.load(uri, models)
    if (found := Counter(registry.dump(uri))) != Counter(models):
        lost, more = (Counter(models) - found).total(), (found - Counter(models)).total()
        why = f"{counted(lost, 'row')} of the registry lost, {more} others found"
        raise ServiceFailed("MLflow", "migrating", why)


def open_target(source: Lake, file: Path) -> Lake:
    """Returns the lake that a TOML file describes: the keys of `lakehouse.toml`, and its `home`.

    Raises:
        SettingsError: The file cannot be read, or a value in it cannot be used.
    """
    return Lake(source.settings.other(file))
