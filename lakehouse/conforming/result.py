"""What conforming found out about each delivery."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.ledger import Delivery
from lakehouse.results import Result


@dataclass(frozen=True)
class Count:
    """Where the rows of one delivery in one partition went."""

    delivery: int
    partition: str
    published: int
    quarantined: int
    duplicates: int
    superseded: int

    @property
    def rows(self) -> int:
        """All rows that the delivery has in the partition."""
        return self.published + self.quarantined + self.duplicates + self.superseded


@dataclass(frozen=True)
class Excess:
    """A delivery with more broken rows than the contract allows.

    Attributes:
        delivery: The delivery.
        rows: Its rows.
        quarantined: Its broken rows.
        rule: The reason most of them share.
        most: How many share it.
    """

    delivery: Delivery
    rows: int
    quarantined: int
    rule: str
    most: int


@dataclass(frozen=True)
class Conformed(Result):
    """Rows of some partitions, staged in a DuckDB connection and not yet written.

    Attributes:
        partitions: The partitions whose rows are staged.
        counts: Where each delivery's rows went.
        excesses: Deliveries left out because too much of them is broken.
    """

    partitions: tuple[str, ...]
    counts: tuple[Count, ...]
    excesses: tuple[Excess, ...]

    def summary(self) -> str:
        """Counts rows by what became of them."""
        return (
            f"{sum(c.published for c in self.counts):,} rows valid, "
            f"{sum(c.quarantined for c in self.counts):,} broken, "
            f"{sum(c.duplicates for c in self.counts):,} duplicates, "
            f"{sum(c.superseded for c in self.counts):,} superseded"
        )
