"""The main job on the real year, through Dagster and the command line: what a user relies on."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml
from pyiceberg.catalog.sql import SqlCatalog

from assets import sample
from assets.orchestrator import Orchestrator
from lakehouse.cli.accounts import Statement, booked
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.end_to_end
SOURCE = {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
KNOWN_AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
BROKEN = {
    "distance: 'abc' is not an integer": ("distance", b"abc"),
    "flight is required": ("flight", b""),
    "origin in EWR, JFK, LGA": ("origin", b"XXX"),
    "distance between 17 and 4983": ("distance", b"99999"),
    "the line is not UTF-8": ("tailnum", b"N\xff\xfe"),
    "a quote opens and never closes": ("tailnum", b'"N14228'),
    "19 fields expected, 18 found": (None, b""),
}


@pytest.fixture(scope="module")
def home(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after its first run: all data, all tables, two of the three candidates."""
    root = tmp_path_factory.mktemp("whole")
    for folder in ("assets/contracts", "assets/models", "dbt_project"):
        shutil.copytree(project / folder, root / folder)
    spec = root / "assets" / "models" / "late_arrival.yaml"
    declared = yaml.safe_load(spec.read_text(encoding="utf-8"))
    declared["candidates"] = [{"algorithm": "logistic"}, {"algorithm": "boosted_trees"}]
    spec.write_text(yaml.safe_dump(declared), encoding="utf-8")
    settings = _settings(root)
    sample.deliver(settings.landing, settings)
    done = Orchestrator().run(settings, lambda _: None)
    assert done.refusals() == ()
    return settings.home


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(_settings(home.parent))


@pytest.fixture
def tables(home: Path) -> Iterator[SqlCatalog]:
    """The lake as a stranger opens it, with PyIceberg alone."""
    catalog = SqlCatalog("lakehouse", uri=f"sqlite:///{home / 'catalog.db'}")
    yield catalog
    catalog.close()


def _settings(root: Path) -> Settings:
    named = {"LAKEHOUSE_PROJECT": str(root), "LAKEHOUSE_HOME": str(root / ".lake")}
    return Settings.load({**named, "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z"})


def _lakehouse(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Calls the command line as a person does."""
    named = {"LAKEHOUSE_PROJECT": str(home.parent), "LAKEHOUSE_HOME": str(home)}
    named |= {"LAKEHOUSE_NOW": "2014-01-01T00:00:00Z", "PATH": str(Path(sys.executable).parent)}
    command = [sys.executable, "-c", "from lakehouse.cli import main; main()", *arguments]
    return subprocess.run(command, env=named, capture_output=True, text=True, check=False)


def _statements(lake: Lake) -> list[Statement]:
    books = lake.ledger.read(contract.table for contract in lake.contracts.values())
    found = (booked(lake, contract, books) for contract in lake.contracts.values())
    return [entry.statement for entries in found for entry in entries]


def _balanced(found: Statement) -> bool:
    placed = found.published + found.quarantined + found.duplicates
    return found.rows == placed + found.superseded + found.refused


def _inventory(lake: Lake) -> tuple[set[int], set[str]]:
    refs = lake.catalog.refs()
    snapshots = {s.snapshot_id for table in refs.tables.values() for s in table.snapshots()}
    objects = {file.url for file in lake.storage.list(f"{lake.settings.warehouse}/bronze")}
    return snapshots, objects


def _month(lake: Lake, month: str) -> tuple[bytes, list[bytes]]:
    file = Path(lake.settings.landing.removeprefix("file://")) / f"flights/flights_{month}.csv"
    header, *rows = file.read_bytes().rstrip(b"\n").split(b"\n")
    return header, rows


def _write(file: Path, header: bytes, rows: list[bytes]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\n".join([header, *rows]) + b"\n")
    return file


def _broken(header: bytes, row: bytes, column: str | None, value: bytes) -> bytes:
    fields = row.split(b",")
    if column is None:
        return b",".join(fields[:-1])
    fields[header.decode().split(",").index(column)] = value
    return b",".join(fields)


@pytest.mark.parametrize(("dataset", "rows"), SOURCE.items())
def test_silver_agrees_with_the_source_to_the_row(
    tables: SqlCatalog, dataset: str, rows: int
) -> None:
    assert tables.load_table(f"silver.{dataset}").scan().count() == rows


def test_plain_duckdb_reads_what_the_catalog_names(home: Path, lake: Lake) -> None:
    with sqlite3.connect(home / "catalog.db") as catalog:
        (location,) = catalog.execute(
            "SELECT metadata_location FROM iceberg_tables "
            "WHERE table_namespace = 'silver' AND table_name = 'flights'"
        ).fetchone()
    with lake.connect() as connection:
        found = connection.execute("SELECT count(*) FROM iceberg_scan(?)", [location]).fetchone()
    assert found == (SOURCE["flights"],)


def test_every_delivery_is_accounted_for(lake: Lake) -> None:
    statements = _statements(lake)
    assert len(statements) == 27
    assert all(_balanced(statement) for statement in statements)
    assert sum(statement.rows for statement in statements) == sum(SOURCE.values())


def test_no_input_of_the_model_is_known_only_after_departure(lake: Lake) -> None:
    assert not KNOWN_AFTER_DEPARTURE & set(lake.model("late_arrival").feature_names)


def test_the_champion_beats_what_schedule_and_weather_tell(tables: SqlCatalog) -> None:
    candidates = pl.from_arrow(tables.load_table("models.late_arrival").scan().to_arrow())
    assert isinstance(candidates, pl.DataFrame)
    promoted = candidates.filter(pl.col("promoted"))
    assert promoted.height == 1
    assert 0.71 <= promoted["test_auc"][0] < 0.85  # above is leakage


def test_predictions_have_the_key_a_score_and_their_model(tables: SqlCatalog) -> None:
    scored = pl.from_arrow(tables.load_table("gold.predictions_late_arrival").scan().to_arrow())
    assert isinstance(scored, pl.DataFrame)
    key = ["year", "month", "day", "carrier", "flight", "origin"]
    assert scored.columns == [*key, "score", "model_version"]
    assert scored.height == scored.select(key).unique().height == 28_889 + 27_268 + 28_135
    assert scored["score"].is_between(0, 1).all()
    assert scored["model_version"].unique().len() == 1


def test_monitoring_shows_the_shift_of_the_base_rate(tables: SqlCatalog) -> None:
    months = tables.load_table("monitoring.performance_late_arrival").scan().to_arrow().to_pylist()
    rate = {row["month"]: row["base_rate"] for row in months}
    assert rate["2013-09"] == pytest.approx(0.132, abs=0.001)
    assert rate["2013-12"] - rate["2013-11"] > 0.1


def test_a_second_run_adds_nothing(lake: Lake) -> None:
    before = _inventory(lake)
    sample.deliver(lake.settings.landing, lake.settings)
    done = Orchestrator().run(lake.settings, lambda _: None)
    assert not done.changed
    assert _inventory(lake) == before


def test_sql_answers_on_the_command_line(home: Path) -> None:
    answer = _lakehouse(home, "sql", "--format", "csv", "select count(*) as n from silver.flights")
    assert (answer.returncode, answer.stdout) == (0, "n\n336776\n")


def test_two_hundred_broken_rows_are_named_and_none_is_lost(home: Path, lake: Lake) -> None:
    header, rows = _month(lake, "2013-04")
    places = range(50, 50 + 200 * 100, 100)
    planted = dict(zip(places, [*BROKEN] * 29, strict=False))
    for place, reason in planted.items():
        rows[place] = _broken(header, rows[place], *BROKEN[reason])
    file = _write(home.parent / "in" / "flights_2013-04.csv", header, rows)
    assert _lakehouse(home, "land", "flights", str(file)).returncode == 0
    done = _lakehouse(home, "run")
    assert done.returncode == 0, done.stderr
    with lake.connect() as connection:
        location = lake.catalog.table("quarantine.flights").metadata_location
        found = connection.sql(f"SELECT line, rules FROM iceberg_scan('{location}')").fetchall()
    assert dict(found) == {place + 2: [reason] for place, reason in planted.items()}
    assert all(_balanced(statement) for statement in _statements(lake))
    assert lake.catalog.table("silver.flights").scan().count() == SOURCE["flights"]


def test_a_file_with_too_many_broken_rows_leaves_readers_as_they_were(
    home: Path, lake: Lake
) -> None:
    snapshot = lake.catalog.refs().snapshot("silver.flights")
    header, rows = _month(lake, "2013-05")
    bad = [_broken(header, r, "distance", b"5") if n % 10 < 3 else r for n, r in enumerate(rows)]
    file = _write(home.parent / "in" / "flights_2013-05.csv", header, bad)
    _lakehouse(home, "land", "flights", str(file))
    done = _lakehouse(home, "run")
    assert done.returncode == 1
    assert "8,640 of 28,796 rows" in done.stderr
    for part in ("flights_2013-05.csv", "limit 5%", "Readers still see", "lakehouse accept"):
        assert part in done.stderr
    assert lake.catalog.refs().snapshot("silver.flights") == snapshot
