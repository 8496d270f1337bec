"""Which landed files have not been taken in yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakehouse.lake import Lake
from lakehouse.ledger import Books, Delivery
from lakehouse.planning.totals import is_side, side_key
from lakehouse.storage import StoredFile

SETTLE = timedelta(seconds=10)
"""A file that nobody watches is taken when it has rested this long: it may still be written."""


@dataclass(frozen=True)
class Arrival:
    """A file whose content is not delivered yet.

    Attributes:
        key: Its name at the source.
        file: The file.
        side: The file with its control totals, or None where the contract expects none.
        waits: What is lacking before it can be taken, as a full sentence; empty if nothing is.
    """

    key: str
    file: StoredFile
    side: StoredFile | None = None
    waits: str = ""


def arrivals(
    lake: Lake, dataset: str, books: Books, settle: timedelta = timedelta(0)
) -> tuple[StoredFile, ...]:
    """Returns the files in the dataset's landing folder that can be taken now.

    Args:
        lake: The lake.
        dataset: Name of the dataset.
        books: The ledger.
        settle: Files modified more recently than this are left for later.
    """
    found = survey(lake, dataset, books, settle)
    return tuple(arrival.file for arrival in found if not arrival.waits)


def survey(
    lake: Lake, dataset: str, books: Books, settle: timedelta = timedelta(0)
) -> tuple[Arrival, ...]:
    """Returns the new files in the landing folder, also those that wait for their totals."""
    root, totals = landing_url(lake, dataset), lake.contract(dataset).totals
    listed = {source_key(root, file.url): file for file in lake.storage.list(root)}
    delivered = books.delivered(dataset)
    seen = {(entry.source_key, entry.source_etag) for entry in delivered}
    last = {entry.source_key: entry for entry in delivered}
    now = datetime.now(UTC)
    instead = {before: now.sha256 for before, now in books.replaced_in(dataset).items()}
    found = []
    for key, file in listed.items():
        marks = {(key, mark) for mark in _marks(file)}
        fresh = not marks & seen and _rests(file, now, settle)
        if (
            is_side(totals, key)
            or not fresh
            or (key in last and _same(lake, file, last[key], instead))
        ):
            continue
        if totals is None or totals.side_file is None:
            found.append(Arrival(key, file))
            continue
        side = listed.get(side_key(totals, key))
        if side is None or _rests(side, now, settle):
            waits = _waits(dataset, key, side_key(totals, key), side, books)
            found.append(Arrival(key, file, side, waits))
    return tuple(found)


def _rests(file: StoredFile, now: datetime, settle: timedelta) -> bool:
    """Whether a file was not modified lately.

    A time far ahead comes from a clock that was wrong, and is no reason to wait until it is right.
    """
    return abs(now - file.modified) >= settle


def _waits(dataset: str, key: str, name: str, side: StoredFile | None, books: Books) -> str:
    """Says what a file waits for; an older version's totals would have the newer one refused."""
    if side is None:
        return f"{dataset}: {key} waits for its control totals {name}."
    earlier = (c for c in books.claims if (c.dataset, c.source_key) == (dataset, name))
    used = {claim.source_etag: claim.delivery for claim in earlier}
    came = [used[mark] for mark in _marks(side) if mark in used]
    if not came:
        return ""
    return (
        f"{dataset}: {key} waits for new control totals: {name} still is the one that came with "
        f"delivery {came[0]}."
    )


def _marks(file: StoredFile) -> tuple[str, str]:
    """Returns a file's etag, and what earlier versions of the lakehouse wrote of one on disk."""
    return file.etag, file.etag.rpartition("-")[0]


def _same(lake: Lake, file: StoredFile, last: Delivery, instead: Mapping[str, str]) -> bool:
    """Whether a file was only touched or written again with the content it had.

    Content is the same without a person's records: `instead` tells what it became.
    """
    if file.size != last.size and last.sha256 not in instead.values():
        return False
    digest = lake.storage.digest(file.url)[0]
    return instead.get(digest, digest) == last.sha256


def landing_url(lake: Lake, dataset: str) -> str:
    """Returns the URL of the dataset's landing folder."""
    return f"{lake.settings.landing}/{dataset}"


def source_key(root: str, url: str) -> str:
    """Returns a file's name at the source: its path below the landing folder, as text.

    On disk a name is bytes; those that are no UTF-8 are written as Python writes them.
    """
    name = url.removeprefix(root).lstrip("/")
    return name.encode("utf-8", "backslashreplace").decode()
