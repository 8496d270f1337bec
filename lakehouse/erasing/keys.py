"""The key under which an unfinished erasure is known again, and which goes when it is done."""

from __future__ import annotations

import secrets
from contextlib import suppress

from lakehouse.erasing.person import Person
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Erasure
from lakehouse.maintenance import KEYS, key_url, useless_keys

_LENGTH = 32
"""Bytes of a key."""


def begun(lake: Lake, books: Books, person: Person) -> Erasure | None:
    """Returns the unfinished erasure of the same person, if there is one."""
    for one in books.unfinished:
        if one.dataset == person.contract.dataset and one.mark == _mark(lake, one.mark, person):
            return one
    return None


def marked(lake: Lake, person: Person) -> str:
    """Makes a key, keeps it where any machine finds it that goes on, and returns the mark."""
    key = secrets.token_bytes(_LENGTH)
    mark = person.mark(key)
    with lake.scratch() as scratch:
        (scratch / "key").write_bytes(key)
        lake.storage.copy(f"file://{scratch / 'key'}", key_url(lake, mark))
    return mark


def throw_away(lake: Lake) -> None:
    """Removes the keys of erasures that are done, and of such as were never booked.

    Nobody else may be about to book one.
    """
    kept = lake.storage.list(f"{lake.settings.warehouse}/{KEYS}")
    for file in useless_keys(kept, lake.ledger.read()):
        with suppress(FileNotFoundError):  # maintenance was faster
            lake.storage.remove(file.url)


def _mark(lake: Lake, mark: str, person: Person) -> str:
    with suppress(FileNotFoundError), lake.storage.open(key_url(lake, mark)) as stream:
        return person.mark(stream.read())
    return ""
