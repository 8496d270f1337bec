"""New files of several tables: on a branch, then in front of readers, all at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Change, Proposal
from lakehouse.errors import PublishConflict
from lakehouse.lake import Lake
from lakehouse.ledger import Entry
from lakehouse.publishing.fencing import require

TOGETHER = "lakehouse.publish"
"""In the summary of a snapshot: the same in all tables whose content was proposed together."""
_ATTEMPTS = 20


@dataclass(frozen=True)
class Draft:
    """New content of a table, written but not yet on a branch.

    Attributes:
        table: Table name.
        files: URLs of Parquet files in the table's folder.
        replaced: Which present rows go; aligned with the table's partitions.
        properties: Kept in the snapshot's summary.
    """

    table: str
    files: tuple[str, ...]
    replaced: BooleanExpression
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What readers see from now on.

    Attributes:
        snapshots: Snapshot id by table name.
    """

    snapshots: Mapping[str, int]


def propose(lake: Lake, drafts: Sequence[Draft], run: str) -> tuple[Proposal, ...]:
    """Puts each draft on a branch of its own table, `audit-<run>-<random>`."""
    branch = f"audit-{run[:8]}-{uuid.uuid4().hex[:8]}"
    stamped = {"lakehouse.run": run, TOGETHER: branch}
    made: list[Proposal] = []
    for draft in drafts:
        try:
            made.append(
                catalog.propose(
                    lake.catalog,
                    draft.table,
                    branch,
                    draft.files,
                    draft.replaced,
                    properties={**stamped, **draft.properties},
                )
            )
        except PublishConflict:
            discard(lake, made)
            raise
        faults.reach("branch.written")
    return tuple(made)


def publish(
    lake: Lake,
    proposals: Sequence[Proposal],
    entries: Callable[[], Sequence[Entry]] = tuple,
    notes: Callable[[Table], Mapping[str, str]] = lambda _: {},
    fence: Change | None = None,
) -> Published:
    """Shows all proposals to readers at once, together with entries in the books.

    Args:
        lake: The lake.
        proposals: Judged proposals.
        entries: Makes the ledger entries that belong to this publish.
        notes: Makes the properties that a table has from this publish on.
        fence: As `fenced` has it.

    Raises:
        PublishConflict: `main` of a table has moved since its branch was made, or a person was
            forgotten since `fence`; the branches stay, and the caller applies its partitions to
            the new `main` and judges again.
    """
    fences = [fence] if fence else []
    for last in catalog.attempts(_ATTEMPTS):
        for one in fences:
            require(lake, one, [proposal.table for proposal in proposals])
        refs = lake.catalog.refs(proposal.table for proposal in proposals)
        moved = [p.table for p in proposals if refs.snapshot(p.table) != p.base]
        if moved:
            raise PublishConflict(moved, "another run published it during the audit")
        now = [(refs.tables[proposal.table], proposal) for proposal in proposals]
        changes = [catalog.accept(table, proposal, notes(table)) for table, proposal in now]
        changes += [*(lake.ledger.staged(same) for same in _by_kind(entries())), *fences]
        try:
            lake.catalog.commit(changes)
        except PublishConflict:
            if last:
                raise
            continue
        break
    return Published({p.table: p.snapshot for p in proposals})


def discard(lake: Lake, proposals: Sequence[Proposal]) -> None:
    """Removes the branches of proposals that were not admitted."""

    def discard_one(proposal: Proposal) -> None:
        table = lake.catalog.table(proposal.table)
        if proposal.branch in table.refs():
            lake.catalog.commit([catalog.discard(table, proposal)])

    for proposal in proposals:
        catalog.retried(_ATTEMPTS, partial(discard_one, proposal))


def _by_kind(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Returns the entries of each ledger table together."""
    found: dict[type[Entry], list[Entry]] = {}
    for entry in entries:
        found.setdefault(type(entry), []).append(entry)
    return list(found.values())
