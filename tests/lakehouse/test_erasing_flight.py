"""What is being made of a person's rows while they are forgotten is not published, and not kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import jobs
import lakes
import pytest

from lakehouse import erasing, faults, registry
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long

CITY = "Zyxwanda"
"""One person's alone; the model learns it as a category."""
Traces = Callable[..., list[tuple[str, str]]]


class Stations:
    """A lake that is set back to where it was before gold, before a model, or after both."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "lake"
        lakes.declare(root / "project")
        trips = lakes.NEW["trips"]["b.csv"].decode().splitlines()
        trips[1] = ",".join([*trips[1].split(",")[:3], CITY])
        content = "\n".join(trips).encode() + b"\n"
        lakes.deliver(self.home / "landing", {**lakes.OLD, "trips": {"b.csv": content}})
        registry.prepare(self.lake)
        self.run("silver")
        self._save("silver")
        self.run("gold")
        self._save("gold")
        self.run("model")
        self._save("model")

    @property
    def lake(self) -> Lake:
        """A new handle."""
        return Lake(Settings.load(lakes.environment(self.root)))

    def run(self, *names: str) -> None:
        """Does jobs of the main job, each as a run of its own."""
        for name in names:
            assert jobs.JOBS[name](self.lake, self.root, {}) == 0

    def _save(self, station: str) -> None:
        shutil.copytree(self.home, self.root / station)

    def restore(self, station: str) -> None:
        """Sets the lake back; databases stay the files that are open."""
        for file in [file for file in self.home.rglob("*") if file.is_file()]:
            if file.suffix != ".db":
                file.unlink()
        shutil.copytree(self.root / station, self.home, dirs_exist_ok=True)

    def forget(self) -> erasing.Erased:
        """Forgets the person."""
        lake = self.lake
        person = erasing.Person.parse(lake.contract("trips"), [f"city={CITY}"])
        return erasing.forget(lake, person, by="dpo", note="request 12", run="forget")


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stations]:
    made = Stations(tmp_path_factory.mktemp("flight"))
    yield made
    shutil.rmtree(made.root)


@pytest.mark.parametrize(
    ("station", "job", "point"),
    [
        ("silver", "gold", "gold.built"),
        ("silver", "gold", "replace.stored"),
        ("gold", "model", "training.tagged"),
        ("gold", "model", "predicting.scored"),
        ("gold", "model", "monitoring.measured"),
    ],
)
def test_what_is_in_flight_is_made_anew_without_them(
    station: str,
    job: str,
    point: str,
    stations: Stations,
    monkeypatch: pytest.MonkeyPatch,
    traces: Traces,
) -> None:
    stations.restore(station)
    forgotten: list[erasing.Erased] = []

    def reach(name: str) -> None:
        if name == point and not forgotten:
            assert traces(stations.home / "warehouse", [CITY])
            monkeypatch.setattr(faults, "reach", lambda _: None)
            forgotten.append(stations.forget())

    monkeypatch.setattr(faults, "reach", reach)
    stations.run(job)
    assert [(done.records, done.left) for done in forgotten] == [(1, ())]
    assert traces(stations.home, [CITY]) == []
    stations.run("gold", "model")
    assert traces(stations.home, [CITY]) == []
    rows = stations.lake.catalog.table("gold.rides").scan().to_arrow()
    assert 1001 not in rows["id"].to_pylist()


def test_with_a_champion_that_learned_their_name(stations: Stations, traces: Traces) -> None:
    stations.restore("model")
    assert traces(stations.home / "mlartifacts", [CITY])
    before = registry.champion(stations.lake, "dear")
    assert before is not None
    done = stations.forget()
    assert (done.records, done.left) == (1, ())
    assert done.retired == {"dear": (before.version,)}
    assert registry.champion(stations.lake, "dear") is None
    assert traces(stations.home, [CITY]) == []
    table = stations.lake.catalog.table("gold.predictions_dear")
    assert table.scan().to_arrow().num_rows == 0
    stations.run("model")
    assert registry.champion(stations.lake, "dear") is not None
    assert table.refresh().scan().to_arrow().num_rows > 0
    assert traces(stations.home, [CITY]) == []
