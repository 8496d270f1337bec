"""Which landed files have not been taken in yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lakehouse.lake import Lake
from lakehouse.ledger import Books, Delivery
from lakehouse.storage import StoredFile

SETTLE = timedelta(seconds=10)
"""A file that nobody watches is taken when it has rested this long: it may still be written."""


def arrivals(
    lake: Lake, dataset: str, books: Books, settle: timedelta = timedelta(0)
) -> tuple[StoredFile, ...]:
    """Returns the files in the dataset's landing folder whose content is not delivered yet.

    Args:
        lake: The lake.
        dataset: Name of the dataset.
        books: The ledger.
        settle: Files modified more recently than this are left for later.
    """
    root = landing_url(lake, dataset)
    delivered = books.delivered(dataset)
    seen = {(entry.source_key, entry.source_etag) for entry in delivered}
    last = {entry.source_key: entry for entry in delivered}
    rested = datetime.now(UTC) - settle
    found = []
    for file in lake.storage.list(root):
        key = source_key(root, file.url)
        fresh = (key, file.etag) not in seen and file.modified <= rested
        if fresh and not (key in last and _same(lake, file, last[key])):
            found.append(file)
    return tuple(found)


def _same(lake: Lake, file: StoredFile, last: Delivery) -> bool:
    """Whether a file was only touched or written again with the content it had."""
    return file.size == last.size and lake.storage.digest(file.url)[0] == last.sha256


def landing_url(lake: Lake, dataset: str) -> str:
    """Returns the URL of the dataset's landing folder."""
    return f"{lake.settings.landing}/{dataset}"


def source_key(root: str, url: str) -> str:
    """Returns a file's name at the source: its path below the landing folder."""
    return url.removeprefix(root).lstrip("/")
