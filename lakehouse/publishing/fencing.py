"""What is made of rows of a person who is forgotten meanwhile is not published."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import duckdb

from lakehouse.catalog import Change
from lakehouse.errors import DbtFailed, PublishConflict
from lakehouse.lake import Lake


@contextmanager
def fenced(lake: Lake, names: Collection[str], fence: Change | None = None) -> Iterator[Change]:
    """Lends the ledger's fence to what makes tables of others, from before it reads the first.

    Forgetting a person deletes files that are being read; what fails of it is a conflict.
    """
    fence = fence or lake.ledger.fence()
    try:
        yield fence
    except (duckdb.Error, DbtFailed, OSError):
        require(lake, fence, names)
        raise


def require(lake: Lake, fence: Change, names: Collection[str]) -> None:
    """Refuses to go on with what was made of rows that were read before a person was forgotten.

    Raises:
        PublishConflict: A step of that was booked since `fence`.
    """
    if not lake.ledger.stands(fence):
        raise PublishConflict(names, "a person was forgotten since what it is made of was read")
