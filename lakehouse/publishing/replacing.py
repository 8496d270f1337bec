"""Tables that the engine computes as a whole, and writes as a whole."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import Change, Refs
from lakehouse.errors import PublishConflict
from lakehouse.lake import Lake
from lakehouse.publishing.fencing import require
from lakehouse.results import Result

_ATTEMPTS = 20


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
    summary = catalog.summary_of(table.current_snapshot())
    return all(summary.get(k) == v for k, v in properties.items() if k != "lakehouse.run")
