"""Persons who are to be forgotten and are not yet."""

from __future__ import annotations

from lakehouse.ledger import Books


def unfinished(books: Books) -> tuple[str, ...]:
    """Returns a sentence for each erasure that was begun and not finished."""
    return tuple(
        f"Erasure {one.number} of {one.dataset} by {one.columns} was begun on {one.at:%Y-%m-%d} "
        f"and is not finished: run the same `lakehouse forget {one.dataset}` again."
        for one in books.unfinished
    )
