"""The small frozen ideas that a contract is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from lakehouse.results import Severity

Delivery = Literal["incremental", "replace", "full"]
Orphans = Literal["report", "quarantine"]
Treatment = Literal["drop", "hash", "mask"]
FileFormat = Literal["csv", "tsv", "json", "ndjson", "parquet"]
ISO_8601 = "ISO 8601"
"""Stands among the strptime formats of a column for what needs none."""


@dataclass(frozen=True)
class Waiver:
    """A person's leave to keep a column although the scan finds personal data in it.

    Attributes:
        kinds: What the scan may find, by its own names of the kinds.
        by: Who allowed it.
        reason: Why.
    """

    kinds: tuple[str, ...]
    by: str
    reason: str


@dataclass(frozen=True)
class Column:
    """One column of the silver table.

    Attributes:
        name: Column name, in the file and in the table.
        type: DuckDB type: VARCHAR, BIGINT, INTEGER, FLOAT, DOUBLE, DECIMAL(p,s), BOOLEAN,
            DATE, TIMESTAMPTZ or TIME.
        description: For people.
        required: Null is a broken row.
        unit: From the contract, e.g. `min`, or None.
        formats: strptime formats of dates and times in the file, tried in this order; `ISO 8601`
            among them is read as such, and so are all if there are none.
        zone: Zone of a timestamp without offset in the file; None means UTC.
        transform: DuckDB expression for a column that is computed, not read.
        sources: The columns that `transform` uses.
        classification: E.g. `public`, `confidential`, `pii`.
        tags: From the contract.
        id: The property's own id, which stays when it is renamed, or None.
        treatment: What becomes of a personal value before it is written anywhere, or None.
        waiver: Who allowed what the scan for personal data finds here, or None.
        aliases: Other names that the column has in files.
        absent: Whether files may lack it; it is null then.
    """

    name: str
    type: str
    description: str = ""
    required: bool = False
    unit: str | None = None
    formats: tuple[str, ...] = ()
    zone: str | None = None
    transform: str | None = None
    sources: tuple[str, ...] = ()
    classification: str | None = None
    tags: tuple[str, ...] = ()
    id: str | None = None
    treatment: Treatment | None = None
    waiver: Waiver | None = None
    aliases: tuple[str, ...] = ()
    absent: bool = False

    @property
    def published_type(self) -> str:
        """The type in the table: a hashed or masked value is a text."""
        return "VARCHAR" if self.treatment in ("hash", "mask") else self.type


VALIDITY = (
    Column("valid_from", "TIMESTAMPTZ", "When this version of the row began to hold.", True),
    Column("valid_to", "TIMESTAMPTZ", "When it ceased to; empty for the one that holds."),
)
"""The columns that a dimension with history has beside its own; the second bound is excluded."""


@dataclass(frozen=True)
class Rule:
    """A property that each row has, or it is quarantined.

    Attributes:
        name: What the reader of the quarantine sees, e.g. `distance between 17 and 4983`.
        sql: DuckDB predicate over the columns; false breaks the rule, null does not.
        column: The column it is about, or None for a rule over several.
    """

    name: str
    sql: str
    column: str | None = None


@dataclass(frozen=True)
class Expectation:
    """A Great Expectations expectation about the rows that remain.

    Attributes:
        type: E.g. `expect_column_mean_to_be_between`.
        kwargs: Its arguments.
        severity: `error` refuses the partition, `warning` tells.
        notes: Why it is expected, for people.
        id: The check's own id, which tells it from another of the same kind, or None.
        meta: What else the contract says about it, for people.
    """

    type: str
    kwargs: Mapping[str, object]
    severity: Severity
    notes: str
    id: str | None = None
    meta: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A short name that is unique in a suite; checks that repeat a column have ids."""
        about = self.kwargs.get("column") or self.kwargs.get("column_list") or ""
        words = "_".join(map(str, about)) if isinstance(about, list | tuple) else str(about)
        return "__".join(part for part in (self.type, words, self.id) if part)


@dataclass(frozen=True)
class Query:
    """A quality check in SQL: one number per partition, compared with limits.

    Attributes:
        name: Identifier, unique in the suite.
        sql: A SELECT of one number from `${table}`.
        operator: The standard's word, e.g. `mustBeLessThan`.
        limit: What it compares with; two numbers for `mustBeBetween`.
        severity: `error` refuses the partition, `warning` tells.
        notes: Why it is expected, for people.
    """

    name: str
    sql: str
    operator: str
    limit: float | tuple[float, float]
    severity: Severity
    notes: str


@dataclass(frozen=True)
class Reference:
    """A foreign key to another dataset.

    Attributes:
        columns: The columns here.
        dataset: The dataset referred to.
        to: Its columns, in the same order.
        orphans: `report` counts rows without a partner, `quarantine` breaks them.
    """

    columns: tuple[str, ...]
    dataset: str
    to: tuple[str, ...]
    orphans: Orphans

    @property
    def name(self) -> str:
        """What the quarantine and the checks call it."""
        return f"{', '.join(self.columns)} is in {self.dataset}"


@dataclass(frozen=True)
class Freshness:
    """How old the newest row may be.

    Attributes:
        column: The column with the data's own time.
        limit: Largest allowed age.
    """

    column: str
    limit: timedelta


@dataclass(frozen=True)
class Retention:
    """How long rows are kept.

    Attributes:
        column: The partition column, whose time counts.
        limit: Age beyond which a whole partition is no longer published.
    """

    column: str
    limit: timedelta


@dataclass(frozen=True)
class Keeping:
    """What is kept beside the rows that readers see.

    Attributes:
        snapshots: The newest snapshots of the table that stay whatever their age.
        days: Age up to which all its snapshots stay.
        delete_bronze: Whether a raw file is deleted when every row of it is past retention.
    """

    snapshots: int = 20
    days: float = 0
    delete_bronze: bool = False


@dataclass(frozen=True)
class History:
    """A dimension whose earlier rows stay, each with the time in which it held.

    Attributes:
        since: From when the rows of the first delivery hold; None means from its own time.
        pattern: Regular expression that finds a delivery's time in its file's name, in its only
            group, as an ISO 8601 date or time; None means the time of landing.
    """

    since: date | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Totals:
    """What the producer says should be there.

    Attributes:
        side_file: Name of the file with the totals, with `{name}` or `{stem}` of the data file;
            None where only files are counted.
        rows: Key of the row count in that JSON file, or None.
        sums: Key of the sum of each of these columns.
        files: Expected number of files that touch each partition, or None.
    """

    side_file: str | None = None
    rows: str | None = None
    sums: Mapping[str, str] = field(default_factory=dict)
    files: int | None = None
