"""The main job on S3 and PostgreSQL: the same rows, checks and predictions as on one disk."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2
import pytest
import yaml
from servers import Services

from assets import sample
from lakehouse import building, ingestion, landing, monitoring, planning, query, training
from lakehouse.lake import Lake
from lakehouse.results import Result
from lakehouse.settings import Settings

pytestmark = pytest.mark.end_to_end
EVERY = 12
"""One flight in twelve is enough for a model that beats a coin."""
MODEL = "late_arrival"
OF_THE_PLACE = {"source_etag", "metadata", "at", "mlflow_run", "run_id", "run"}
"""Columns that tell where or by which run something lies, not what it is."""


@dataclass
class Place:
    """A lake in one mode, and what its verbs answered."""

    root: Path
    environment: Mapping[str, str]
    answers: list[Result] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        return Lake(Settings.load(dict(self.environment)))

    def land(self, name: str, content: bytes) -> None:
        """Puts a file into the landing folder as a producer does."""
        lake = self.lake
        file = self.root / "outbox"
        file.write_bytes(content)
        lake.storage.copy(f"file://{file}", f"{lake.settings.landing}/{name}")

    def work(self, *, train: bool = True) -> None:
        """All verbs of the main job."""
        lake = self.lake
        tell = self.answers.append
        for dataset in lake.contracts:
            tell(landing.land(lake, dataset, run="job"))
        for dataset in lake.contracts:
            tell(ingestion.refresh(lake, dataset, run="job"))
        tell(building.build(lake, run="job"))
        if train:
            tell(training.train(lake, MODEL, run="job"))
        tell(training.predict(lake, MODEL, run="job"))
        tell(monitoring.measure(lake, MODEL, run="job"))

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Calls the command line as a person does."""
        command = [sys.executable, "-c", "from lakehouse.cli import main; main()", *arguments]
        environment = {"PATH": os.environ["PATH"], **self.environment}
        return subprocess.run(
            command, env=environment, cwd=self.root, capture_output=True, text=True, check=False
        )


def tables(lake: Lake) -> dict[str, tuple[int, str]]:
    """Rows of each table and a hash of them as a multiset, without what tells of the place."""
    return {name: content(lake, name) for name in lake.catalog.names()}


def data(lake: Lake) -> dict[str, tuple[int, str]]:
    """The tables that people read; the books name snapshots, whose ids are random."""
    books = ("ledger.", "models.")
    return {name: found for name, found in tables(lake).items() if not name.startswith(books)}


def content(lake: Lake, name: str) -> tuple[int, str]:
    found = pl.DataFrame(lake.catalog.table(name).scan().to_arrow())
    floats = [column for column, kind in found.schema.items() if kind.is_float()]
    # a mean may differ in its last digits with the order in which a machine adds
    rows = found.with_columns(pl.col(floats).round_sig_figs(9)).select(
        sorted(c for c in found.columns if c not in OF_THE_PLACE and "snapshot" not in c)
    )
    lines = sorted(str(row) for row in rows.rows())
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()


def declare(root: Path, project: Path) -> None:
    for part in ("assets/contracts", "assets/models", "dbt_project"):
        shutil.copytree(project / part, root / part)
    spec = root / "assets" / "models" / f"{MODEL}.yaml"
    declared = yaml.safe_load(spec.read_text(encoding="utf-8"))
    declared["candidates"] = [{"algorithm": "logistic"}]
    declared["promotion"]["limit"] = 0.55
    spec.write_text(yaml.safe_dump(declared), encoding="utf-8")


def cut(folder: Path) -> dict[str, bytes]:
    """The sample's files, of the flights one in a few; one month with rows that are broken."""
    settings = Settings.load({"LAKEHOUSE_HOME": str(folder)})
    sample.deliver(settings.landing, settings)
    where = folder / "landing"
    files = {str(f.relative_to(where)): f.read_bytes() for f in where.rglob("*.csv")}
    for name in [name for name in files if name.startswith("flights/")]:
        header, *rows = files[name].splitlines(keepends=True)
        files[name] = header + b"".join(rows[::EVERY])
    broken = files["flights/flights_2013-04.csv"].splitlines(keepends=True)
    broken[7] = broken[7].replace(b",LGA,", b",XXX,").replace(b",EWR,", b",XXX,")
    broken[8] = b"x" + broken[8]
    files["flights/flights_2013-04.csv"] = b"".join(broken)
    return files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return cut(tmp_path_factory.mktemp("sample"))


def place(root: Path, project: Path, services: Mapping[str, str]) -> Place:
    declare(root, project)
    return Place(
        root,
        {
            "LAKEHOUSE_PROJECT": str(root),
            "LAKEHOUSE_HOME": str(root / ".lake"),
            "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z",
            **services,
        },
    )


@pytest.fixture(scope="module")
def both(
    project: Path,
    files: dict[str, bytes],
    services: Services,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Place, Place]:
    """The main job, once on the disk and once on S3 and PostgreSQL."""
    outside = services.environment("job")
    outside["LAKEHOUSE_DAGSTER_URI"] = services.postgres.create("job-dagster")
    made = [
        place(tmp_path_factory.mktemp("embedded"), project, {}),
        place(tmp_path_factory.mktemp("service"), project, outside),
    ]
    for one in made:
        for name, content in files.items():
            one.land(name, content)
        one.work()
    return made[0], made[1]


@pytest.fixture(scope="module")
def service(both: tuple[Place, Place]) -> Place:
    return both[1]


def test_every_table_has_the_same_rows(both: tuple[Place, Place]) -> None:
    embedded, service = (data(one.lake) for one in both)
    assert service == embedded
    counts = [{n: rows for n, (rows, _) in tables(one.lake).items()} for one in both]
    assert counts[0] == counts[1]
    assert embedded["quarantine.flights"][0] == 2
    assert embedded["gold.predictions_late_arrival"][0] > 5_000


def test_every_check_has_the_same_verdict(both: tuple[Place, Place]) -> None:
    told = [
        [(c.name, c.partition, c.passed, c.severity) for a in one.answers for c in a.checks()]
        for one in both
    ]
    assert len(told[0]) > 100
    assert told[1] == told[0]
    assert [a.summary() for a in both[1].answers] == [a.summary() for a in both[0].answers]


def test_nothing_of_the_lake_is_on_the_disk(service: Place) -> None:
    left = {f.name for f in (service.root / ".lake").iterdir() if not f.name.endswith(".lock")}
    assert left <= {"dbt", "docs", "tmp"}
    assert list((service.root / ".lake" / "tmp").iterdir()) == []


def test_the_plan_is_empty_and_queries_answer(both: tuple[Place, Place]) -> None:
    asked = "SELECT origin, count(*) AS n, sum(distance) AS d FROM silver.flights GROUP BY 1 ORDER"
    found = []
    for one in both:
        assert planning.plan(one.lake).steps == ()
        found.append(query.query(one.lake, f"{asked} BY 1").table.to_pylist())
    assert found[0] == found[1]


def test_a_query_cannot_show_the_credentials(service: Place, services: Services) -> None:
    names = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
    asked = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    shown = query.query(service.lake, asked).table.to_pylist()
    assert services.s3.secret not in str(shown)
    assert services.s3.key not in str(shown)


@pytest.fixture(scope="module")
def rerun(both: tuple[Place, Place], files: dict[str, bytes]) -> tuple[Place, Any]:
    """A mended file comes: embedded verbs bring one lake up to date, a Dagster run the other."""
    name = "flights/flights_2013-04.csv"
    mended = files[name].replace(b",XXX,", b",LGA,")
    for one in both:
        one.land(name, mended)
    both[0].work(train=False)
    return both[1], both[1].call("run")


def test_a_dagster_run_brings_the_same_about(
    both: tuple[Place, Place], rerun: tuple[Place, Any]
) -> None:
    assert rerun[1].returncode == 0, rerun[1].stderr
    assert data(both[0].lake) == data(both[1].lake)
    assert planning.plan(rerun[0].lake).steps == ()


@pytest.mark.parametrize("verb", ["status", "quality flights", "snapshots silver.flights"])
def test_the_verbs_that_show_things_answer(rerun: tuple[Place, Any], verb: str) -> None:
    done = rerun[0].call(*verb.split(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_no_secret_is_kept_anywhere(rerun: tuple[Place, Any], services: Services) -> None:
    place = rerun[0]
    secrets = [s.encode() for s in (services.s3.secret, services.postgres.password)]
    kept = [f for f in place.root.rglob("*") if f.is_file()]
    kept += [f for f in services.s3.folder.rglob("*") if f.is_file()]
    assert len(kept) > 100
    assert [f for f in kept if any(secret in f.read_bytes() for secret in secrets)] == []
    for name in ("CATALOG", "TRACKING", "DAGSTER"):
        dumped = dump(place.environment[f"LAKEHOUSE_{name}_URI"])
        assert len(dumped) > 1_000
        assert not any(secret in dumped for secret in secrets)


def dump(uri: str) -> bytes:
    """All rows of all tables of a database."""
    connection = psycopg2.connect(uri)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(str(cursor.fetchall()))
        return "\n".join(found).encode()
    finally:
        connection.close()
