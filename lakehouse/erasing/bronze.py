"""Objects of bronze and files of the landing folder, written anew without a person's records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from lakehouse import faults
from lakehouse.erasing.finding import Cleaned, Finder
from lakehouse.erasing.person import Person
from lakehouse.lake import Lake
from lakehouse.landing.copying import copy
from lakehouse.ledger import Books, Delivery, Replacement
from lakehouse.planning.arrivals import landing_url, source_key
from lakehouse.planning.totals import is_side
from lakehouse.storage import StoredFile

_MOMENT = 10.0
"""Seconds after which a copy that nobody writes to any more was left by a run that ended."""


@dataclass(frozen=True)
class Hit:
    """An object, or a file that no delivery has brought yet, with records of the person.

    Or a table that still has rows of theirs after retention has removed the object.

    Attributes:
        deliveries: The deliveries that brought it, none if it only lies in the landing folder.
        source_key: Its name at the source; the table's name.
        records: How many records are the person's; 0 for a table.
    """

    deliveries: tuple[int, ...]
    source_key: str
    records: int


def hits(lake: Lake, books: Books, person: Person) -> tuple[Hit, ...]:
    """Returns where the person's records are; nothing is written."""
    found = []
    with lake.connect(tables=False) as connection:
        finder = _finder(lake, books, person, Finder(lake, connection, person))
        for brought in _objects(books, person.contract.dataset).values():
            if cleaned := _cleaned(lake, finder, brought[0]):
                numbers = tuple(delivery.number for delivery in brought)
                found.append(Hit(numbers, brought[0].source_key, cleaned.records))
        for key, file in _strangers(lake, books, person.contract.dataset):
            if cleaned := finder.cleaned(file.url, key):
                found.append(Hit((), key, cleaned.records))
    return tuple(found)


def replace(lake: Lake, person: Person, erasure: int) -> int:
    """Puts objects without the person's records in the place of those with them, in one commit.

    Returns:
        Records that went.
    """
    books, dataset = lake.ledger.read(), person.contract.dataset
    made = []
    with lake.connect(tables=False) as connection:
        finder = _finder(lake, books, person, Finder(lake, connection, person))
        for brought in _objects(books, dataset).values():
            if cleaned := _cleaned(lake, finder, brought[0]):
                made.append(_replaced(lake, brought[0], cleaned, erasure))
    faults.reach("forgetting.copied")
    lake.ledger.append(made)
    faults.reach("forgetting.booked")
    return sum(one.records for one in made)


def clear(lake: Lake, person: Person) -> None:
    """Removes the objects that others have taken the place of, and mends the landing folder."""
    books, dataset = lake.ledger.read(), person.contract.dataset
    for file, now in _known(lake, books, dataset):
        _overwrite(lake, file.url, lake.object_url(now.object))
    with lake.connect(tables=False) as connection, lake.scratch() as scratch:
        finder = _finder(lake, books, person, Finder(lake, connection, person))
        for key, file in _strangers(lake, books, dataset):
            if cleaned := finder.cleaned(file.url, key):
                fresh = scratch / "fresh"
                fresh.write_bytes(cleaned.content)
                _overwrite(lake, file.url, f"file://{fresh}")
    faults.reach("forgetting.landing")
    for name in sorted(_superfluous(books, dataset)):
        if lake.storage.exists(url := lake.object_url(name)):
            lake.storage.remove(url)
            faults.reach("forgetting.removed")
    _remove_parts(lake, f"{lake.settings.warehouse}/bronze/{dataset}")


def _finder(lake: Lake, books: Books, person: Person, finder: Finder) -> Finder:
    """Returns a finder that knows all versions of the person's rows."""
    if finder.has_versions:
        for brought in _objects(books, person.contract.dataset).values():
            finder.note(lake.object_url(brought[0].object), brought[0].source_key)
    return finder


def _objects(books: Books, dataset: str) -> Mapping[str, list[Delivery]]:
    """Returns the deliveries of each object that is kept, whatever has become of them."""
    found: dict[str, list[Delivery]] = {}
    gone = books.removed(dataset)
    for delivery in books.delivered(dataset):
        if delivery.number not in gone:
            found.setdefault(delivery.object, []).append(delivery)
    return found


def _superfluous(books: Books, dataset: str) -> set[str]:
    """Returns the objects that no delivery has any more, as paths in the warehouse."""
    gone = books.removed(dataset)
    found = {one.gone for one in books.replacements if one.dataset == dataset}
    found |= {d.object for d in books.delivered(dataset) if d.number in gone}
    return found - _objects(books, dataset).keys()


def _cleaned(lake: Lake, finder: Finder, delivery: Delivery) -> Cleaned | None:
    return finder.cleaned(lake.object_url(delivery.object), delivery.source_key)


def _replaced(lake: Lake, delivery: Delivery, cleaned: Cleaned, erasure: int) -> Replacement:
    """Puts the new object into bronze as landing puts any."""
    with lake.scratch() as scratch:
        file = scratch / "object"
        file.write_bytes(cleaned.content)
        stored = StoredFile.local(file)
        made = copy(lake, delivery.dataset, delivery.source_key, stored, {})
    if made is None:
        raise RuntimeError("a file of our own changed while it was copied")
    return Replacement(
        dataset=delivery.dataset,
        erasure=erasure,
        before=delivery.sha256,
        gone=delivery.object,
        object=made.object,
        sha256=made.sha256,
        size=made.size,
        records=cleaned.records,
    )


def _landed(lake: Lake, dataset: str) -> Iterator[tuple[str, StoredFile]]:
    """Yields the data files of the landing folder."""
    root, totals = landing_url(lake, dataset), lake.contract(dataset).totals
    for file in lake.storage.list(root):
        key = source_key(root, file.url)
        if not is_side(totals, key):
            yield key, file


def _known(lake: Lake, books: Books, dataset: str) -> Iterator[tuple[StoredFile, Replacement]]:
    """Yields landed files whose content stands in bronze without somebody's records."""
    instead = books.replaced_in(dataset)
    for _, file in _landed(lake, dataset) if instead else ():
        if now := instead.get(lake.storage.digest(file.url)[0]):
            yield file, now


def _strangers(lake: Lake, books: Books, dataset: str) -> Iterator[tuple[str, StoredFile]]:
    """Yields landed files of which bronze has no copy."""
    known = {brought[0].sha256 for brought in _objects(books, dataset).values()}
    known |= books.replaced_in(dataset).keys()
    for key, file in _landed(lake, dataset):
        if lake.storage.digest(file.url)[0] not in known:
            yield key, file


def _overwrite(lake: Lake, url: str, content: str) -> None:
    """Gives a file another's content; what reads it meanwhile sees the one or the other."""
    part = f"{url}.part"
    lake.storage.copy(content, part)
    lake.storage.rename(part, url)


def _remove_parts(lake: Lake, root: str) -> None:
    """Removes copies that a run left unfinished."""
    files = lake.storage.filesystem(root)
    found = files.find(root, detail=True) if files.exists(root) else {}
    for info in found.values():
        if not str(info["name"]).endswith(".part"):
            continue
        changed = info.get("mtime") or info["LastModified"].timestamp()
        if time.time() - float(changed) > _MOMENT:
            with suppress(FileNotFoundError):
                files.rm_file(info["name"])
