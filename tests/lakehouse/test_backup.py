"""Backups: one moment of a lake that goes on, and the way back to it."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse import backup, maintenance, publishing, registry, training
from lakehouse.errors import RestoreRefused, UnknownName, UsageError
from lakehouse.lake import Lake


class Killed(BaseException):
    """Ends a call as a kill does."""


CITIES = "name,people\nBonn,3\nKiel,5\n"
TRIPS = "id,start,price,city\n"


def trips(number: int) -> str:
    """Rows of a file of its own: one in order, and one that costs too much."""
    return f"{TRIPS}{number},2013-01-05T10:00:00Z,1,Bonn\n{number + 50},2013-01-06T10:00:00Z,999,\n"


def states(lake: Any) -> dict[str, str]:
    return dict(lake.lake.catalog.locations())


def run(lake: Any, *words: str, point: str = "") -> int:
    """Runs a verb in a process of its own, which ends at a point; returns how it ended."""
    environment = {
        "LAKEHOUSE_PROJECT": str(lake.folder),
        "LAKEHOUSE_HOME": str(lake.folder / ".lake"),
        "LAKEHOUSE_FAULT": point,
    }
    code = f"from lakehouse.cli import main; main({list(words)})"
    return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


@pytest.fixture
def cities(make_data_lake: Callable[..., Any]) -> Any:
    """A lake with one small table."""
    lake = make_data_lake("cities")
    lake.put("cities", CITIES)
    return lake


def test_what_came_after_a_backup_is_gone_and_the_plan_knows_it(cities: Any) -> None:
    backup.save(cities.lake, "friday")
    before = states(cities)
    cities.put("cities", CITIES + "Rom,9\n")
    done = backup.restore(cities.lake, "friday", replace=True)
    assert done.changed
    assert states(cities) == before
    assert cities.rows("silver.cities", "name") == [("Bonn",), ("Kiel",)]
    assert [step.reason for step in cities.plan().steps] == ["1 new file landed"]
    cities.put("cities", CITIES + "Rom,9\n")
    assert len(cities.rows("silver.cities")) == 3


def test_a_lake_that_holds_something_else_is_not_given_up_unasked(cities: Any) -> None:
    backup.save(cities.lake, "friday")
    cities.put("cities", CITIES + "Rom,9\n")
    before = states(cities)
    with pytest.raises(RestoreRefused, match=r"holds \d+ tables already.*--replace"):
        backup.restore(cities.lake, "friday")
    assert states(cities) == before


def test_a_backup_that_was_restored_is_not_restored_again(cities: Any) -> None:
    backup.save(cities.lake, "friday")
    assert not backup.restore(cities.lake, "friday").changed


def test_backups_are_one_moment_of_a_lake_that_goes_on(make_data_lake: Callable[..., Any]) -> None:
    lake = make_data_lake("trips")
    lake.put("trips", trips(1), "1.csv")
    names: list[str] = []
    ended = threading.Event()

    def save() -> None:
        while not ended.is_set() or not names:
            names.append(f"b{len(names)}")
            backup.save(lake.open(), names[-1])

    saving = threading.Thread(target=save)
    saving.start()
    for number in range(2, 7):
        lake.put("trips", trips(number), f"{number}.csv")
    ended.set()
    saving.join()
    seen = set()
    for name in names:
        backup.restore(lake.lake, name, replace=True)
        silver, quarantine = len(lake.rows("silver.trips")), len(lake.rows("quarantine.trips"))
        placed = list(lake.accounts("trips").values())
        assert (silver, quarantine) == (sum(p[0] for p in placed), sum(p[1] for p in placed))
        seen.add(silver)
    assert len(seen) > 1, "no backup was taken while the lake went on"


def test_what_is_published_while_metadata_is_copied_is_not_in_the_backup(
    make_data_lake: Callable[..., Any],
) -> None:
    lake = make_data_lake("trips")
    lake.put("trips", trips(1), "1.csv")
    before, handle = states(lake), lake.open()
    copy = handle.storage.copy

    def slow(source: str, target: str) -> None:
        if states(lake) == before:
            lake.put("trips", trips(2), "2.csv")
        copy(source, target)

    handle.storage.copy = slow
    taken = backup.save(handle, "friday").backup
    assert dict(taken.tables) == before != states(lake)
    backup.restore(lake.lake, "friday", replace=True)
    assert len(lake.rows("silver.trips")) == len(lake.rows("quarantine.trips")) == 1
    assert lake.plan().steps[0].reason == "1 new file landed"


def lose(lake: Any) -> None:
    """Deletes what the databases hold, as a broken disk would."""
    for name in ("catalog.db", "mlflow.db"):
        (lake.folder / ".lake" / name).unlink()


def scored(lake: Lake) -> list[dict[str, Any]]:
    return lake.catalog.table("gold.predictions_late").scan().to_arrow().to_pylist()


def test_a_lost_database_comes_back_with_rows_champion_and_predictions(trained_lake: Any) -> None:
    training.predict(trained_lake.lake, "late", run="first")
    before = scored(trained_lake.lake)
    elsewhere = trained_lake.folder / "elsewhere"
    backup.save(trained_lake.lake, "friday", str(elsewhere))
    lose(trained_lake)
    assert run(trained_lake, "restore", str(elsewhere / "friday")) == 0
    lake = trained_lake.lake
    champion = registry.champion(lake, "late")
    assert champion is not None
    assert champion.version == 1
    assert scored(lake) == before
    assert not training.train(lake, "late", run="again").changed


def test_models_that_came_later_are_given_up_with_the_tables(trained_lake: Any) -> None:
    backup.save(trained_lake.lake, "friday")
    trained_lake.declare(features=[{"name": "distance", "kind": "numeric"}])
    training.train(trained_lake.lake, "late", run="more")
    backup.restore(trained_lake.lake, "friday", replace=True)
    saved = list(registry.dump(trained_lake.lake.settings.tracking_uri))
    assert sum('["model_versions"' in line for line in saved) == 1
    assert not backup.restore(trained_lake.lake, "friday").changed


def test_metadata_that_was_trimmed_meanwhile_is_put_back(cities: Any) -> None:
    taken = backup.save(cities.lake, "friday").backup
    cities.put("cities", CITIES + "Rom,9\n")
    Path(taken.tables["silver.cities"].removeprefix("file://")).unlink()
    backup.restore(cities.lake, "friday", replace=True)
    assert len(cities.rows("silver.cities")) == 2


def _cut(lake: Any) -> None:
    file = lake.folder / ".lake/warehouse/backups/friday/metadata/silver.cities.metadata.json"
    file.write_text(file.read_text()[:-1])


def _without_data(lake: Any) -> None:
    shutil.rmtree(lake.folder / ".lake/warehouse/silver/cities/data")


def _without_bronze(lake: Any) -> None:
    shutil.rmtree(lake.folder / ".lake/warehouse/bronze")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (_cut, "silver.cities.metadata.json is not what was saved"),
        (_without_data, r"1 file that it needs .* missing: file://.*/silver/cities/data/"),
        (_without_bronze, r"1 file that it needs .* missing: file://.*/bronze/cities/"),
    ],
)
def test_what_is_not_whole_is_not_restored(
    cities: Any, harm: Callable[[Any], None], why: str
) -> None:
    backup.save(cities.lake, "friday")
    harm(cities)
    (cities.folder / ".lake" / "catalog.db").unlink()
    cities._lake = None
    with pytest.raises(RestoreRefused, match=why):
        backup.restore(cities.lake, "friday")
    assert states(cities) == {}


def test_a_backup_of_another_warehouse_is_refused(cities: Any, tmp_path: Path) -> None:
    folder = backup.save(cities.lake, "friday").folders[0]
    cities.environment = {"LAKEHOUSE_WAREHOUSE": str(tmp_path)}
    with pytest.raises(RestoreRefused, match="it is of the warehouse"):
        backup.restore(cities.open(), folder)


def test_backups_are_listed_and_removed(cities: Any) -> None:
    for name in ("b", "a"):
        backup.save(cities.lake, name)
    assert [one.name for one in backup.listed(cities.lake).backups] == ["a", "b"]
    backup.remove(cities.lake, "a")
    assert [one.name for one in backup.listed(cities.lake).backups] == ["b"]
    with pytest.raises(UnknownName, match="There is no backup 'a'"):
        backup.restore(cities.lake, "a")


@pytest.mark.parametrize("name", ["../b", "", ".", "a b"])
def test_a_name_is_no_path(cities: Any, name: str) -> None:
    with pytest.raises(UsageError):
        backup.save(cities.lake, name or "/")


def test_a_name_is_used_once(cities: Any) -> None:
    backup.save(cities.lake, "friday")
    with pytest.raises(UsageError, match="There is a backup friday already"):
        backup.save(cities.lake, "friday")


@pytest.mark.parametrize("point", ["backup.copied", "backup.stored:2"])
def test_a_backup_that_is_killed_is_none(cities: Any, point: str) -> None:
    assert run(cities, "backup", "--name", "friday", point=point) == -9
    assert backup.listed(cities.lake).backups == ()
    assert backup.save(cities.lake, "friday").backup.name == "friday"


@pytest.mark.parametrize(
    ("point", "lost"),
    [("restore.checked", True), ("restore.moved", True), ("restore.moved", False)],
)
def test_a_restore_that_is_killed_is_finished_by_the_next(
    trained_lake: Any, point: str, lost: bool
) -> None:
    backup.save(trained_lake.lake, "friday")
    before = trained_lake.lake.catalog.locations()
    if lost:
        lose(trained_lake)
    else:
        publishing.replace(trained_lake.lake, "gold.more", _one(), run="more")
        trained_lake.declare(features=[{"name": "distance", "kind": "numeric"}])
        training.train(trained_lake.lake, "late", run="more")
    words = ["restore", "friday", *([] if lost else ["--replace"])]
    assert run(trained_lake, *words, point=point) == -9
    if point == "restore.moved":  # models may be ahead of what tables tell, never behind
        assert registry.is_used(trained_lake.lake.settings.tracking_uri)
        assert trained_lake.lake.catalog.locations() == ({} if lost else before)
    assert run(trained_lake, *words) == 0
    assert trained_lake.lake.catalog.locations() == before
    champion = registry.champion(trained_lake.lake, "late")
    assert champion is not None
    assert champion.version == 1


def test_maintenance_keeps_what_a_backup_needs_and_frees_it_afterwards(
    make_data_lake: Callable[..., Any],
) -> None:
    lake = make_data_lake("cities")
    lake.environment["LAKEHOUSE_GRACE_HOURS"] = "0"
    lake.put("cities", CITIES)
    needed = [Path(f"{lake.folder}/.lake/warehouse/{path}") for path in _needed(lake, "friday")]
    lake.put("cities", "name,people\nRom,9\n")
    _sweep(lake)
    assert [path for path in needed if not path.exists()] == []
    backup.restore(lake.lake, "friday", replace=True)
    assert lake.rows("silver.cities", "name") == [("Bonn",), ("Kiel",)]
    lake.put("cities", "name,people\nRom,9\n")
    backup.remove(lake.lake, "friday")
    _sweep(lake)
    assert [path for path in needed if not path.exists()] != []


def _needed(lake: Any, name: str) -> list[str]:
    folder = Path(backup.save(lake.lake, name).folders[0].removeprefix("file://"))
    return (folder / "references.txt").read_text(encoding="utf-8").splitlines()


def _sweep(lake: Any) -> None:
    """Forgets every snapshot but the last, and has what nothing needs deleted."""
    table = lake.lake.catalog.table("silver.cities")
    with table.transaction() as transaction:
        transaction.set_properties({"history.expire.min-snapshots-to-keep": "1"})
    for _ in range(2):  # what is condemned by one is deleted by the next
        maintenance.maintain(lake.open(), run="sweep")


def test_a_lake_on_services_comes_back(service_model_lake: Any) -> None:
    lake = service_model_lake
    training.train(lake.lake, "late", run="first")
    training.predict(lake.lake, "late", run="first")
    before = scored(lake.lake)
    backup.save(lake.lake, "friday")
    lake.declare(features=[{"name": "distance", "kind": "numeric"}])
    training.train(lake.lake, "late", run="more")
    training.predict(lake.lake, "late", run="more")
    assert backup.restore(lake.lake, "friday", replace=True).changed
    lake.declare()
    assert not training.train(lake.lake, "late", run="again").changed
    champion = registry.champion(lake.lake, "late")
    assert champion is not None
    assert champion.version == 1
    assert scored(lake.lake) == before
    # the database numbers new experiments after those that came back
    lake.declare(name="later")
    (lake.folder / "assets" / "models" / "late.yaml").rename(
        lake.folder / "assets" / "models" / "later.yaml"
    )
    assert training.train(lake.lake, "later", run="new").changed


def _one() -> Any:
    import pyarrow as pa

    return pa.table({"n": [1]})


def test_what_a_backup_that_was_never_finished_needs_goes_after_the_grace_period(
    cities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(point: str) -> None:
        if point == "backup.stored" and list(cities.folder.rglob("old/references.txt")):
            raise Killed

    monkeypatch.setattr("lakehouse.faults.reach", reach)
    with pytest.raises(Killed):
        backup.save(cities.lake, "old")
    monkeypatch.undo()
    cities.declare("cities", snapshots={"keep": 1})
    (before,) = (cities.folder / ".lake/warehouse/silver/cities/data").glob("*.parquet")
    cities.put("cities", "name,people\nRom,1\n", "b.csv")
    cities.put("cities", "name,people\nRom,2\n", "c.csv")
    maintenance.maintain(cities.open(), run="m", grace=timedelta(0))
    assert before.exists()  # it may be being taken
    (references,) = cities.folder.rglob("old/references.txt")
    os.utime(references, (1.6e9, 1.6e9))
    maintenance.maintain(cities.open(), run="m", grace=timedelta(0))
    assert not before.exists()


def test_metadata_that_was_put_back_in_part_is_put_back_by_the_next_call(
    cities: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = backup.save(cities.lake, "friday").backup
    place = Path(taken.tables["silver.cities"].removeprefix("file://"))
    (cities.folder / ".lake/catalog.db").unlink()
    place.unlink()  # trimmed by later commits
    copyfile = shutil.copyfile

    def cut(source: Any, target: Any) -> None:
        if Path(target).parent == place.parent:
            Path(target).write_bytes(Path(source).read_bytes()[:100])
            raise Killed
        copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", cut)
    with pytest.raises(Killed):
        backup.restore(cities.open(), "friday")
    monkeypatch.undo()
    backup.restore(cities.open(), "friday")
    cities._lake = None
    assert len(cities.rows("silver.cities")) == 2
