"""The only door through which data becomes visible.

New files go to a branch (`propose`), are judged there, and `publish` moves `main` of all tables of
a run in one transaction, only if `main` still is what the branch was made from.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Proposal
from lakehouse.errors import PublishConflict
from lakehouse.lake import Lake
from lakehouse.ledger import Entry
from lakehouse.results import Result

_ATTEMPTS = 10


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


@dataclass(frozen=True)
class Written(Result):
    """A whole table written by the engine.

    Attributes:
        table: Table name.
        rows: Its rows.
        snapshot: The snapshot that readers see.
        changed: False if the same rows were there already.
    """

    table: str
    rows: int
    snapshot: int
    changed: bool

    def summary(self) -> str:
        """Says how many rows readers see."""
        how = "published" if self.changed else "unchanged"
        return f"{self.table}: {self.rows:,} rows {how}"

    def facts(self) -> Mapping[str, object]:
        """Returns rows and snapshot."""
        return {"rows": self.rows, "snapshot": str(self.snapshot), "changed": self.changed}


def propose(lake: Lake, drafts: Sequence[Draft], run: str) -> tuple[Proposal, ...]:
    """Puts each draft on a branch of its own table, `audit-<run>-<random>`."""
    branch = f"audit-{run[:8]}-{uuid.uuid4().hex[:8]}"
    stamped = {"lakehouse.run": run}
    made = []
    for draft in drafts:
        table, properties = lake.catalog.table(draft.table), {**stamped, **draft.properties}
        made.append(catalog.propose(table, branch, draft.files, draft.replaced, properties))
        faults.reach("branch.written")
    return tuple(made)


def publish(
    lake: Lake,
    proposals: Sequence[Proposal],
    entries: Callable[[], Sequence[Entry]] = tuple,
    notes: Callable[[Table], Mapping[str, str]] = lambda _: {},
) -> Published:
    """Shows all proposals to readers at once, together with entries in the books.

    Args:
        lake: The lake.
        proposals: Judged proposals.
        entries: Makes the ledger entries that belong to this publish.
        notes: Makes the properties that a table has from this publish on.

    Raises:
        PublishConflict: `main` of a table has moved since its branch was made; the branches stay,
            and the caller applies its partitions to the new `main` and judges again.
    """
    for attempt in range(_ATTEMPTS):
        refs = lake.catalog.refs(proposal.table for proposal in proposals)
        moved = [p.table for p in proposals if refs.snapshot(p.table) != p.base]
        if moved:
            raise PublishConflict(moved, "another run published it during the audit")
        now = [(refs.tables[proposal.table], proposal) for proposal in proposals]
        changes = [catalog.accept(table, proposal, notes(table)) for table, proposal in now]
        changes += [lake.ledger.staged(same) for same in _by_kind(entries())]
        try:
            lake.catalog.commit(changes)
        except PublishConflict:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        break
    return Published({p.table: p.snapshot for p in proposals})


def discard(lake: Lake, proposals: Sequence[Proposal]) -> None:
    """Removes the branches of proposals that were not admitted."""
    for proposal in proposals:
        _retried(lake, proposal)


def replace(
    lake: Lake, table: str, data: pa.Table, *, run: str, properties: Mapping[str, str] | None = None
) -> Written:
    """Makes `data` the whole content of a table that the engine itself computes.

    Equal rows under equal properties are recognised by hash and add no snapshot.
    """
    return replace_many(lake, {table: data}, run=run, properties=properties)[0]


def replace_many(
    lake: Lake,
    tables: Mapping[str, pa.Table],
    *,
    run: str,
    properties: Mapping[str, str] | None = None,
) -> tuple[Written, ...]:
    """Like `replace` for several tables, all or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, data in tables.items():
            files[name] = Path(folder) / f"{name}.parquet"
            pq.write_table(data, files[name], compression="zstd")
        return replace_files(lake, files, run=run, properties=properties)


def replace_files(
    lake: Lake,
    files: Mapping[str, Path],
    *,
    run: str,
    properties: Mapping[str, str] | None = None,
    entries: Callable[[Mapping[str, int]], Sequence[Entry]] = lambda _: (),
) -> tuple[Written, ...]:
    """Makes each local Parquet file the whole content of its table, all or nothing.

    Args:
        lake: The lake.
        files: Parquet file by table name.
        run: The run.
        properties: Kept in the summary of each snapshot.
        entries: Given the snapshot of every table, makes the ledger entries of this publish.
    """
    schemas = {name: pq.read_schema(file) for name, file in files.items()}
    stamps = {
        name: {**(properties or {}), "lakehouse.run": run, "lakehouse.content": _digest(file)}
        for name, file in files.items()
    }
    made = {name: lake.catalog.ensure(name, schema) for name, schema in schemas.items()}
    urls = {
        name: _stored(lake, made[name], file)
        for name, file in files.items()
        if not _carries(made[name], stamps[name])
    }
    for attempt in range(_ATTEMPTS):
        refs = lake.catalog.refs(files)
        staged = {
            name: catalog.rewrite(refs.tables[name], schemas[name], [url], stamps[name])
            for name, url in urls.items()
        }
        fresh = {name: snapshot for name, (_, snapshot) in staged.items()}
        shown = {name: fresh.get(name) or refs.snapshot(name) or 0 for name in files}
        changes = [change for change, _ in staged.values()]
        if booked := entries(shown):
            changes.append(lake.ledger.staged(booked))
        try:
            lake.catalog.commit(changes)
            break
        except PublishConflict:
            # another run wrote one of the tables: the same rows are staged on what it left
            if attempt == _ATTEMPTS - 1:
                raise
    return tuple(
        Written(name, pq.read_metadata(file).num_rows, shown[name], name in urls)
        for name, file in files.items()
    )


def data_url(table: Table, name: str) -> str:
    """Returns a new URL in the table's data folder."""
    return f"{table.location()}/data/{name}-{uuid.uuid4().hex}.parquet"


def _stored(lake: Lake, table: Table, file: Path) -> str:
    url = data_url(table, "part")
    lake.storage.copy(f"file://{file}", url)
    faults.reach("replace.stored")
    return url


def _digest(file: Path) -> str:
    """Content hash: writers give equal bytes for equal rows in equal order."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


def _carries(table: Table, properties: Mapping[str, str]) -> bool:
    snapshot = table.current_snapshot()
    summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return all(summary.get(k) == v for k, v in properties.items() if k != "lakehouse.run")


def _by_kind(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Returns the entries of each ledger table together."""
    found: dict[type[Entry], list[Entry]] = {}
    for entry in entries:
        found.setdefault(type(entry), []).append(entry)
    return list(found.values())


def _retried(lake: Lake, proposal: Proposal) -> None:
    for attempt in range(_ATTEMPTS):
        table = lake.catalog.table(proposal.table)
        if proposal.branch not in table.refs():
            return
        try:
            lake.catalog.commit([catalog.discard(table, proposal)])
        except PublishConflict:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return
