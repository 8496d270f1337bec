"""What a contract says, as small frozen ideas that the engine works with.

`loading` makes them from an ODCS file; nothing else in the lake reads YAML of a dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from lakehouse.connection import quote_name
from lakehouse.results import Severity

Delivery = Literal["incremental", "replace", "full"]
Granularity = Literal["day", "month", "year"]
Orphans = Literal["report", "quarantine"]


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
        format: strptime format of dates and times in the file, or None for ISO 8601.
        zone: Zone of a timestamp without offset in the file; None means UTC.
        transform: DuckDB expression for a column that is computed, not read.
        sources: The columns that `transform` uses.
        classification: E.g. `public`, `confidential`, `pii`.
        tags: From the contract.
    """

    name: str
    type: str
    description: str = ""
    required: bool = False
    unit: str | None = None
    format: str | None = None
    zone: str | None = None
    transform: str | None = None
    sources: tuple[str, ...] = ()
    classification: str | None = None
    tags: tuple[str, ...] = ()


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
    """

    type: str
    kwargs: Mapping[str, object]
    severity: Severity
    notes: str

    @property
    def name(self) -> str:
        """A short name that is unique in a suite that repeats no column."""
        about = self.kwargs.get("column") or self.kwargs.get("column_list") or ""
        words = "_".join(map(str, about)) if isinstance(about, list | tuple) else str(about)
        return f"{self.type}__{words}" if words else self.type


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
class Partition:
    """How the table is cut.

    Attributes:
        column: The DATE or TIMESTAMPTZ column that decides.
        granularity: Width of a partition.
        start: First partition; rows before it are broken.
    """

    column: str
    granularity: Granularity
    start: date

    @property
    def label(self) -> str:
        """SQL for the first day of a row's partition, as a DATE; null where it has none."""
        name, first = quote_name(self.column), self.start.isoformat()
        day = f"date_trunc('{self.granularity}', {name})::DATE"
        return f"CASE WHEN {name} >= DATE '{first}' THEN {day} END"

    def name(self, first: date) -> str:
        """Returns the partition's name from its first day, e.g. `2013-04`."""
        return first.strftime(self.pattern)

    @property
    def pattern(self) -> str:
        """The strftime pattern of a partition's name, e.g. `%Y-%m`."""
        return {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[self.granularity]

    def bounds(self, name: str) -> tuple[date, date]:
        """Returns the first day of the partition and of the next one.

        >>> Partition("d", "month", date(2013, 1, 1)).bounds("2013-12")
        (datetime.date(2013, 12, 1), datetime.date(2014, 1, 1))
        """
        year, month, day = (*(int(part) for part in name.split("-")), 1, 1)[:3]
        first = date(year, month, day)
        if self.granularity == "day":
            return first, first + timedelta(days=1)
        if self.granularity == "month":
            return first, date(year + month // 12, month % 12 + 1, 1)
        return first, date(year + 1, 1, 1)


@dataclass(frozen=True)
class ReadOptions:
    """How the dataset's files are written.

    Attributes:
        format: File format; the reader of that name reads it.
        delimiter: Field separator.
        quote: Quote character.
        nulls: Tokens that mean null, beside the empty unquoted field.
    """

    format: Literal["csv"] = "csv"
    delimiter: str = ","
    quote: str = '"'
    nulls: tuple[str, ...] = ("",)


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
class Contract:
    """One dataset, from its ODCS file.

    Attributes:
        dataset: Name of the dataset and of its table in silver.
        version: The contract's version.
        description: For people.
        owner: Who answers for the data.
        domain: E.g. `aviation`.
        tags: From the contract.
        columns: All columns in the table's order.
        key: Primary key columns; empty means that rows have no key.
        partition: How the table is cut, or None for one whole.
        delivery: What a new file means.
        limit: Largest share of quarantined rows in a delivery, 0 to 1.
        read: How files are written.
        rules: Rules of a row, compiled from types, options and row rules.
        expectations: The suite.
        references: Foreign keys.
        freshness: How old the data may be, or None.
        file: The ODCS file, for messages.
    """

    dataset: str
    version: str
    description: str
    owner: str
    domain: str
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: Partition | None
    delivery: Delivery
    limit: float
    read: ReadOptions
    rules: tuple[Rule, ...]
    expectations: tuple[Expectation, ...]
    references: tuple[Reference, ...] = ()
    freshness: Freshness | None = None
    file: str = field(default="", compare=False)

    @property
    def table(self) -> str:
        """Name of the published table."""
        return f"silver.{self.dataset}"

    @property
    def quarantine(self) -> str:
        """Name of the table of broken rows."""
        return f"quarantine.{self.dataset}"

    @property
    def read_columns(self) -> tuple[Column, ...]:
        """The columns that a file has."""
        return tuple(column for column in self.columns if column.transform is None)

    @property
    def pinned(self) -> tuple[Reference, ...]:
        """References that decide which rows are published, so that their snapshots are inputs."""
        return tuple(ref for ref in self.references if ref.orphans == "quarantine")

    def column(self, name: str) -> Column:
        """Returns the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of all that decides the rows and their judgement; prose does not count."""
        prose = {"version", "description", "owner", "domain", "tags", "file", "freshness"}
        content = {name: value for name, value in asdict(self).items() if name not in prose}
        for column in content["columns"]:
            for name in ("description", "tags", "unit"):
                column.pop(name)
        for expectation in content["expectations"]:
            expectation.pop("notes")
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
