"""What the books keep of a raw file that is gone for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Removal:
    """A delivery whose object was deleted from bronze, because every row of it was past retention.

    Attributes:
        dataset: The dataset.
        delivery: The delivery; what it held stays accounted for, and no plan wants it back.
        object: Where the object was, as a path in the warehouse.
        sha256: Its content address.
        size: Bytes.
        reason: The full sentence.
        by: The run that deleted it.
        at: For people.
    """

    dataset: str
    delivery: int
    object: str
    sha256: str
    size: int
    reason: str
    by: str
    at: datetime
