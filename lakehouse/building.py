"""Builds gold with dbt from pinned silver snapshots, and publishes it if dbt's tests pass."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakehouse import faults
from lakehouse.catalog import Change, retried, rows_of
from lakehouse.connection import connect, quote_table, quote_text
from lakehouse.dbt_manifest import DbtProject, GoldModel, GoldTest, load, run_dbt
from lakehouse.errors import BuildRefused, DbtFailed, PublishConflict
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Build
from lakehouse.planning.gold import GOLD, gold_reason, latest, snapshots
from lakehouse.planning.holds import gold_hold
from lakehouse.publishing import Written, fenced, replace_files, require
from lakehouse.results import Check, Result, counted

_ATTEMPTS = 3


@dataclass(frozen=True)
class BuiltModel:
    """One gold table of a build.

    Attributes:
        name: Table name in namespace gold.
        rows: Rows that readers see, None if there are none yet.
        snapshot: The snapshot that readers see.
        changed: Whether this build published it.
        columns: DuckDB type by column name.
        checks: dbt's tests.
    """

    name: str
    rows: int | None
    snapshot: int | None
    changed: bool
    columns: Mapping[str, str]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Built(Result):
    """A build of all gold tables.

    Attributes:
        models: The tables, upstream ones first.
        reason: Why it ran; empty if gold was up to date.
        failures: What failed, as full sentences; not empty means that nothing was published.
        hold: What a rollback holds, as a full sentence.
    """

    models: tuple[BuiltModel, ...]
    reason: str
    failures: tuple[str, ...] = field(default=())
    hold: str = ""

    def summary(self) -> str:
        """Says what was built."""
        if not self.reason:
            return f"gold: nothing to do. {self.hold}" if self.hold else "gold: up to date"
        if self.failures:
            return f"gold: not published, {counted(len(self.failures), 'failure')}"
        told = (f"{m.name} {m.rows:,} rows" for m in self.models if m.rows is not None)
        return f"gold: {', '.join(told)}"

    def facts(self) -> Mapping[str, object]:
        """Returns rows by table."""
        return {"reason": self.reason, "rows": {m.name: m.rows for m in self.models}}

    def checks(self) -> tuple[Check, ...]:
        """Returns all dbt tests."""
        return tuple(check for model in self.models for check in model.checks)

    def refusals(self) -> tuple[str, ...]:
        """Returns why nothing was published."""
        return self.failures


def build(lake: Lake, *, run: str, progress: Callable[[str], None] = lambda _: None) -> Built:
    """Brings all gold tables up to date, in one build, published together or not at all.

    Args:
        lake: The lake.
        run: The run.
        progress: Told what happens.

    Raises:
        DbtFailed: dbt could not run at all.
        PublishConflict: Other builds or rollbacks kept coming first.
    """
    project, started = load(lake.settings), time.monotonic()
    # after a conflict, what happened meanwhile decides whether anything is to be built
    built = retried(_ATTEMPTS, lambda: _brought(lake, project, run))
    if built.reason:
        progress(f"{built.summary()} ({time.monotonic() - started:.1f} s)")
    return built


def _brought(lake: Lake, project: DbtProject, run: str) -> Built:
    """Builds if there is a reason to."""
    names = [model.table for model in project.models]
    with fenced(lake, names) as fence:
        books = lake.ledger.read([*project.sources, *names])
        reason = gold_reason(books, project)
        if not reason:
            present = tuple(_present(books, model) for model in project.models)
            return Built(present, "", hold=gold_hold(books, project))
        scratch_home = lake.settings.home / "dbt"
        scratch_home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch_home) as folder:
            return _build(_Job(lake, project, books, fence, Path(folder), run), reason)


@dataclass(frozen=True)
class _Job:
    """One build at work in a folder of its own."""

    lake: Lake
    project: DbtProject
    books: Books
    fence: Change
    folder: Path
    run: str

    @property
    def database(self) -> Path:
        """The scratch DuckDB file that dbt builds into."""
        return self.folder / "scratch.duckdb"


def _build(job: _Job, reason: str) -> Built:
    _pin_sources(job)
    statuses = _run(job)
    faults.reach("gold.built")
    models = job.project.models
    failures = tuple(_failures(job.project, statuses))
    if failures:
        require(job.lake, job.fence, [model.table for model in models])
        refused = BuildRefused(failures, _readers(job.books)).message()
        return Built(tuple(_present(job.books, m, statuses) for m in models), reason, (refused,))
    files, columns = _export(job)
    faults.reach("gold.exported")
    inputs = snapshots(job.books.refs, job.project.sources)

    def beside(shown: Mapping[str, int]) -> tuple[Change, ...]:
        now = job.lake.ledger.read()
        if _moves(now, job.project) != _moves(job.books, job.project):
            raise PublishConflict(shown, "another run built them, or a table was rolled back")
        last = max((build.number for build in now.builds), default=0)
        outputs = json.dumps({name: str(shown[name]) for name in shown}, sort_keys=True)
        entry = Build(last + 1, GOLD, job.project.fingerprint, inputs, outputs)
        return (job.lake.ledger.staged([entry], now),)

    stored = replace_files(
        job.lake, files, run=job.run, base=job.books.refs, fence=job.fence, beside=beside
    )
    written = {one.table: one for one in stored}
    faults.reach("gold.published")
    return Built(
        tuple(_built(m, written[m.table], columns[m.table], statuses) for m in models), reason
    )


def _moves(books: Books, project: DbtProject) -> object:
    """Returns what must not come between the beginning of a build and its publish."""
    back = [one for one in books.rollbacks if one.dataset == GOLD or one.table in project.sources]
    return {build.number for build in books.builds}, {one.number for one in back}


def _pin_sources(job: _Job) -> None:
    """Makes the scratch database: one view per silver table, at one consistent moment."""
    refs = job.books.refs
    with connect(job.lake.settings, str(job.database)) as connection:
        connection.execute("CREATE SCHEMA silver")
        for name in job.project.sources:
            location = quote_text(refs.tables[name].metadata_location)
            connection.execute(
                f"CREATE VIEW {quote_table(name)} AS SELECT * FROM "
                f"iceberg_scan({location}, snapshot_from_id={refs.snapshot(name)})"
            )


def _run(job: _Job) -> Mapping[str, Mapping[str, Any]]:
    """Runs dbt build and returns its result by node id."""
    environment = {
        **job.lake.settings.reaching(),
        "LAKEHOUSE_DBT_PATH": str(job.database),
        "LAKEHOUSE_DUCKDB_MEMORY": job.lake.settings.memory,
    }
    done = run_dbt(job.lake.settings, ["build", "--quiet"], job.folder, environment)
    results = job.folder / "run_results.json"
    if not results.is_file():
        output = (done.stdout + done.stderr).strip()[-2000:]
        raise DbtFailed("build", str(job.project.folder), output)
    content = json.loads(results.read_text(encoding="utf-8"))
    return {result["unique_id"]: result for result in content["results"]}


def _failures(project: DbtProject, statuses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    blocking = {t.id for m in project.models for t in m.tests if t.severity == "error"}
    names = {t.id: f"test {t.name} of {m.name}" for m in project.models for t in m.tests}
    names |= {m.id: f"model {m.name}" for m in project.models}
    return [
        f"{names.get(node, node)}: {_told(result)}"
        for node, result in statuses.items()
        if result["status"] in ("fail", "error")
        and (node in blocking or not node.startswith("test."))
    ]


def _told(result: Mapping[str, Any]) -> str:
    return " ".join(str(result.get("message") or result["status"]).split())


def _export(job: _Job) -> tuple[dict[str, Path], dict[str, dict[str, str]]]:
    """Writes each gold table to a file; returns the files and the columns by table name."""
    files: dict[str, Path] = {}
    columns: dict[str, dict[str, str]] = {}
    with connect(job.lake.settings, str(job.database)) as connection:
        for model in job.project.models:
            name = quote_table(model.table)
            files[model.table] = job.folder / f"{model.name}.parquet"
            target = quote_text(str(files[model.table]))
            connection.execute(f"COPY {name} TO {target} (FORMAT parquet, COMPRESSION zstd)")
            described = connection.execute(f"DESCRIBE {name}").fetchall()
            columns[model.table] = {row[0]: row[1] for row in described}
    return files, columns


def _built(
    model: GoldModel,
    written: Written,
    columns: Mapping[str, str],
    statuses: Mapping[str, Mapping[str, Any]],
) -> BuiltModel:
    checks = _checks(model, statuses)
    return BuiltModel(model.name, written.rows, written.snapshot, written.changed, columns, checks)


def _present(
    books: Books, model: GoldModel, statuses: Mapping[str, Mapping[str, Any]] | None = None
) -> BuiltModel:
    """What readers see without this build."""
    table = books.refs.tables.get(model.table)
    snapshot = table.current_snapshot() if table else None
    columns = {f.name: str(f.field_type) for f in table.schema().fields} if table else {}
    return BuiltModel(
        model.name,
        rows_of(snapshot) if snapshot else None,
        snapshot.snapshot_id if snapshot else None,
        False,
        columns,
        _checks(model, statuses or {}),
    )


def _checks(model: GoldModel, statuses: Mapping[str, Mapping[str, Any]]) -> tuple[Check, ...]:
    return tuple(_check(test, statuses[test.id]) for test in model.tests if test.id in statuses)


def _check(test: GoldTest, result: Mapping[str, Any]) -> Check:
    passed = result["status"] == "pass"
    failures = result.get("failures")
    told = test.description or test.name
    description = told if passed else f"{told}: {_told(result)}"
    return Check(
        test.name,
        passed,
        test.severity,
        description,
        {"failures": failures, "status": result["status"]},
    )


def _readers(books: Books) -> str:
    last = latest(books)
    if last is None:
        return "Readers see no gold tables yet."
    return f"Readers still see build {last.number}."
