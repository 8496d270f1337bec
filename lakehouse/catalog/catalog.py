"""The Iceberg catalog: tables by name, consistent reads, and all-or-nothing commits.

PyIceberg commits one table at a time. `Catalog.commit` stages every table's new metadata and then
moves all of them in one database transaction, each compared with the metadata it was staged from.
The private PyIceberg methods that this needs are used in this module only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial

import pyarrow as pa
from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import (
    StagedTable,
    Table,
    Transaction,
)
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    SetSnapshotRefUpdate,
    TableRequirement,
    TableUpdate,
)
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from lakehouse import faults
from lakehouse.catalog import remote
from lakehouse.catalog.expiring import forgetting, trim
from lakehouse.catalog.moving import drop, move, name_of, rows
from lakehouse.catalog.opening import open_catalog
from lakehouse.catalog.refs import Refs
from lakehouse.catalog.remote import open_remote
from lakehouse.errors import LakeFormatError, PublishConflict, UnknownName, UsageError
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


@dataclass(frozen=True)
class Change:
    """Staged updates of one table, valid only on the metadata of `table`."""

    table: Table
    updates: tuple[TableUpdate, ...]
    requirements: tuple[TableRequirement, ...] = ()


class Catalog:
    """The lake's tables."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._grace = settings.grace.total_seconds()

    @cached_property
    def iceberg(self) -> IcebergCatalog:
        """The PyIceberg catalog, opened at first use."""
        return self._remote or self._local

    @cached_property
    def _remote(self) -> RestCatalog | None:
        asked = self._settings.catalog_uri.startswith(("http://", "https://"))
        return open_remote(self._settings) if asked else None

    @cached_property
    def _local(self) -> SqlCatalog:
        opened = open_catalog(self._settings)
        # PyIceberg's own would delete a file that a reader opened a moment ago
        vars(opened)["_delete_old_metadata"] = partial(trim, grace=self._grace)
        return opened

    @property
    def engine(self) -> Engine:
        """The database that the catalog is in.

        Raises:
            UsageError: It is a REST catalog.
        """
        if self._remote:
            raise UsageError(
                "A REST catalog's tables can only be moved by its own server. Nothing was changed. "
                "Restore and migrate need a catalog in PostgreSQL or SQLite."
            )
        return self._local.engine

    def names(self) -> tuple[str, ...]:
        """Returns the names of all tables, sorted."""
        return tuple(sorted(self.locations()))

    def locations(self) -> dict[str, str]:
        """Returns the metadata location of every table, from one read of the catalog."""
        if self._remote:
            return {n: t.metadata_location for n, t in remote.tables(self._remote).items()}
        return {name_of(row): str(row.metadata_location) for row in rows(self._local)}

    def refs(self, names: Iterable[str] | None = None, *, older: bool = False) -> Refs:
        """Returns tables (all, or those of `names` that exist) from one read of the catalog.

        Args:
            names: Which; all without it.
            older: Also those that an earlier version of the lakehouse has written, to upgrade them.

        Raises:
            LakeFormatError: Another version of the lakehouse has written one of them.
        """
        wanted = None if names is None else set(names)
        if self._remote:
            found = remote.tables(self._remote, wanted)
        else:
            read = [row for row in rows(self._local) if wanted is None or name_of(row) in wanted]
            found = {name_of(row): self._local._convert_orm_to_iceberg(row) for row in read}
        return Refs({name: self._known(table, older=older) for name, table in found.items()})

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
        if not self._has(name):
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

    def drop(self, table: Table) -> None:
        """Forgets a table that nobody has committed to since it was read; its files stay.

        A REST catalog cannot tell: there, what is committed at that very moment is forgotten too.

        Raises:
            PublishConflict: Another run has committed to it.
        """
        if not self._remote:
            drop(self._local, table)
            return
        name = ".".join(table.name())
        if self.table(name).metadata_location != table.metadata_location:
            raise PublishConflict([name], "another run committed at the same time")
        self._remote.drop_table(name)

    def _has(self, name: str) -> bool:
        # of a REST catalog's tables this one alone is asked for, as all never stand still
        found = remote.tables(self._remote, [name]) if self._remote else self.locations()
        return name in found

    def _make_namespace(self, name: str) -> None:
        # two runs may find that it is not there; the database takes it from one of them
        with suppress(IntegrityError):
            self.iceberg.create_namespace_if_not_exists(name)

    def commit(self, changes: Sequence[Change]) -> None:
        """Moves all tables to their new metadata in one transaction of the catalog, or none.

        A change without updates moves nothing; its table must be the same as the others are moved.

        Raises:
            PublishConflict: A table is no longer what its change was staged from.
            UsageError: The catalog cannot move several tables together; nothing was written.
        """
        # in one order for all, so that two commits never wait for each other
        ordered = sorted(changes, key=lambda change: change.table.name())
        if self._remote:
            told = [(change.table, change.requirements, _updates(change)) for change in ordered]
            remote.commit(self._remote, told)
            return
        moves = [(change, self._stage(change)) for change in ordered if change.updates]
        places = {change.table.name(): staged.metadata_location for change, staged in moves}
        faults.reach("commit.staged")
        move(self._local, [(c.table, places.get(c.table.name())) for c in ordered])
        faults.reach("commit.done")
        for change, staged in moves:
            trim(staged.io, change.table.metadata, staged.metadata, self._grace)

    def _stage(self, change: Change) -> StagedTable:
        try:
            staged = self._local._update_and_stage_table(
                change.table, change.table.name(), change.requirements, _updates(change)
            )
        except CommitFailedException as error:
            raise PublishConflict([".".join(change.table.name())], str(error)) from error
        self._local._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        return staged

    def _known(self, table: Table, *, older: bool = False) -> Table:
        """Refuses a table of another layout before anything is read from it or written to it."""
        found = format_of(table)
        if found > int(FORMAT_VERSION) or (found < int(FORMAT_VERSION) and not older):
            raise LakeFormatError(str(self._settings.home), found, int(FORMAT_VERSION))
        return table


def format_of(table: Table) -> int:
    """Returns the version of the lake's layout that a table was written in."""
    return int(table.properties.get(FORMAT, FORMAT_VERSION))


def staged(transaction: Transaction, base: Table) -> Change:
    """Returns what an uncommitted transaction would do, to be committed with other tables."""
    return Change(base, transaction._updates, transaction._requirements)


def _updates(change: Change) -> tuple[TableUpdate, ...]:
    """Returns a change's updates, and that which forgets what need not stay; none if it has none.

    A REST server bounds no history by itself, so it is asked for it as well.
    """
    if not change.updates:
        return ()
    return (*change.updates, *forgetting(change.table, _referred(change)))


def _referred(change: Change) -> frozenset[int]:
    """Returns the snapshots that a change points a name at; it must not forget them."""
    refs = (one for one in change.updates if isinstance(one, SetSnapshotRefUpdate))
    return frozenset(one.snapshot_id for one in refs)


def still_at(snapshot_id: int) -> AssertRefSnapshotId:
    """Returns the requirement that `main` is the snapshot that was judged."""
    return AssertRefSnapshotId(type="assert-ref-snapshot-id", ref=MAIN, snapshot_id=snapshot_id)
