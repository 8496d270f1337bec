"""Which files of a lake nothing refers to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lakehouse import catalog, registry
from lakehouse.catalog import Refs
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Delivery
from lakehouse.maintenance.keys import KEYS, useless_keys
from lakehouse.maintenance.retaining import past_retention
from lakehouse.storage import StoredFile, local_path

_PARTS = ("data", "metadata")
"""Folders of a table in which there is nothing but its files."""
_BACKUP, _DOCUMENT = "/references.txt", "/backup.json"
"""What a backup needs is listed in the one file of its folder; the other is written last."""


_READERS = 8
"""Tables whose metadata is read at a time."""


@dataclass(frozen=True)
class Useless:
    """A file that nothing refers to.

    Attributes:
        place: What it was for.
        file: The file.
        deliveries: The deliveries that brought it, if it is a raw file past retention.
    """

    place: str
    file: StoredFile
    deliveries: tuple[Delivery, ...] = ()


@dataclass
class Marked:
    """What a look at all files found.

    Attributes:
        files: All files below the warehouse, by the first two folders of their path.
        referred: What a table refers to, by the metadata file that says so.
        useless: Files that nothing refers to.
        retained: Raw files past retention that stay, by dataset and why.
        skipped: Places where the books do not fit what is in storage, as full sentences.
    """

    files: Mapping[str, list[StoredFile]]
    referred: Mapping[str, Collection[str]] = field(default_factory=dict)
    useless: list[Useless] = field(default_factory=list)
    retained: Mapping[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def mark(lake: Lake) -> Marked:
    """Returns the files that nothing refers to, in the places where only the engine writes.

    The files are listed first: what is committed after that, is found to be of use.

    Args:
        lake: The lake.
    """
    return _look(lake, _listed(lake, lake.settings.warehouse))


def again(lake: Lake, before: Marked) -> Marked:
    """Returns which of the files of a look nothing refers to now."""
    kept = {place: files for place, files in before.files.items() if not _is_backup(place)}
    backups = _listed(lake, f"{lake.settings.warehouse}/backups")
    return _look(lake, {**kept, **backups}, before)


def _look(
    lake: Lake, files: Mapping[str, list[StoredFile]], before: Marked | None = None
) -> Marked:
    """Looks at what the books refer to; after a look `before`, tables may be younger than files."""
    refs = lake.catalog.refs()
    saved = _backups(lake, files)
    found = Marked(files, _referred(refs, before.referred if before else {}))
    _tables(lake, refs, found, younger=before is not None)
    _bronze(lake, files, refs, found)
    _models(lake, found)
    _keys(lake, files, refs, found)
    found.useless = [one for one in found.useless if real(one.file.url) not in saved]
    return found


def _is_backup(place: str) -> bool:
    return place.startswith("backups/")


def _listed(lake: Lake, folder: str) -> Mapping[str, list[StoredFile]]:
    """Returns the files below a folder by the first two folders of their path in the warehouse."""
    root = lake.settings.warehouse
    found: dict[str, list[StoredFile]] = {}
    for file in lake.storage.list(folder, hidden=True):
        found.setdefault("/".join(_path(root, file.url).split("/")[:2]), []).append(file)
    return found


def _backups(lake: Lake, files: Mapping[str, Sequence[StoredFile]]) -> set[str]:
    """Returns the files that backups need; those in the warehouse are listed by their path.

    Without its document a backup is being taken, or, past the grace period, was never finished.
    """
    found: set[str] = set()
    backups = [file for place in files if _is_backup(place) for file in files[place]]
    whole = {file.url.removesuffix(_DOCUMENT) for file in backups if file.url.endswith(_DOCUMENT)}
    since = datetime.now(UTC) - lake.settings.grace
    for file in backups:
        if file.url.endswith(_BACKUP) and (
            file.url.removesuffix(_BACKUP) in whole or file.modified > since
        ):
            with lake.storage.open(file.url) as stream:
                lines = stream.read().decode().splitlines()
            urls = (line if "://" in line else lake.object_url(line) for line in lines)
            found |= {real(url) for url in urls}
    return found


def _referred(refs: Refs, known: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
    """Returns what each table refers to; only of tables that moved since is anything read."""
    tables = {table.metadata_location: table for table in refs.tables.values()}
    moved = {place: table for place, table in tables.items() if place not in known}
    with ThreadPoolExecutor(_READERS) as pool:
        read = dict(zip(moved, pool.map(catalog.referred, moved.values()), strict=True))
    return {place: known[place] if place in known else read[place] for place in tables}


def _tables(lake: Lake, refs: Refs, found: Marked, *, younger: bool) -> None:
    """Marks what no snapshot of a table has."""
    files, needed = found.files, {real(url) for urls in found.referred.values() for url in urls}
    places = set()
    for name, table in sorted(refs.tables.items()):
        place = _path(lake.settings.warehouse, table.location())
        places.add(place)
        folders = tuple(f"{real(table.location())}/{part}/" for part in _PARTS)
        mine = {real(file.url): file for file in files.get(place, ())}
        if not younger and real(table.metadata_location) not in mine:
            found.skipped.append(
                f"{name} was left alone: its metadata file {table.metadata_location} is not among "
                "the files of its folder."
            )
            continue
        found.useless += [
            Useless(name, file)
            for url, file in mine.items()
            if url not in needed and url.startswith(folders)
        ]
    if not found.skipped:
        found.useless += _nobodys(lake, files, refs, places)


def _nobodys(
    lake: Lake, files: Mapping[str, Sequence[StoredFile]], refs: Refs, places: Collection[str]
) -> Iterator[Useless]:
    """Yields the files of tables that are not in the catalog.

    A restored catalog does not know what was made later, nor any catalog a table whose making was
    cut off.
    """
    namespaces = {name.split(".", 1)[0] for name in refs.tables}
    for place in sorted(files.keys() - places):
        if place.split("/", 1)[0] in namespaces:
            root = f"{lake.settings.warehouse}/{place}"
            folders = tuple(f"{real(root)}/{part}/" for part in _PARTS)
            inside = (file for file in files[place] if real(file.url).startswith(folders))
            yield from (Useless(place.replace("/", ".", 1), file) for file in inside)


def _bronze(
    lake: Lake, files: Mapping[str, Sequence[StoredFile]], refs: Refs, found: Marked
) -> None:
    """Marks what no delivery brought, and what is past the retention of its contract."""
    books = lake.ledger.at(refs)
    needed = wanted(lake, books)
    past = past_retention(lake, books)
    found.retained = dict(past.kept)
    old = {real(url): deliveries for url, deliveries in past.deletable.items()}
    for place in sorted({f"bronze/{one.dataset}" for one in books.deliveries}):
        mine = {real(file.url): file for file in files.get(place, ())}
        inside = f"{real(lake.object_url(place))}/"
        theirs = {url for url in needed if url.startswith(inside)}
        if theirs and not theirs & mine.keys():
            found.skipped.append(f"{place} was left alone: no object of its deliveries is in it.")
            continue
        for url, file in mine.items():
            if url in old or url not in needed:
                found.useless.append(Useless(place, file, old.get(url, ())))


def wanted(lake: Lake, books: Books) -> set[str]:
    """Returns the objects that deliveries and their control totals have in bronze."""
    return {real(lake.object_url(name)) for name in books.objects}


def _models(lake: Lake, found: Marked) -> None:
    """Marks files of models that belong to no run of the registry."""
    root = registry.artifacts(lake.settings)
    parted = [
        (file, _path(root, file.url).split("/")) for file in lake.storage.list(root, hidden=True)
    ]
    runs = registry.runs(lake) if parted else frozenset()
    for file, parts in parted:
        if runs and len(parts) > 2 and parts[1] not in runs:
            found.useless.append(Useless(f"models/{parts[0]}", file))


def _keys(lake: Lake, files: Mapping[str, Sequence[StoredFile]], refs: Refs, found: Marked) -> None:
    """Marks keys of erasures that were killed when all was done, or before all was begun."""
    kept = [file for place in files if place.startswith(f"{KEYS}/") for file in files[place]]
    found.useless += [Useless(KEYS, file) for file in useless_keys(kept, lake.ledger.at(refs))]


def scratch(home: Path) -> Iterator[Path]:
    """Yields folders and files on the local disk that a run makes for itself alone."""
    for folder, patterns in (
        (home / "tmp", ("scratch-*", "model-*", "duckdb_temp*")),
        (home / "dbt", ("tmp*",)),
    ):
        for pattern in patterns:
            yield from sorted(folder.glob(pattern))


def real(url: str) -> str:
    """Returns one name for a file, whichever way a path leads to it."""
    return str(Path(local_path(url)).resolve()) if url.startswith(("file://", "/")) else url


def _path(root: str, url: str) -> str:
    return real(url).removeprefix(real(root)).lstrip("/")


def young(file: Path, limit: float) -> bool:
    """Returns whether a file or anything in a folder changed after a time in seconds since 1970."""
    parts: Collection[Path] = [file, *file.rglob("*")]
    return any(part.lstat().st_mtime > limit for part in parts if part.exists())
