"""What the books are made of: one frozen class per kind of entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lakehouse.ledger.removal import Removal
from lakehouse.ledger.rollback import Rollback

DecisionKind = Literal["withdrawn", "refused", "accepted", "replayed"]
ErasureKind = Literal["begun", "passed", "done"]


@dataclass(frozen=True)
class Delivery:
    """A change of one source key's content, as it landed.

    Attributes:
        number: Order of the delivery, assigned by the ledger's commit.
        dataset: The dataset it is for.
        object: The immutable object in bronze, as a path in the warehouse.
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
class Claim:
    """What the producer says that a delivery holds, in a side file that came with it.

    Attributes:
        dataset: The dataset.
        delivery: The delivery that it is about.
        object: The side file in bronze, as a path in the warehouse.
        sha256: Its content address.
        source_key: Its name at the source.
        source_etag: The source's version mark.
        figures: JSON of the numbers in it by their keys, each as a text.
        unreadable: Why it has no figures, as the end of a sentence, or empty.
    """

    dataset: str
    delivery: int
    object: str
    sha256: str
    source_key: str
    source_etag: str
    figures: str
    unreadable: str


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


@dataclass(frozen=True)
class Judgement:
    """What one audit found of one expectation in one partition.

    Attributes:
        dataset: The dataset.
        partition: Partition name.
        run: The run that judged.
        snapshot: The snapshot that was judged, on its branch.
        sequence: That snapshot's sequence number, which orders audits.
        published: Whether readers have seen the partition so since; False if it was refused.
        version: The contract's version.
        fingerprint: Contract fingerprint.
        name: Name of the expectation.
        type: Its Great Expectations type, `sql`, `reference`, or what else was judged.
        outcome: PASS, FAIL or ERROR.
        severity: `error` or `warning`.
        observed: JSON of the value found.
        expected: JSON of the expectation's arguments.
        unexpected: Rows that are not as expected; None where rows are not counted.
        examples: JSON of the keys and values of a few such rows.
        notes: Why it is expected.
        message: Why it could not be evaluated, or the evidence in words.
        judged_at: For people.
    """

    dataset: str
    partition: str
    run: str
    snapshot: int
    sequence: int
    published: bool
    version: str
    fingerprint: str
    name: str
    type: str
    outcome: str
    severity: str
    observed: str
    expected: str
    unexpected: int | None
    examples: str
    notes: str
    message: str
    judged_at: datetime


@dataclass(frozen=True)
class Erasure:
    """A step of forgetting a person.

    Attributes:
        number: Order, assigned by the commit; all entries of a request have the same.
        dataset: The dataset.
        columns: The columns that tell whose rows they are, separated by commas.
        mark: HMAC of their values under a key of its own, which is thrown away when all is done.
        kind: `begun`; `passed` after each step that made tables anew, so that nothing can be
            published any more of what was read before; `done`.
        records: Records taken out of bronze, so far as the entry knows.
        by: Who decided.
        note: Why.
        at: For people.
    """

    number: int
    dataset: str
    columns: str
    mark: str
    kind: ErasureKind
    records: int
    by: str
    note: str
    at: datetime


@dataclass(frozen=True)
class Replacement:
    """An object in bronze that took another's place, because a person's records went out of it.

    Attributes:
        dataset: The dataset.
        erasure: Number of the erasure.
        before: sha256 of the object that is gone.
        gone: Where it was, as a path in the warehouse.
        object: The object that took its place, as a path in the warehouse.
        sha256: Its content address.
        size: Bytes.
        records: Records that went.
    """

    dataset: str
    erasure: int
    before: str
    gone: str
    object: str
    sha256: str
    size: int
    records: int


Entry = (
    Delivery
    | Inspection
    | Decision
    | Claim
    | Account
    | Build
    | Judgement
    | Erasure
    | Removal
    | Replacement
    | Rollback
)
