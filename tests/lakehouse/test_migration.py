"""A lake in another place: everything is there, and nothing of the first place is left in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from lakehouse import erasing, faults, ingestion, landing, migration, registry, training
from lakehouse.errors import MigrationRefused, SettingsError
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long

CITIES = "name,people\nBonn,3\nKiel,5\nUlm,-1\n"


@pytest.fixture(scope="module")
def full(_make: Callable[[], Any], open_data_lake: Callable[..., Any]) -> Any:
    """A lake with silver, quarantine, several snapshots, a model and its predictions.

    All tests share it: a lake that moves is only read.
    """
    made = _make()
    training.train(made.lake, "late", run="first")
    lake = open_data_lake(made.folder, "trips", "cities")
    lake.declare("cities", limit=1)
    lake.put("cities", CITIES)
    lake.put("cities", CITIES + "Rom,9\n")
    lake.put("trips", "id,start,price,city\n1,2013-01-05T10:00:00Z,1,Bonn\n")
    training.predict(lake.lake, "late", run="first")
    return lake


def described(folder: Path, **settings: str) -> Path:
    """A TOML file with the settings of another lake."""
    file = folder / "target.toml"
    keys = {"home": str(folder / "home"), "now": "2014-01-01T00:00:00Z", **settings}
    lines = [f"{key} = '{value}'" for key, value in keys.items()]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def content(lake: Lake) -> dict[str, Any]:
    """All that a lake tells: the rows of every snapshot, its refs, its objects and its model."""
    refs = lake.catalog.refs()
    rows = {
        (name, s.snapshot_id): sorted(
            map(str, table.scan(snapshot_id=s.snapshot_id).to_arrow().to_pylist())
        )
        for name, table in refs.tables.items()
        for s in table.metadata.snapshots
    }
    objects = {
        file.url.removeprefix(lake.settings.warehouse): lake.storage.digest(file.url)
        for file in lake.storage.list(f"{lake.settings.warehouse}/bronze")
    }
    tags = {name: dict(table.metadata.refs) for name, table in refs.tables.items()}
    champion = registry.champion(lake, "late")
    assert champion is not None
    return {"rows": rows, "objects": objects, "refs": tags, "model": champion.manifest}


def traces(lake: Lake, of: Lake) -> list[str]:
    """Files of a lake in which the folders of another are named."""
    words = [of.settings.warehouse.encode(), str(of.settings.home).encode()]
    files = [
        *lake.storage.list(lake.settings.warehouse, hidden=True),
        *lake.storage.list(registry.artifacts(lake.settings)),
    ]
    found = []
    for file in files:
        with lake.storage.open(file.url) as stream:
            text = stream.read()
        found += [file.url for word in words if word in text]
    return found


def wrong_lengths(lake: Lake) -> list[str]:
    """Manifests that are not as long as their lists say, which some readers trust."""
    manifests = {
        manifest.manifest_path: manifest.manifest_length
        for table in lake.catalog.refs().tables.values()
        for snapshot in table.metadata.snapshots
        for manifest in snapshot.manifests(table.io)
    }
    return [url for url, size in manifests.items() if lake.storage.digest(url)[1] != size]


def run(lake: Any, target: Path, point: str = "") -> int:
    """Migrates in a process that ends at a point; returns how it ended."""
    environment = {
        "LAKEHOUSE_PROJECT": str(lake.folder),
        "LAKEHOUSE_HOME": str(lake.folder / ".lake"),
        "LAKEHOUSE_FAULT": point,
        "PATH": os.environ["PATH"],
    }
    words = ["migrate", "--to", str(target)]
    code = f"from lakehouse.cli import main; main({words})"
    return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_a_moved_lake_is_the_same_lake_and_goes_on(full: Any, tmp_path: Path) -> None:
    before = content(full.lake)
    target = migration.open_target(full.lake, described(tmp_path))
    done = migration.migrate(full.lake, target, landing=True)
    assert content(target) == content(full.lake) == before
    assert traces(target, full.lake) == []
    assert wrong_lengths(target) == []
    assert done.moved_on == ()
    assert done.rows == sum(map(len, before["rows"].values()))
    assert not training.train(target, "late", run="again").changed
    assert landing.land(target, "cities", run="again").deliveries == ()
    landed = Path(target.settings.landing.removeprefix("file://")) / "cities" / "b.csv"
    landed.write_text(CITIES + "Rom,9\nOslo,7\n")
    landing.land(target, "cities", run="more")
    ingestion.refresh(target, "cities", run="more")
    assert target.catalog.table("silver.cities").scan().count() == 4
    assert content(full.lake) == before


def test_it_is_read_with_tools_that_know_nothing_of_the_move(full: Any, tmp_path: Path) -> None:
    target = migration.open_target(full.lake, described(tmp_path))
    migration.migrate(full.lake, target)
    location = target.catalog.locations()["silver.cities"].removeprefix("file://")
    home = full.folder / ".lake"
    away = home.rename(full.folder / "away")
    with target.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM iceberg_scan('{location}')").fetchone()
    away.rename(home)
    assert found == (3,)


def test_migrating_again_copies_nothing(full: Any, tmp_path: Path) -> None:
    target = migration.open_target(full.lake, described(tmp_path))
    first = migration.migrate(full.lake, target)
    again = migration.migrate(full.lake, target)
    assert first.copied.new == first.copied.files == again.copied.files
    assert again.copied.new == 0


@pytest.mark.parametrize(
    "point",
    ["migration.copied:3", "migration.rewritten:2", "migration.registered"],
)
def test_a_migration_that_is_killed_is_taken_up_again(
    full: Any, tmp_path: Path, point: str
) -> None:
    file = described(tmp_path)
    before = content(full.lake)
    assert run(full, file, point) == -9
    target = migration.open_target(full.lake, file)
    assert target.catalog.locations() == {}
    done = migration.migrate(full.lake, target)
    assert done.copied.new < done.copied.files
    assert content(target) == before


def test_it_is_taken_up_again_after_a_run_has_ended(trained_lake: Any, tmp_path: Path) -> None:
    lake, file = trained_lake.lake, described(tmp_path)
    client = MlflowClient(lake.settings.tracking_uri)
    experiment = client.get_experiment_by_name("late")
    assert experiment is not None
    begun = client.create_run(experiment.experiment_id).info.run_id
    assert run(trained_lake, file, "migration.registered") == -9
    client.set_terminated(begun)
    target = migration.open_target(lake, file)
    migration.migrate(lake, target)
    moved = MlflowClient(target.settings.tracking_uri).get_run(begun)
    assert moved.info.status == "FINISHED"


def test_other_models_are_not_written_over(trained_lake: Any, tmp_path: Path) -> None:
    target = migration.open_target(trained_lake.lake, described(tmp_path))
    registry.prepare(target)
    client = MlflowClient(target.settings.tracking_uri)
    other = client.create_run(client.create_experiment("another")).info.run_id
    with pytest.raises(MigrationRefused, match="holds other models"):
        migration.migrate(trained_lake.lake, target)
    assert client.get_run(other).info.run_id == other


def test_a_file_that_was_cut_short_is_copied_again(full: Any, tmp_path: Path) -> None:
    file = described(tmp_path)
    assert run(full, file, "migration.rewritten") == -9
    target = migration.open_target(full.lake, file)
    victim = target.storage.list(f"{target.settings.warehouse}/bronze")[0].url
    Path(victim.removeprefix("file://")).write_bytes(b"half")
    migration.migrate(full.lake, target)
    assert content(target) == content(full.lake)


def test_another_lake_is_not_written_over(
    full: Any, make_data_lake: Callable[..., Any], tmp_path: Path
) -> None:
    other = make_data_lake("cities")
    other.put("cities", "name,people\nBonn,3\n")
    before = dict(other.lake.catalog.locations())
    target = migration.open_target(full.lake, described(tmp_path, home=other.folder / ".lake"))
    with pytest.raises(MigrationRefused, match=r"holds a lake of \d+ tables already"):
        migration.migrate(full.lake, target)
    assert other.lake.catalog.locations() == before


def test_a_lake_is_not_moved_onto_itself(full: Any, tmp_path: Path) -> None:
    file = described(tmp_path, warehouse=full.lake.settings.warehouse)
    with pytest.raises(MigrationRefused, match="the target has the warehouse of this lake"):
        migration.migrate(full.lake, migration.open_target(full.lake, file))


def test_an_empty_lake_is_none_to_move(cities: Any, tmp_path: Path) -> None:
    target = migration.open_target(cities.lake, described(tmp_path))
    with pytest.raises(MigrationRefused, match="there is no table in the lake of"):
        migration.migrate(cities.lake, target)


@pytest.mark.parametrize(
    ("text", "why"),
    [("warehouse = '/x'", "home"), ("home = '/x'\nwarehose = '/y'", "Did you mean 'warehouse'")],
)
def test_a_target_is_described_in_full(cities: Any, tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "target.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=why):
        migration.open_target(cities.lake, file)


def test_raw_files_on_another_disk_go_along(cities: Any, tmp_path: Path) -> None:
    cities.put("cities", CITIES)
    bronze = cities.folder / ".lake" / "warehouse" / "bronze" / "cities"
    bronze.symlink_to(shutil.move(bronze, tmp_path / "disk"))
    cities.put("cities", CITIES + "Rom,9\n")
    target = migration.open_target(cities.lake, described(tmp_path))
    migration.migrate(cities.lake, target)
    objects = target.ledger.read().objects
    assert len(objects) == 2
    assert all(target.storage.exists(target.object_url(name)) for name in objects)


def test_a_lake_without_its_raw_files_is_not_moved(cities: Any, tmp_path: Path) -> None:
    cities.put("cities", CITIES)
    (lost,) = (cities.folder / ".lake" / "warehouse" / "bronze").rglob("*.csv")
    lost.unlink()
    target = migration.open_target(cities.lake, described(tmp_path))
    with pytest.raises(MigrationRefused, match=f"1 file cannot be found.*{lost.name}"):
        migration.migrate(cities.lake, target)
    assert target.storage.list(target.settings.warehouse) == []
    assert target.catalog.locations() == {}


def test_a_person_half_forgotten_does_not_move(
    make_data_lake: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    lake = make_data_lake("trips")
    lake.put("trips", "id,start,price,city\n1,2013-01-05T10:00:00Z,1,Bonn\n")
    person = erasing.Person.parse(lake.lake.contract("trips"), ["city=Bonn"])
    said = {"by": "dpo", "note": "request 12", "run": "forget"}
    killed = {"forgetting.begun": KeyboardInterrupt}

    def reach(point: str) -> None:
        if point in killed:
            raise killed.pop(point)

    monkeypatch.setattr(faults, "reach", reach)
    with pytest.raises(KeyboardInterrupt):
        erasing.forget(lake.lake, person, **said)
    target = migration.open_target(lake.lake, described(tmp_path))
    with pytest.raises(MigrationRefused, match=r"not finished \(1 of trips\)"):
        migration.migrate(lake.lake, target)
    assert target.storage.list(target.settings.warehouse) == []
    erasing.forget(lake.lake, person, **said)
    migration.migrate(lake.lake, target)
    assert target.ledger.read().unfinished == ()


@pytest.fixture
def cities(make_data_lake: Callable[..., Any]) -> Any:
    """A lake with nothing in it."""
    return make_data_lake("cities")


def test_settings_are_of_the_file_alone(cities: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LAKEHOUSE_WAREHOUSE", "/elsewhere")
    found: Settings = migration.open_target(cities.lake, described(tmp_path)).settings
    assert found.warehouse == f"file://{tmp_path}/home/warehouse"


def test_an_embedded_lake_moves_to_services_and_back(
    full: Any, services: Any, tmp_path: Path
) -> None:
    before = content(full.lake)
    keys = {
        name.removeprefix("LAKEHOUSE_").lower(): value
        for name, value in services.environment("moved").items()
        if name.startswith("LAKEHOUSE_")
    }
    remote = migration.open_target(full.lake, described(tmp_path, **keys))
    migration.migrate(full.lake, remote)
    assert content(remote) == before
    assert traces(remote, full.lake) == []
    (tmp_path / "back").mkdir()
    back = migration.open_target(remote, described(tmp_path / "back"))
    migration.migrate(remote, back)
    assert content(back) == before
    assert traces(back, remote) == []
    assert not training.predict(back, "late", run="again").changed
