"""The only door through which data becomes visible.

New files go to a branch (`propose`), are judged there, and `publish` moves `main` of all tables of
a run in one transaction, only if `main` still is what the branch was made from.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.expressions import BooleanExpression
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Change, Proposal, Refs
from lakehouse.errors import DbtFailed, PublishConflict
from lakehouse.lake import Lake
from lakehouse.ledger import Entry
from lakehouse.results import Result

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
    for proposal in proposals:
        _retried(lake, proposal)


def replace(
    lake: Lake,
    table: str,
    data: pa.Table,
    *,
    run: str,
    properties: Mapping[str, str] | None = None,
    base: Refs | None = None,
    fence: Change | None = None,
) -> Written:
    """Makes `data` the whole content of a table that the engine itself computes.

    Equal rows under equal properties are recognised by hash and add no snapshot. `base` and `fence`
    are as `replace_files` says.
    """
    found = replace_many(
        lake, {table: data}, run=run, properties=properties, base=base, fence=fence
    )
    return found[0]


def replace_many(
    lake: Lake,
    tables: Mapping[str, pa.Table],
    *,
    run: str,
    properties: Mapping[str, str] | None = None,
    base: Refs | None = None,
    fence: Change | None = None,
) -> tuple[Written, ...]:
    """Like `replace` for several tables, all or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, data in tables.items():
            files[name] = Path(folder) / f"{name}.parquet"
            pq.write_table(data, files[name], compression="zstd")
        return replace_files(lake, files, run=run, properties=properties, base=base, fence=fence)


def replace_files(
    lake: Lake,
    files: Mapping[str, Path],
    *,
    run: str,
    properties: Mapping[str, str] | None = None,
    base: Refs | None = None,
    fence: Change | None = None,
    beside: Callable[[Mapping[str, int]], Sequence[Change]] = lambda _: (),
) -> tuple[Written, ...]:
    """Makes each local Parquet file the whole content of its table, all or nothing.

    Args:
        lake: The lake.
        files: Parquet file by table name.
        run: The run.
        properties: Kept in the summary of each snapshot.
        base: The tables as they were when the files were made; without it the last run wins.
        fence: As `fenced` has it.
        beside: Given the snapshot of every table, makes what is committed with it.

    Raises:
        PublishConflict: Readers no longer see the rows of `base`, a person was forgotten since
            `fence`, or other runs kept committing.
    """
    schemas = {name: pq.read_schema(file) for name, file in files.items()}
    stamps = {
        name: {**(properties or {}), "lakehouse.run": run, "lakehouse.content": _digest(file)}
        for name, file in files.items()
    }
    for name, schema in schemas.items():
        lake.catalog.ensure(name, schema)
    urls: dict[str, str] = {}
    columns: dict[str, Schema] = {}
    fences = [fence] if fence else []
    with _none_left(lake, urls):
        for last in catalog.attempts(_ATTEMPTS):
            refs = _as_read(lake, files, base, fences)
            there = {name for name in files if _carries(refs.tables[name], stamps[name])}
            for name in files.keys() - there:
                wanted = catalog.reshaped(refs.tables[name], schemas[name])
                if columns.get(name) != wanted:  # another run may have changed them meanwhile
                    if name in urls:
                        lake.storage.remove(urls.pop(name))
                    urls[name] = _stored(lake, refs.tables[name], files[name], wanted)
                    columns[name] = wanted
            staged = {
                name: catalog.rewrite(refs.tables[name], schemas[name], [urls[name]], stamps[name])
                for name in files.keys() - there
            }
            fresh = {name: snapshot for name, (_, snapshot) in staged.items()}
            shown = {name: fresh.get(name) or refs.snapshot(name) or 0 for name in files}
            same = [*(Change(refs.tables[name], ()) for name in there), *fences]
            changes = [*(change for change, _ in staged.values()), *same, *beside(shown)]
            try:
                lake.catalog.commit(changes)
                break
            except PublishConflict:
                # another run wrote one of the tables: the same rows are staged on what it left
                if last:
                    raise
    return tuple(
        Written(name, pq.read_metadata(file).num_rows, shown[name], name in fresh)
        for name, file in files.items()
    )


@contextmanager
def fenced(lake: Lake, names: Collection[str], fence: Change | None = None) -> Iterator[Change]:
    """Lends the ledger's fence to what makes tables of others, from before it reads the first.

    Forgetting a person deletes files that are being read; what fails of it is a conflict.
    """
    fence = fence or lake.ledger.fence()
    try:
        yield fence
    except (duckdb.Error, DbtFailed, OSError):
        require(lake, fence, names)
        raise


def require(lake: Lake, fence: Change, names: Collection[str]) -> None:
    """Refuses to go on with what was made of rows that were read before a person was forgotten.

    Raises:
        PublishConflict: A step of that was booked since `fence`.
    """
    if not lake.ledger.stands(fence):
        raise PublishConflict(names, "a person was forgotten since what it is made of was read")


@contextmanager
def _none_left(lake: Lake, urls: Mapping[str, str]) -> Iterator[None]:
    """Removes stored files that a conflict keeps from being published.

    They may hold rows of a person who was forgotten meanwhile.
    """
    try:
        yield
    except PublishConflict:
        for url in urls.values():
            lake.storage.remove(url)
        raise


def _as_read(
    lake: Lake, names: Collection[str], base: Refs | None, fences: Sequence[Change]
) -> Refs:
    """Returns the tables as they are, if nothing has come between that forbids to replace them."""
    for fence in fences:
        require(lake, fence, names)
    refs = lake.catalog.refs(names)
    if base is not None and (moved := [name for name in names if _moved(name, base, refs)]):
        raise PublishConflict(moved, "another run published it in the meantime")
    return refs


def _moved(name: str, base: Refs, now: Refs) -> bool:
    """Whether readers see other rows than those of `base`."""
    if base.content(name) is None and name in now.tables:
        return not catalog.is_new(now.tables[name])
    return base.content(name) != now.content(name)


def data_url(table: Table, name: str) -> str:
    """Returns a new URL in the table's data folder."""
    return f"{table.location()}/data/{name}-{uuid.uuid4().hex}.parquet"


def _stored(lake: Lake, table: Table, file: Path, columns: Schema) -> str:
    """Stores a file with the ids of its columns, so that snapshots outlive what becomes of them."""
    url = data_url(table, "part")
    numbered = file.with_suffix(".numbered.parquet")
    try:
        catalog.number(file, numbered, columns)
        lake.storage.copy(f"file://{numbered}", url)
    finally:
        numbered.unlink(missing_ok=True)
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
    for last in catalog.attempts(_ATTEMPTS):
        table = lake.catalog.table(proposal.table)
        if proposal.branch not in table.refs():
            return
        try:
            lake.catalog.commit([catalog.discard(table, proposal)])
        except PublishConflict:
            if last:
                raise
            continue
        return
