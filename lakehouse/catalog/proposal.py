"""New content of a table on a branch that no reader sees, until it is accepted or discarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table, _parquet_files_to_data_files
from pyiceberg.table.update import (
    RemoveSnapshotRefUpdate,
    SetPropertiesUpdate,
)
from pyiceberg.table.update.snapshot import ManageSnapshots

from lakehouse.catalog.catalog import Catalog, Change, staged, still_at
from lakehouse.catalog.evolving import map_names
from lakehouse.catalog.merging import overwrite
from lakehouse.catalog.references import main_at
from lakehouse.catalog.retrying import attempts
from lakehouse.errors import PublishConflict

_ATTEMPTS = 30


@dataclass(frozen=True)
class Proposal:
    """New content of a table on a branch that no reader sees.

    Attributes:
        table: Table name.
        branch: The branch.
        base: Snapshot of `main` that the branch started from.
        snapshot: The branch's snapshot.
        sequence: Its sequence number, which orders publishes.
        metadata: Metadata location that knows the branch.
    """

    table: str
    branch: str
    base: int
    snapshot: int
    sequence: int
    metadata: str


def propose(
    catalog: Catalog,
    name: str,
    branch: str,
    files: Sequence[str],
    replaced: BooleanExpression,
    *,
    properties: Mapping[str, str],
) -> Proposal:
    """Writes one snapshot on a new branch: files matching `replaced` out, `files` in.

    Args:
        catalog: The catalog.
        name: The table; its `main` is the base.
        branch: Name of the new branch.
        files: Parquet files, already in the table's folder.
        replaced: Filter aligned with the partitions, so that it takes whole files.
        properties: Kept in the snapshot's summary.

    Raises:
        PublishConflict: The table has no snapshot, or other runs kept committing to it.
    """
    for last in attempts(_ATTEMPTS):
        table = catalog.table(name)
        base = table.current_snapshot()
        if base is None:
            raise PublishConflict([name], "the table has no snapshot to start from")
        transaction = table.transaction()
        map_names(transaction)
        ManageSnapshots(transaction).create_branch(base.snapshot_id, branch).commit()
        with overwrite(transaction, table, branch, properties) as change:
            for task in table.scan(row_filter=replaced).plan_files():
                change.delete_data_file(task.file)
            for file in _parquet_files_to_data_files(
                transaction.table_metadata, list(files), table.io
            ):
                change.append_data_file(file)
        try:
            # not the transaction's own commit: where that tries again, it forgets from where the
            # branch starts, and the new snapshot has none of the table's other rows
            catalog.commit([staged(transaction, table)])
        except PublishConflict:
            change._clean_all_uncommitted()
            if last:
                raise
        else:
            return proposed(catalog.table(name), branch)
    raise AssertionError  # the last attempt returns or raises


def proposed(table: Table, branch: str) -> Proposal:
    """Returns the branch as it was just written, with one snapshot on its base."""
    head = table.metadata.refs[branch].snapshot_id
    made = table.snapshot_by_id(head)
    return Proposal(
        table=".".join(table.name()),
        branch=branch,
        base=(made.parent_snapshot_id if made else None) or 0,
        snapshot=head,
        sequence=(made.sequence_number if made else None) or 0,
        metadata=table.metadata_location,
    )


def accept(table: Table, proposal: Proposal, properties: Mapping[str, str] | None = None) -> Change:
    """Returns the change that makes the proposal what readers see, if `main` is still its base.

    Args:
        table: The table as it is now.
        proposal: What was judged.
        properties: Set on the table at the same moment.
    """
    noted = (SetPropertiesUpdate(updates=dict(properties)),) if properties else ()
    return Change(
        table,
        (
            *noted,
            main_at(proposal.snapshot),
            RemoveSnapshotRefUpdate(ref_name=proposal.branch),
        ),
        (still_at(proposal.base),),
    )


def discard(table: Table, proposal: Proposal) -> Change:
    """Returns the change that removes the proposal's branch; `main` stays."""
    return Change(table, (RemoveSnapshotRefUpdate(ref_name=proposal.branch),))
