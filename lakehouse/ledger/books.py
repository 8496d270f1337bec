"""Appends to and reads the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

import pyarrow as pa
from pyiceberg.expressions import EqualTo, In
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestamptzType,
)

from lakehouse import catalog
from lakehouse.catalog import Catalog, Change, Refs
from lakehouse.ledger.entries import (
    Account,
    Build,
    Claim,
    Decision,
    Delivery,
    Entry,
    Erasure,
    Inspection,
    Judgement,
    Replacement,
)
from lakehouse.ledger.removal import Removal
from lakehouse.ledger.replacing import replaced, standing
from lakehouse.ledger.rollback import Rollback
from lakehouse.ledger.rollback import standing as not_undone

_ATTEMPTS = 20
E = TypeVar(
    "E",
    Delivery,
    Inspection,
    Decision,
    Claim,
    Account,
    Build,
    Judgement,
    Erasure,
    Removal,
    Replacement,
    Rollback,
)
TABLES: Mapping[type[Entry], str] = {
    Delivery: "ledger.deliveries",
    Inspection: "ledger.inspections",
    Decision: "ledger.decisions",
    Claim: "ledger.claims",
    Account: "ledger.accounts",
    Build: "ledger.builds",
    Erasure: "ledger.erasures",
    Removal: "ledger.removals",
    Replacement: "ledger.replacements",
    Rollback: "ledger.rollbacks",
}
_NAMES: Mapping[type[Entry], str] = {**TABLES, Judgement: "ledger.verdicts"}
"""All tables; the verdicts decide nothing, so they are not read with the books."""
_TYPES: Mapping[str, PrimitiveType] = {
    "int": LongType(),
    "int | None": LongType(),
    "bool": BooleanType(),
    "str": StringType(),
    "datetime": TimestamptzType(),
    "DecisionKind": StringType(),
    "ErasureKind": StringType(),
    "RollbackKind": StringType(),
}


@dataclass(frozen=True)
class Books:
    """All entries at one consistent moment; deliveries have the objects that are there now."""

    deliveries: tuple[Delivery, ...]
    inspections: tuple[Inspection, ...]
    decisions: tuple[Decision, ...]
    claims: tuple[Claim, ...]
    accounts: tuple[Account, ...]
    builds: tuple[Build, ...]
    erasures: tuple[Erasure, ...]
    removals: tuple[Removal, ...]
    replacements: tuple[Replacement, ...]
    rollbacks: tuple[Rollback, ...]
    refs: Refs

    def replaced_in(self, dataset: str) -> Mapping[str, Replacement]:
        """Returns what stands in the place of each object of a dataset that is gone, by sha256."""
        found = standing(self.replacements).items()
        return {sha256: now for (name, sha256), now in found if name == dataset}

    @property
    def unfinished(self) -> tuple[Erasure, ...]:
        """Erasures that were begun and not finished."""
        done = {one.number for one in self.erasures if one.kind == "done"}
        return tuple(one for one in self.erasures if one.kind == "begun" and one.number not in done)

    def delivered(self, dataset: str) -> tuple[Delivery, ...]:
        """Returns the dataset's deliveries in their order."""
        found = (entry for entry in self.deliveries if entry.dataset == dataset)
        return tuple(sorted(found, key=lambda entry: entry.number))

    def removed(self, dataset: str) -> frozenset[int]:
        """Returns the deliveries of a dataset whose objects retention has deleted."""
        return frozenset(one.delivery for one in self.removals if one.dataset == dataset)

    @property
    def objects(self) -> frozenset[str]:
        """The objects in bronze of deliveries and of their control totals, but for removed ones."""
        gone = {(one.dataset, one.delivery) for one in self.removals}
        brought = ((one.dataset, one.number, one.object) for one in self.deliveries)
        claimed = ((one.dataset, one.delivery, one.object) for one in self.claims)
        return frozenset(o for dataset, n, o in (*brought, *claimed) if (dataset, n) not in gone)

    def rolled(self, dataset: str) -> tuple[Rollback, ...]:
        """Returns the rollbacks and releases of a dataset, or of `gold`, in their order."""
        return _of(dataset, self.rollbacks)


class Ledger:
    """Appends to and reads the books."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[str, tuple[Entry, ...]] = {}

    def table(self, kind: type[Entry]) -> Table:
        """Returns the Iceberg table of one kind of entry, made if it is new."""
        return self._catalog.ensure(_NAMES[kind], _schema(kind), _by_dataset(kind))

    def read(self, extra: Iterable[str] = ()) -> Books:
        """Returns all entries, with the tables `extra` as the same catalog read found them."""
        return self.at(self._catalog.refs([*TABLES.values(), *extra]))

    def at(self, refs: Refs) -> Books:
        """Returns all entries as one catalog read found them."""
        replacements = self._entries(Replacement, refs)
        books = Books(
            deliveries=replaced(self._entries(Delivery, refs), standing(replacements)),
            inspections=self._entries(Inspection, refs),
            decisions=self._entries(Decision, refs),
            claims=self._entries(Claim, refs),
            accounts=self._entries(Account, refs),
            builds=self._entries(Build, refs),
            erasures=self._entries(Erasure, refs),
            removals=self._entries(Removal, refs),
            replacements=replacements,
            rollbacks=self._entries(Rollback, refs),
            refs=refs,
        )
        now = {table.metadata_location for table in refs.tables.values()}
        self._known = {place: rows for place, rows in self._known.items() if place in now}
        return books

    def _entries(self, kind: type[E], refs: Refs) -> tuple[E, ...]:
        """Returns a table's entries; one that nobody has committed to is not read again."""
        table = refs.tables.get(TABLES[kind])
        if table is None:
            return ()
        place = table.metadata_location
        if place not in self._known:
            rows: list[dict[str, Any]] = table.scan().to_arrow().to_pylist()
            self._known[place] = tuple(kind(**row) for row in rows)
        return cast(tuple[E, ...], self._known[place])

    def judgements(self, dataset: str) -> tuple[Judgement, ...]:
        """Returns the verdicts on a dataset, in the order in which the audits were made.

        Those of publishes that were rolled back are not among them.
        """
        refs = self._catalog.refs([_NAMES[Judgement], _NAMES[Rollback]])
        table = refs.tables.get(_NAMES[Judgement])
        if table is None:
            return ()
        rolled = _of(dataset, self._entries(Rollback, refs))
        mine = EqualTo(term="dataset", value=dataset)
        rows: list[dict[str, Any]] = table.scan(row_filter=mine).to_arrow().to_pylist()
        found = (Judgement(**row) for row in rows if not_undone(rolled, row["sequence"]))
        return tuple(sorted(found, key=lambda one: one.sequence))

    def append(self, entries: Sequence[Entry]) -> None:
        """Appends entries of one kind, whatever other runs append at the same time."""
        if entries:
            catalog.retried(_ATTEMPTS, lambda: self._catalog.commit([self.staged(entries)]))

    def staged(self, entries: Sequence[Entry], seen: Books | None = None) -> Change:
        """Returns an append to be committed together with other tables.

        Args:
            entries: Entries of one kind.
            seen: The books from which they were made; their table must not have moved since.
        """
        kind = type(entries[0])
        known = seen.refs.tables.get(_NAMES[kind]) if seen else None
        return _append(known or self.table(kind), entries)

    def fence(self) -> Change:
        """Returns a condition for the commit of what is made of tables that are read from now on.

        It holds as long as no step of forgetting a person is booked.
        """
        return Change(self.table(Erasure), ())

    def stands(self, fence: Change) -> bool:
        """Returns whether a condition made by `fence` holds."""
        name = _NAMES[Erasure]
        return self._catalog.table(name).metadata_location == fence.table.metadata_location

    def rewrite(self, kind: type[E], change: Callable[[E], E]) -> None:
        """Blots out what entries say; nothing else may come of it than less being told."""

        def attempt() -> None:
            table = self._catalog.refs([_NAMES[kind]]).tables.get(_NAMES[kind])
            rows: list[dict[str, Any]] = table.scan().to_arrow().to_pylist() if table else []
            entries = [kind(**row) for row in rows]
            changed = [change(entry) for entry in entries]
            if table is not None and changed != entries:
                self._catalog.commit([catalog.refilled(table, _rows(table, changed))])

        catalog.retried(_ATTEMPTS, attempt)

    def number(
        self,
        kind: type[Delivery] | type[Decision] | type[Erasure] | type[Rollback],
        make: Callable[[int], Sequence[E]],
        about: Callable[[Sequence[E]], Sequence[Entry]] = lambda _: (),
        beside: Callable[[], Sequence[Change]] = tuple,
    ) -> tuple[E, ...]:
        """Appends entries that need numbers.

        Args:
            kind: The kind of entry.
            make: Given the next free number, returns the entries to append; called again if
                another run took the number in between, so that it can also look again whether
                there is still something to append.
            about: Given the entries with their numbers, returns entries of another kind that are
                committed together with them.
            beside: Called after `make`, returns changes of other tables in the same commit.

        Returns:
            The entries as appended.
        """

        def attempt() -> tuple[E, ...]:
            table = self.table(kind)
            taken = table.scan(selected_fields=("number",)).to_arrow()["number"].to_pylist()
            entries = tuple(make(max((n for n in taken if n is not None), default=0) + 1))
            if entries:
                more = about(entries)
                noted: list[Change] = [self.staged(more)] if more else []
                self._catalog.commit([*beside(), _append(table, entries), *noted])
            return entries

        return catalog.retried(_ATTEMPTS, attempt)


def _of(dataset: str, rollbacks: Iterable[Rollback]) -> tuple[Rollback, ...]:
    found = (entry for entry in rollbacks if entry.dataset == dataset)
    return tuple(sorted(found, key=lambda entry: entry.number))


def _append(table: Table, entries: Sequence[Entry]) -> Change:
    datasets = {entry.dataset for entry in entries}
    return catalog.append(table, _rows(table, entries), In(term="dataset", literals=datasets))


def _rows(table: Table, entries: Sequence[Entry]) -> pa.Table:
    rows = [dict(vars(entry)) for entry in entries]
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


def _schema(kind: type[Entry]) -> Schema:
    columns = (
        NestedField(position, column.name, _TYPES[str(column.type)], required=False)
        for position, column in enumerate(fields(kind), start=1)
    )
    return Schema(*columns)


def _by_dataset(kind: type[Entry]) -> PartitionSpec:
    position = [column.name for column in fields(kind)].index("dataset") + 1
    return PartitionSpec(
        PartitionField(
            source_id=position, field_id=1000, transform=IdentityTransform(), name="by_dataset"
        )
    )
