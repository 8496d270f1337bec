"""What the books are made of: one frozen class per kind of entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DecisionKind = Literal["withdrawn", "refused", "accepted", "replayed"]


@dataclass(frozen=True)
class Delivery:
    """A change of one source key's content, as it landed.

    Attributes:
        number: Order of the delivery, assigned by the ledger's commit.
        dataset: The dataset it is for.
        object: URL of the immutable object in bronze.
        sha256: Content address.
        size: Bytes.
        source_key: Name at the source, relative to the dataset's landing folder.
        source_etag: The source's version mark.
        landed_at: For people; never used to order.
    """

    number: int
    dataset: str
    object: str
    sha256: str
    size: int
    source_key: str
    source_etag: str
    landed_at: datetime

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"delivery {self.number} ({self.source_key})"


@dataclass(frozen=True)
class Inspection:
    """How many rows of an object belong to one partition, under one contract.

    Attributes:
        dataset: The dataset.
        sha256: The object.
        fingerprint: Contract fingerprint under which the object was read.
        partition: Partition name, `all` or `unassigned`; empty where the object is unreadable.
        records: Rows of the object in the partition.
        unreadable: Why the object cannot be read at all, or empty.
    """

    dataset: str
    sha256: str
    fingerprint: str
    partition: str
    records: int
    unreadable: str


@dataclass(frozen=True)
class Decision:
    """Something decided about a delivery, by the audit or by a person.

    Attributes:
        number: Order, assigned by the commit.
        dataset: The dataset.
        delivery: The delivery.
        kind: What was decided.
        partition: The partition it is about; empty means all of the delivery.
        fingerprint: Contract fingerprint under which a refusal holds.
        rows: Rows refused.
        reason: The full sentence, or the person's note.
        by: Who decided; `audit` for the lake itself.
        at: For people.
    """

    number: int
    dataset: str
    delivery: int
    kind: DecisionKind
    partition: str
    fingerprint: str
    rows: int
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Account:
    """Where a delivery's rows of one partition are in one published snapshot.

    Attributes:
        dataset: The dataset.
        partition: Partition name.
        snapshot: Snapshot of the silver table that published it.
        sequence: That snapshot's sequence number, which orders publishes.
        fingerprint: Contract fingerprint.
        version: The contract's version.
        conform: Version of the conforming code.
        delivery: The delivery.
        rows: Rows the delivery has in this partition; equals the sum of the next four.
        published: Rows readers see.
        quarantined: Rows that broke a rule.
        duplicates: Rows whose key came again in the same delivery.
        superseded: Rows whose key a later delivery brought again.
        pins: JSON of the snapshots of other datasets that decided rows.
    """

    dataset: str
    partition: str
    snapshot: int
    sequence: int
    fingerprint: str
    version: str
    conform: int
    delivery: int
    rows: int
    published: int
    quarantined: int
    duplicates: int
    superseded: int
    pins: str


@dataclass(frozen=True)
class Build:
    """One published dbt build.

    Attributes:
        number: Order, assigned by the commit.
        dataset: Always `gold`.
        fingerprint: The dbt project's fingerprint.
        inputs: JSON of the snapshot of each silver table that was read.
        outputs: JSON of the snapshot of each gold table that readers see since.
    """

    number: int
    dataset: str
    fingerprint: str
    inputs: str
    outputs: str


Entry = Delivery | Inspection | Decision | Account | Build
