"""What goes back together: a dataset with its quarantine, or all gold tables of one build."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyiceberg.table import Table

from lakehouse import dbt_manifest, quality
from lakehouse.catalog import content_of, summary_of
from lakehouse.contract import Contract
from lakehouse.dbt_manifest import DbtProject
from lakehouse.errors import RollbackRefused, UnknownName
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Build
from lakehouse.ledger.rollback import standing
from lakehouse.planning.gold import GOLD, gold_inputs
from lakehouse.planning.silver import SilverState
from lakehouse.privacy import key_id
from lakehouse.publishing import TOGETHER
from lakehouse.rollback.moment import at, moment, published, resolve, tags


@dataclass(frozen=True)
class Target:
    """An earlier publish.

    Attributes:
        snapshots: Snapshot of each table.
        sequence: What orders it among the publishes: sequence number, or number of the build.
    """

    snapshots: Mapping[str, int]
    sequence: int


class Subject:
    """Tables that were published together."""

    dataset: str
    """What the ledger calls them."""
    columns = False
    """Whether their columns go back with them; a contract's stay what it says now."""

    def __init__(self, lake: Lake, table: str) -> None:
        self._lake, self._table = lake, table

    @property
    @abstractmethod
    def tables(self) -> tuple[str, ...]:
        """Their names."""

    @abstractmethod
    def read(self) -> Books:
        """Returns the ledger with all that decides what is stale."""

    @abstractmethod
    def target(self, books: Books, said: str) -> Target:
        """Returns the publish that is meant by a snapshot, tag or time of the named table."""

    @abstractmethod
    def last(self, books: Books) -> int:
        """Returns the order of the newest publish that there can be so far."""

    @abstractmethod
    def inputs(self, books: Books) -> str:
        """Returns JSON of what decides the rows now."""

    def tell(self) -> None:
        """Makes anew what shows people how the tables stand."""
        return

    def _moves(self, books: Books) -> set[tuple[int, int]]:
        return {(one.from_snapshot, one.to_snapshot) for one in books.rolled(self.dataset)}


class Dataset(Subject):
    """A silver table and its quarantine."""

    def __init__(self, lake: Lake, contract: Contract) -> None:
        super().__init__(lake, contract.table)
        self._contract = contract
        self.dataset = contract.dataset

    @property
    def tables(self) -> tuple[str, ...]:
        """Their names."""
        return (self._contract.table, self._contract.quarantine)

    def read(self) -> Books:
        """Returns the ledger with the two tables and those that rows refer to."""
        pinned = (f"silver.{reference.dataset}" for reference in self._contract.references)
        return self._lake.ledger.read([*self.tables, *pinned])

    def target(self, books: Books, said: str) -> Target:
        """Returns the publish that is meant, with the quarantine's part of it."""
        table, beside = (books.refs.tables[name] for name in self.tables)
        once = {one.snapshot for one in books.accounts if one.dataset == self.dataset}
        number = resolve(table, said, once, self._moves(books))
        mark = _mark(table, number)
        partners = [one for one in published(beside) if _mark(beside, one.snapshot_id) == mark]
        if mark is None or not partners:
            why = f"what quarantine held at snapshot {number} is forgotten"
            raise RollbackRefused(self._table, why)
        found = table.snapshot_by_id(number)
        snapshots = dict(zip(self.tables, (number, partners[0].snapshot_id), strict=True))
        return Target(snapshots, (found.sequence_number if found else None) or 0)

    def last(self, books: Books) -> int:
        """Returns the last sequence number that the silver table gave."""
        known = books.refs.tables[self._table].metadata
        return getattr(known, "last_sequence_number", 0)

    def inputs(self, books: Books) -> str:
        """Returns JSON of a digest by partition."""
        lake, contract = self._lake, self._contract
        key = key_id(contract, lake.settings)
        return json.dumps(dict(SilverState(books, contract, lake.settings.clock(), key).inputs))

    def tell(self) -> None:
        """Makes the dataset's page anew, without the verdicts on what was rolled back."""
        verdicts = self._lake.ledger.judgements(self.dataset)
        quality.write(self._lake.settings.home, self._contract, verdicts)


class Gold(Subject):
    """All tables that dbt builds."""

    dataset = GOLD
    columns = True

    def __init__(self, lake: Lake, table: str, project: DbtProject) -> None:
        super().__init__(lake, table)
        self._project = project

    @property
    def tables(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(model.table for model in self._project.models)

    def read(self) -> Books:
        """Returns the ledger with gold and the silver tables that it is built from."""
        return self._lake.ledger.read([*self.tables, *self._project.sources])

    def target(self, books: Books, said: str) -> Target:
        """Returns the build that is meant; tables that it did not have stay as they are."""
        shown, rolled = self._shown(books, said), books.rolled(self.dataset)

        def order(build: Build) -> tuple[bool, int]:
            # of two builds with the same rows in it, one that was rolled back is not meant
            return not standing(rolled, build.number), -build.number

        for build in sorted(books.builds, key=order):
            outputs = self._outputs(books, build)
            if all(outputs.get(name) == number for name, number in shown.items()):
                found = {name: self._known(books, name, outputs[name]) for name in outputs}
                return Target(found, build.number)
        raise RollbackRefused(self._table, f"no build published what is meant by {said}")

    def last(self, books: Books) -> int:
        """Returns the number of the last build, also of one that was rolled back."""
        return max((build.number for build in books.builds), default=0)

    def inputs(self, books: Books) -> str:
        """Returns JSON of the silver tables' contents and the dbt project's fingerprint."""
        return gold_inputs(books, self._project)

    def _shown(self, books: Books, said: str) -> dict[str, int]:
        """Returns what brought the rows of each table, as far as `said` tells."""
        there = {name: books.refs.tables[name] for name in self.tables if name in books.refs.tables}
        table, time = there[self._table], moment(said)
        if said in tags(table):
            told = {name: tags(one)[said] for name, one in there.items() if said in tags(one)}
        elif time is None or said.isdecimal():
            once = {self._outputs(books, build).get(self._table, 0) for build in books.builds}
            told = {self._table: resolve(table, said, once, self._moves(books))}
        else:
            told = {self._table: at(table, time, self._moves(books))}
            others = (name for name in there if name != self._table)
            told |= {name: at(there[name], time) for name in others if _was(there[name], time)}
        return {name: _content(there[name], number) for name, number in told.items()}

    def _outputs(self, books: Books, build: Build) -> dict[str, int]:
        """Returns what brought the rows of each table since a build."""
        said, tables = json.loads(build.outputs), books.refs.tables
        return {name: _content(tables[name], int(said[name])) for name in said if name in tables}

    def _known(self, books: Books, name: str, content: int) -> int:
        """Returns a snapshot with the rows that a build published, maybe in other files."""
        for snapshot in published(books.refs.tables[name]):
            if content_of(snapshot) == content:
                return snapshot.snapshot_id
        raise RollbackRefused(self._table, f"snapshot {content} of {name} is forgotten")


def subject(lake: Lake, table: str) -> Subject:
    """Returns what a table goes back with.

    Raises:
        UnknownName: There is no such table.
        RollbackRefused: It is not one that goes back by itself.
    """
    if table not in lake.catalog.names():
        raise UnknownName("table", table, lake.catalog.names())
    for contract in lake.contracts.values():
        if table == contract.table:
            return Dataset(lake, contract)
        if table == contract.quarantine:
            raise RollbackRefused(table, f"it goes with its dataset, {contract.table}")
    layer = table.split(".", 1)[0]
    if layer == "ledger":
        raise RollbackRefused(table, "the ledger only grows; it tells of rollbacks, too")
    project = dbt_manifest.load(lake.settings) if layer == GOLD else None
    if project and table in {model.table for model in project.models}:
        return Gold(lake, table, project)
    if layer in ("silver", "quarantine"):
        raise RollbackRefused(table, "no contract declares it any more")
    why = "it is computed from other tables and a champion; roll those back, and it follows"
    raise RollbackRefused(table, why)


def _mark(table: Table, snapshot_id: int) -> str | None:
    """Returns what the tables of one publish have in common; None if that is forgotten.

    What somebody committed on top of a publish, beside the engine, belongs to it.
    """
    snapshot = table.snapshot_by_id(snapshot_id)
    while snapshot is not None:
        facts = summary_of(snapshot)
        if mark := facts.get(TOGETHER) or facts.get("lakehouse.run"):
            return mark
        if snapshot.sequence_number == 1:
            return ""
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent else None
    return None


def _content(table: Table, snapshot_id: int) -> int:
    snapshot = table.snapshot_by_id(snapshot_id)
    return content_of(snapshot) if snapshot else snapshot_id


def _was(table: Table, time: datetime) -> bool:
    """Whether readers saw a table at a time."""
    return bool(table.history()) and table.history()[0].timestamp_ms <= time.timestamp() * 1000
