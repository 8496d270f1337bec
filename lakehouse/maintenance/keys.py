"""Keys by which erasures that are not finished are known again."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.storage import StoredFile

KEYS = "erasing"
"""The keys' folder in the warehouse."""


def key_url(lake: Lake, mark: str) -> str:
    """Returns where the key is under which an erasure's mark was made."""
    return f"{lake.settings.warehouse}/{KEYS}/{_name(mark)}"


def useless_keys(files: Iterable[StoredFile], books: Books) -> list[StoredFile]:
    """Returns those keys that belong to no unfinished erasure.

    Who has such a key could try out whom an erasure was about.

    Args:
        files: The files in the keys' folder, listed before the books were read.
        books: All entries.
    """
    needed = {_name(one.mark) for one in books.unfinished}
    return [file for file in files if file.url.rsplit("/", 1)[1] not in needed]


def _name(mark: str) -> str:
    return f"{mark[:16]}.key"
