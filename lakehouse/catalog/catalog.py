"""The Iceberg catalog: tables by name, consistent reads, and all-or-nothing commits.

PyIceberg commits one table at a time. `Catalog.commit` stages every table's new metadata and then
moves all of them in one database transaction, each compared with the metadata it was staged from.
The private PyIceberg methods that this needs are used in this module only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial

import pyarrow as pa
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import (
    StagedTable,
    Table,
    Transaction,
)
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    SetSnapshotRefUpdate,
    TableRequirement,
    TableUpdate,
)
from pyiceberg.typedef import Identifier
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from lakehouse import faults
from lakehouse.catalog.expiring import forgetting, trim
from lakehouse.catalog.opening import NAME, open_catalog
from lakehouse.catalog.retrying import attempts
from lakehouse.errors import LakeFormatError, PublishConflict, UnknownName
from lakehouse.settings import Settings

MAIN = "main"
FORMAT = "lakehouse.format"
"""Table property: the version of the lake's own layout."""
FORMAT_VERSION = "2"
"""The version that this code reads and writes; `formats` says what each was."""

_PROPERTIES = {
    "format-version": "2",
    FORMAT: FORMAT_VERSION,
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "16",
}
_ATTEMPTS = 3
SAME_ROWS = "lakehouse.same-rows-as"
"""In the summary of a snapshot that changed files and no row: the one that brought the rows."""


@dataclass(frozen=True)
class Change:
    """Staged updates of one table, valid only on the metadata of `table`."""

    table: Table
    updates: tuple[TableUpdate, ...]
    requirements: tuple[TableRequirement, ...] = ()


@dataclass(frozen=True)
class Refs:
    """One consistent view of the lake: every table as one read of the catalog found it."""

    tables: Mapping[str, Table] = field(default_factory=dict)

    def snapshot(self, name: str) -> int | None:
        """Returns the snapshot id of `main`, or None where there is no table or no snapshot."""
        table = self.tables.get(name)
        found = table.current_snapshot() if table else None
        return found.snapshot_id if found else None

    def content(self, name: str) -> int | None:
        """Returns what stands for the rows that readers of `main` see, None as `snapshot` does.

        It is the snapshot that brought them. Unlike the snapshot's id it stays the same when files
        are compacted, so what was made from these rows is recorded and compared by it.
        """
        table = self.tables.get(name)
        found = table.current_snapshot() if table else None
        return content_of(found) if found else None

    def properties(self, name: str) -> Mapping[str, str]:
        """Returns the properties of a table, none where there is no table."""
        table = self.tables.get(name)
        return table.properties if table else {}


class Catalog:
    """The lake's tables."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._grace = settings.grace.total_seconds()

    @cached_property
    def iceberg(self) -> SqlCatalog:
        """The PyIceberg catalog, opened at first use."""
        opened = open_catalog(self._settings)
        # PyIceberg's own would delete a file that a reader opened a moment ago
        vars(opened)["_delete_old_metadata"] = partial(trim, grace=self._grace)
        return opened

    def names(self) -> tuple[str, ...]:
        """Returns the names of all tables, sorted."""
        return tuple(sorted(self.locations()))

    def locations(self) -> dict[str, str]:
        """Returns the metadata location of every table, from one read of the catalog."""
        return {_name(row): str(row.metadata_location) for row in self._rows()}

    def refs(self, names: Iterable[str] | None = None, *, older: bool = False) -> Refs:
        """Returns tables (all, or those of `names` that exist) from one read of the catalog.

        Args:
            names: Which; all without it.
            older: Also those that an earlier version of the lakehouse has written, to upgrade them.

        Raises:
            LakeFormatError: Another version of the lakehouse has written one of them.
        """
        wanted = None if names is None else set(names)
        rows = [row for row in self._rows() if wanted is None or _name(row) in wanted]
        convert = self.iceberg._convert_orm_to_iceberg
        return Refs({_name(row): self._known(convert(row), older=older) for row in rows})

    def table(self, name: str) -> Table:
        """Returns one table as it is now.

        Raises:
            UnknownName: There is no such table.
            LakeFormatError: Another version of the lakehouse has written it.
        """
        try:
            return self._known(self.iceberg.load_table(name))
        except NoSuchTableError as error:
            raise UnknownName("table", name, self.names()) from error

    def ensure(
        self,
        name: str,
        schema: Schema | pa.Schema,
        spec: PartitionSpec = UNPARTITIONED_PARTITION_SPEC,
        properties: Mapping[str, str] | None = None,
    ) -> Table:
        """Returns the table, made with an empty first snapshot if it is new.

        A branch can only start from a snapshot, hence the empty append.
        """
        if name not in self.locations():
            self._make_namespace(name.split(".", 1)[0])
            location = f"{self._settings.warehouse}/{name.replace('.', '/')}"
            kept = {**_PROPERTIES, **(properties or {})}
            with suppress(TableAlreadyExistsError):  # another run made it at the same moment
                self.iceberg.create_table(
                    name, schema, location=location, partition_spec=spec, properties=kept
                )
        table = self.table(name)
        while table.current_snapshot() is None:
            faults.reach("catalog.created")
            transaction = table.transaction()
            transaction.append(table.schema().as_arrow().empty_table())
            with suppress(PublishConflict):  # another run gave it its first snapshot
                self.commit([staged(transaction, table)])
            table = self.table(name)
        return table

    def _make_namespace(self, name: str) -> None:
        # two runs may find that it is not there; the database takes it from one of them
        with suppress(IntegrityError):
            self.iceberg.create_namespace_if_not_exists(name)

    def commit(self, changes: Sequence[Change]) -> None:
        """Moves all tables to their new metadata in one database transaction, or none.

        A change without updates moves nothing; its table must be the same as the others are moved.

        Raises:
            PublishConflict: A table is no longer what its change was staged from.
        """
        # in one order for all, so that two commits never wait for each other
        ordered = sorted(changes, key=lambda change: change.table.name())
        moves = [(change, self._stage(change)) for change in ordered if change.updates]
        places = {change.table.name(): staged.metadata_location for change, staged in moves}
        faults.reach("commit.staged")
        self._move(ordered, places)
        faults.reach("commit.done")
        for change, staged in moves:
            trim(staged.io, change.table.metadata, staged.metadata, self._grace)

    def _move(self, changes: Sequence[Change], places: Mapping[Identifier, str]) -> None:
        """Moves all tables, once, also where the database goes away in the middle."""
        for last in attempts(_ATTEMPTS):
            try:
                with Session(self.iceberg.engine) as session, session.begin():
                    for change in changes:
                        self._swap(session, change.table, places.get(change.table.name()))
                        faults.reach("commit.moved")
            except DBAPIError as error:
                if last or not error.connection_invalidated:
                    raise
            else:
                return
            # no answer came: names of metadata are new each time, so the catalog tells if it moved
            now = self.locations()
            if places and all(now.get(".".join(name)) == at for name, at in places.items()):
                return

    def _stage(self, change: Change) -> StagedTable:
        updates = (*change.updates, *forgetting(change.table, _referred(change)))
        try:
            staged = self.iceberg._update_and_stage_table(
                change.table, change.table.name(), change.requirements, updates
            )
        except CommitFailedException as error:
            raise PublishConflict([".".join(change.table.name())], str(error)) from error
        self.iceberg._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        return staged

    def _swap(self, session: Session, old: Table, location: str | None) -> None:
        """Moves a table that still is what it was, or sees to it that it is until the others are.

        Where there is nothing to move, the row is written as it is, which keeps others off it.
        """
        namespace, name = old.name()
        previous = {"previous_metadata_location": old.metadata_location} if location else {}
        moved = session.execute(
            update(IcebergTables)
            .where(
                IcebergTables.catalog_name == NAME,
                IcebergTables.table_namespace == namespace,
                IcebergTables.table_name == name,
                IcebergTables.metadata_location == old.metadata_location,
            )
            .values(metadata_location=location or old.metadata_location, **previous)
        )
        if moved.rowcount != 1:  # type: ignore[attr-defined]
            raise PublishConflict([f"{namespace}.{name}"], "another run committed at the same time")

    def _known(self, table: Table, *, older: bool = False) -> Table:
        """Refuses a table of another layout before anything is read from it or written to it."""
        found = format_of(table)
        if found > int(FORMAT_VERSION) or (found < int(FORMAT_VERSION) and not older):
            raise LakeFormatError(str(self._settings.home), found, int(FORMAT_VERSION))
        return table

    def _rows(self) -> Sequence[IcebergTables]:
        with Session(self.iceberg.engine) as session:
            found = session.scalars(select(IcebergTables).where(IcebergTables.catalog_name == NAME))
            return found.all()


def format_of(table: Table) -> int:
    """Returns the version of the lake's layout that a table was written in."""
    return int(table.properties.get(FORMAT, FORMAT_VERSION))


def content_of(snapshot: Snapshot) -> int:
    """Returns the snapshot that brought the rows of this one, which is itself unless compacted."""
    noted = snapshot.summary[SAME_ROWS] if snapshot.summary else None
    return int(noted) if noted else snapshot.snapshot_id


def staged(transaction: Transaction, base: Table) -> Change:
    """Returns what an uncommitted transaction would do, to be committed with other tables."""
    return Change(base, transaction._updates, transaction._requirements)


def _referred(change: Change) -> frozenset[int]:
    """Returns the snapshots that a change points a name at; it must not forget them."""
    refs = (one for one in change.updates if isinstance(one, SetSnapshotRefUpdate))
    return frozenset(one.snapshot_id for one in refs)


def still_at(snapshot_id: int) -> AssertRefSnapshotId:
    """Returns the requirement that `main` is the snapshot that was judged."""
    return AssertRefSnapshotId(type="assert-ref-snapshot-id", ref=MAIN, snapshot_id=snapshot_id)


def _name(row: IcebergTables) -> str:
    return f"{row.table_namespace}.{row.table_name}"
