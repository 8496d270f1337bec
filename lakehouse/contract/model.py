"""What a contract says, as one frozen idea that the engine works with.

`loading` makes it from an ODCS file; nothing else in the lake reads YAML of a dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from lakehouse.contract.files import ReadOptions
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import (
    VALIDITY,
    Column,
    Delivery,
    Expectation,
    Freshness,
    History,
    Keeping,
    Query,
    Reference,
    Retention,
    Rule,
    Totals,
)

_PROSE = (
    "version",
    "description",
    "owner",
    "domain",
    "tags",
    "file",
    "freshness",
    "retention",
    "keeping",
)
"""What decides neither a row nor its judgement: a partition beyond retention is not wanted."""


def published(columns: Sequence[Column], history: History | None) -> tuple[Column, ...]:
    """Returns the columns of a silver table: as declared, less those dropped, and history's two."""
    kept = tuple(column for column in columns if column.treatment != "drop")
    return kept + (VALIDITY if history else ())


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
        queries: Quality checks in SQL.
        retention: How long rows are kept, or None for ever.
        history: How earlier rows of a dimension are kept, or None if they are not.
        totals: What the producer says should be there, or None.
        keeping: What is kept beside the rows that readers see.
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
    queries: tuple[Query, ...] = ()
    retention: Retention | None = None
    history: History | None = None
    totals: Totals | None = None
    keeping: Keeping = field(default_factory=Keeping)
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
    def published(self) -> tuple[Column, ...]:
        """The columns of the silver table."""
        return published(self.columns, self.history)

    @property
    def pinned(self) -> tuple[Reference, ...]:
        """References that decide which rows are published, so that their snapshots are inputs."""
        return tuple(ref for ref in self.references if ref.orphans == "quarantine")

    @property
    def counts_rows(self) -> bool:
        """Whether a partition with too few or too many rows is refused."""
        return any(
            one.severity == "error" and one.type.startswith("expect_table_row_count")
            for one in self.expectations
        )

    def column(self, name: str) -> Column:
        """Returns the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of all that decides the rows and their judgement; prose does not count."""
        content = {name: value for name, value in asdict(self).items() if name not in _PROSE}
        for column in content["columns"]:
            for name in ("description", "tags", "unit", "id"):
                column.pop(name)
        for expectation in content["expectations"]:
            expectation.pop("notes")
            expectation.pop("meta")
        for query in content["queries"]:
            query.pop("notes")
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
