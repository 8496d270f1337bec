"""The Iceberg catalog: tables by name, consistent reads, and all-or-nothing commits.

PyIceberg commits one table at a time. `Catalog.commit` stages every table's new metadata and then
moves all of them in one database transaction, each compared with the metadata it was staged from.
The private PyIceberg methods that this needs are used in this module only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
from filelock import FileLock
from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.expressions import BooleanExpression
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import (
    StagedTable,
    Table,
    TableProperties,
    Transaction,
    _parquet_files_to_data_files,
)
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    RemoveSnapshotRefUpdate,
    SetSnapshotRefUpdate,
    TableRequirement,
    TableUpdate,
)
from pyiceberg.table.update.snapshot import ManageSnapshots
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lakehouse.errors import LakeFormatError, PublishConflict, UnknownName
from lakehouse.settings import Settings

NAME = "lakehouse"
MAIN = "main"
FORMAT_VERSION = "1"
"""Version of the lake's own layout, kept on every table."""

_PROPERTIES = {
    "format-version": "2",
    "lakehouse.format": FORMAT_VERSION,
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "16",
}


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


class Catalog:
    """The lake's tables."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def iceberg(self) -> SqlCatalog:
        """The PyIceberg catalog, opened at first use."""
        self._settings.home.mkdir(parents=True, exist_ok=True)
        properties = {"uri": self._settings.catalog_uri, "warehouse": self._settings.warehouse}
        if self._settings.s3_endpoint:
            properties["s3.endpoint"] = self._settings.s3_endpoint
        if self._settings.warehouse.startswith("s3://"):
            # pyarrow's S3 client uploads without Content-Length, which some servers refuse
            properties["py-io-impl"] = "pyiceberg.io.fsspec.FsspecFileIO"
        # two processes that make the catalog's tables at the same moment would trip over each other
        with FileLock(self._settings.home / "catalog.lock"):
            return SqlCatalog(NAME, **properties)

    def names(self) -> tuple[str, ...]:
        """Returns the names of all tables, sorted."""
        return tuple(sorted(self.locations()))

    def locations(self) -> dict[str, str]:
        """Returns the metadata location of every table, from one read of the catalog."""
        return {_name(row): str(row.metadata_location) for row in self._rows()}

    def refs(self, names: Iterable[str] | None = None) -> Refs:
        """Returns tables (all, or those of `names` that exist) from one read of the catalog."""
        wanted = None if names is None else set(names)
        rows = [row for row in self._rows() if wanted is None or _name(row) in wanted]
        convert = self.iceberg._convert_orm_to_iceberg
        return Refs({_name(row): self._known(convert(row)) for row in rows})

    def table(self, name: str) -> Table:
        """Returns one table as it is now.

        Raises:
            UnknownName: There is no such table.
            LakeFormatError: A newer version of the lakehouse has written it.
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
        if name in self.locations():
            return self._evolved(self.table(name), schema)
        namespace = name.split(".", 1)[0]
        self.iceberg.create_namespace_if_not_exists(namespace)
        location = f"{self._settings.warehouse}/{name.replace('.', '/')}"
        try:
            table = self.iceberg.create_table(
                name,
                schema,
                location=location,
                partition_spec=spec,
                properties={**_PROPERTIES, **(properties or {})},
            )
            table.append(table.schema().as_arrow().empty_table())
        except TableAlreadyExistsError:
            pass  # another run made it at the same moment
        return self.table(name)

    def _evolved(self, table: Table, schema: Schema | pa.Schema) -> Table:
        """Adds columns that are new and drops those that are gone; the rest keeps its id."""
        wanted = table.catalog._convert_schema_if_needed(schema)
        gone = {f.name for f in table.schema().fields} - {f.name for f in wanted.fields}
        fresh = {f.name for f in wanted.fields} - {f.name for f in table.schema().fields}
        if gone or fresh:
            with table.update_schema(allow_incompatible_changes=True) as change:
                change.union_by_name(schema)
                for name in sorted(gone):
                    change.delete_column(name)
        return table

    def commit(self, changes: Sequence[Change]) -> None:
        """Moves all tables to their new metadata in one database transaction, or none.

        Raises:
            PublishConflict: A table is no longer what its change was staged from.
        """
        moves = [(change, self._stage(change)) for change in changes if change.updates]
        with Session(self.iceberg.engine) as session, session.begin():
            for change, staged in moves:
                self._swap(session, change.table, staged)
        for change, staged in moves:
            IcebergCatalog._delete_old_metadata(staged.io, change.table.metadata, staged.metadata)

    def _stage(self, change: Change) -> StagedTable:
        try:
            staged = self.iceberg._update_and_stage_table(
                change.table, change.table.name(), change.requirements, change.updates
            )
        except CommitFailedException as error:
            raise PublishConflict([".".join(change.table.name())], str(error)) from error
        self.iceberg._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        return staged

    def _swap(self, session: Session, old: Table, new: StagedTable) -> None:
        namespace, name = old.name()
        moved = session.execute(
            update(IcebergTables)
            .where(
                IcebergTables.catalog_name == NAME,
                IcebergTables.table_namespace == namespace,
                IcebergTables.table_name == name,
                IcebergTables.metadata_location == old.metadata_location,
            )
            .values(
                metadata_location=new.metadata_location,
                previous_metadata_location=old.metadata_location,
            )
        )
        if moved.rowcount != 1:  # type: ignore[attr-defined]
            raise PublishConflict([f"{namespace}.{name}"], "another run committed at the same time")

    def _known(self, table: Table) -> Table:
        """Refuses a table of a later layout before anything is read from it or written to it."""
        found = int(table.properties.get("lakehouse.format", FORMAT_VERSION))
        if found > int(FORMAT_VERSION):
            raise LakeFormatError(str(self._settings.home), found, int(FORMAT_VERSION))
        return table

    def _rows(self) -> Sequence[IcebergTables]:
        with Session(self.iceberg.engine) as session:
            found = session.scalars(select(IcebergTables).where(IcebergTables.catalog_name == NAME))
            return found.all()


def staged(transaction: Transaction, base: Table) -> Change:
    """Returns what an uncommitted transaction would do, to be committed with other tables."""
    return Change(base, transaction._updates, transaction._requirements)


def still_at(snapshot_id: int) -> AssertRefSnapshotId:
    """Returns the requirement that `main` is the snapshot that was judged."""
    return AssertRefSnapshotId(type="assert-ref-snapshot-id", ref=MAIN, snapshot_id=snapshot_id)


def _name(row: IcebergTables) -> str:
    return f"{row.table_namespace}.{row.table_name}"


@dataclass(frozen=True)
class Proposal:
    """New content of a table on a branch that no reader sees.

    Attributes:
        table: Table name.
        branch: The branch.
        base: Snapshot of `main` that the branch started from.
        snapshot: The branch's snapshot.
        metadata: Metadata location that knows the branch.
    """

    table: str
    branch: str
    base: int
    snapshot: int
    metadata: str


def propose(
    table: Table,
    branch: str,
    files: Sequence[str],
    replaced: BooleanExpression,
    properties: Mapping[str, str],
) -> Proposal:
    """Writes one snapshot on a new branch: files matching `replaced` out, `files` in.

    Args:
        table: The table; its `main` is the base.
        branch: Name of the new branch.
        files: Parquet files, already in the table's folder.
        replaced: Filter aligned with the partitions, so that it takes whole files.
        properties: Kept in the snapshot's summary.
    """
    base = table.current_snapshot()
    if base is None:
        raise PublishConflict([".".join(table.name())], "the table has no snapshot to start from")
    transaction = table.transaction()
    if transaction.table_metadata.name_mapping() is None:
        mapping = table.schema().name_mapping.model_dump_json()
        transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: mapping})
    ManageSnapshots(transaction).create_branch(base.snapshot_id, branch).commit()
    with transaction.update_snapshot(dict(properties), branch=branch).overwrite() as overwrite:
        for task in table.scan(row_filter=replaced).plan_files():
            overwrite.delete_data_file(task.file)
        for file in _parquet_files_to_data_files(transaction.table_metadata, list(files), table.io):
            overwrite.append_data_file(file)
    table = transaction.commit_transaction()
    head = table.metadata.refs[branch].snapshot_id
    return Proposal(".".join(table.name()), branch, base.snapshot_id, head, table.metadata_location)


def accept(table: Table, proposal: Proposal) -> Change:
    """Returns the change that makes the proposal what readers see, if `main` is still its base."""
    return Change(
        table,
        (
            SetSnapshotRefUpdate(
                ref_name=MAIN,
                type="branch",
                snapshot_id=proposal.snapshot,
                max_ref_age_ms=None,
                max_snapshot_age_ms=None,
                min_snapshots_to_keep=None,
            ),
            RemoveSnapshotRefUpdate(ref_name=proposal.branch),
        ),
        (still_at(proposal.base),),
    )


def discard(table: Table, proposal: Proposal) -> Change:
    """Returns the change that removes the proposal's branch; `main` stays."""
    return Change(table, (RemoveSnapshotRefUpdate(ref_name=proposal.branch),))
