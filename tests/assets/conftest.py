"""Small lakes of real data, run through Dagster."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets import sample
from assets.graph import graph
from lakehouse import dbt_manifest
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from resources import Session

MakeLake = Callable[..., Session]
_AT_ONCE = timedelta(0)


def _settings(project: Path, home: Path) -> Settings:
    named = {"LAKEHOUSE_PROJECT": str(project), "LAKEHOUSE_HOME": str(home)}
    return Settings.load({**named, "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z"})


@pytest.fixture(scope="session")
def delivered(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's files, and beside them the manifest that dbt made once for all lakes."""
    home = tmp_path_factory.mktemp("sample")
    sample.deliver(str(home / "landing"))
    dbt_manifest.load(_settings(project, home))
    return home


@pytest.fixture
def make_lake(project: Path, delivered: Path, tmp_path: Path) -> MakeLake:
    """Makes a lake with the named landed files, e.g. `weather/weather_2013-01.csv`."""

    def make(*files: str) -> Session:
        (tmp_path / "dbt").mkdir()
        for manifest in (delivered / "dbt").glob("manifest-*.json"):
            (tmp_path / "dbt" / manifest.name).write_bytes(manifest.read_bytes())
        for name in files:
            target = tmp_path / "landing" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((delivered / "landing" / name).read_bytes())
        return Session(Lake(_settings(project, tmp_path)), settle=_AT_ONCE)

    return make


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Remembers the runs of one test."""
    with dg.DagsterInstance.ephemeral() as kept:
        yield kept


@pytest.fixture
def evaluations(
    instance: dg.DagsterInstance,
) -> Callable[[dg.ExecuteInProcessResult, str], list[dg.AssetCheckEvaluation]]:
    """Tells what a run said of the checks of one name, in the order in which it said it."""

    def find(done: dg.ExecuteInProcessResult, name: str) -> list[dg.AssetCheckEvaluation]:
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        entries = instance.all_logs(done.run_id, of_type=kind)
        events = (entry.dagster_event for entry in entries if entry.dagster_event)
        found = [event.asset_check_evaluation_data for event in events]
        return [said for said in found if said.check_name == name]

    return find


@pytest.fixture
def materializations(instance: dg.DagsterInstance) -> Callable[..., dict[str | None, dict]]:
    """Tells which partitions of an asset a run materialized, with their metadata."""

    def find(done: dg.ExecuteInProcessResult, *path: str) -> dict[str | None, dict]:
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        entries = instance.all_logs(done.run_id, of_type=kind)
        found = (entry.asset_materialization for entry in entries)
        mine = [shown for shown in found if shown and shown.asset_key == dg.AssetKey(path)]
        return {m.partition: {name: m.metadata[name].value for name in m.metadata} for m in mine}

    return find


@pytest.fixture
def materialize(instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Materializes assets of a lake, as a person does in the web UI."""

    def run(session: Session, *keys: str, **tags: str) -> dg.ExecuteInProcessResult:
        found = dg.Definitions(assets=graph(session.lake), resources={"session": session})
        job = found.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(key.split("/")) for key in keys],
            tags={f"dagster/{name}": value for name, value in tags.items()},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )

    return run
