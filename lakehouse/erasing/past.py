"""Tables without a past: what readers no longer see is in no file either."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import fastavro
import pyarrow.parquet as pq
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.erasing.person import Person
from lakehouse.lake import Lake
from lakehouse.storage import StoredFile

_ATTEMPTS = 20
_DAY = 24 * 3600.0
"""Seconds after which no run is about to commit a file that nothing refers to."""
_BATCH = 10_000
"""Rows that are looked at a time."""
_METADATA = re.compile(r"/(\d+)-[^/]*\.metadata\.json$")


def renew(lake: Lake, names: Iterable[str]) -> None:
    """Takes all snapshots but the present one from tables, with their branches and tags."""

    def renew_one(name: str) -> None:
        lake.catalog.commit([catalog.renewed(lake.catalog.table(name))])

    for name in names:
        # another run may publish the table at this moment
        catalog.retried(_ATTEMPTS, partial(renew_one, name))
        faults.reach("forgetting.renewed")


def sweep(lake: Lake, names: Iterable[str], person: Person) -> int:
    """Deletes the files that only the past of tables had, and what holds the person's rows.

    A file that no table ever had may be one that a run is about to commit. It stays for a day
    unless the person is in it; the run then finds that the rows of its partition have changed.

    Returns:
        Files deleted.
    """
    return sum(_swept(_Folder(lake, lake.catalog.table(name)), person) for name in names)


def holding(lake: Lake, names: Iterable[str], person: Person) -> tuple[str, ...]:
    """Returns the tables that have the person's rows in any file, of whichever snapshot."""
    return tuple(name for name in names if _holding(lake, name, person))


@dataclass(frozen=True)
class _Folder:
    """The files of one table."""

    lake: Lake
    table: Table

    @property
    def version(self) -> int:
        """Number of the table's metadata."""
        return _version(self.table.metadata_location)

    def files(self) -> list[StoredFile]:
        """Returns all files in the table's folder."""
        return self.lake.storage.list(self.table.location())

    def known(self, locations: Iterable[str]) -> Iterator[str]:
        """Yields the files that metadata knows of."""
        for location in locations:
            yield from catalog.known(self.table.io, location)


def _swept(folder: _Folder, person: Person) -> int:
    files = folder.files()
    metadata = [file.url for file in files if _METADATA.search(file.url)]
    past = [u for u in metadata if _version(u) <= folder.version]
    past = [url for url in past if url != folder.table.metadata_location]
    # what is younger than the present is about to be committed
    needed = {*metadata} - {*past}
    needed |= set(folder.known([folder.table.metadata_location, *needed]))
    gone = set(folder.known(past)) - needed
    doomed = [f.url for f in files if f.url not in needed and f.url not in past]
    doomed = [u for u in doomed if u in gone or _abandoned(folder, files, u, person)]
    # the metadata goes last: it tells a later attempt what else is to go
    for url in (*doomed, *past):
        with suppress(FileNotFoundError):
            folder.lake.storage.remove(url)
        faults.reach("forgetting.swept")
    return len(doomed) + len(past)


def _abandoned(folder: _Folder, files: Iterable[StoredFile], url: str, person: Person) -> bool:
    """Whether a file that nothing refers to is old, or has the person in it."""
    modified = next(file.modified for file in files if file.url == url)
    if time.time() - modified.timestamp() > _DAY:
        return True
    return _held(folder.lake, url, person)


def _holding(lake: Lake, name: str, person: Person) -> bool:
    files = _Folder(lake, lake.catalog.table(name)).files()
    return any(_held(lake, f.url, person) for f in files if f.url.endswith((".parquet", ".avro")))


def _held(lake: Lake, url: str, person: Person) -> bool:
    with suppress(FileNotFoundError), lake.storage.open(url) as stream:
        return holds(person, url, stream.read())
    return False


def holds(person: Person, url: str, content: bytes) -> bool:
    """Whether the person is in a file of a table."""
    if url.endswith(".parquet"):
        with pq.ParquetFile(io.BytesIO(content)) as file:
            batches = file.iter_batches(_BATCH)
            return any(person.is_in(row) for batch in batches for row in batch.to_pylist())
    if url.endswith(".avro"):
        return any(person.is_in({"": row}) for row in fastavro.reader(io.BytesIO(content)))
    return person.is_in({"": content})


def _version(location: str) -> int:
    found = _METADATA.search(location)
    return int(found[1]) if found else -1
