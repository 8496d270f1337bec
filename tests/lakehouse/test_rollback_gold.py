"""Gold goes back build by build, and a build in flight never undoes it.

dbt takes seconds, so one lake lives through its history once and the tests look at its stations.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lakehouse import building, planning, rollback
from lakehouse.building import Built
from lakehouse.errors import RollbackRefused
from lakehouse.query import Session

pytestmark = pytest.mark.long

TRIPS = "id,start,price,city\n"
WHO = {"by": "ada", "note": "wrong prices"}
MODELS = {
    "daily": "select cast(start as date) as day, count(*) as n "
    "from {{ source('silver', 'trips') }} group by all order by all",
    "whole": "select sum(n) as n from {{ ref('daily') }}",
}
DECLARED = """
models: [{name: daily}, {name: whole}]
sources: [{name: silver, schema: silver, tables: [{name: trips}]}]
"""


def trip(number: int) -> str:
    return f"{number},2013-01-05T10:00:00Z,5,Bonn\n"


@dataclass
class Story:
    """One lake's life, station by station."""

    lake: Any
    builds: dict[str, Built] = field(default_factory=dict)
    plans: dict[str, planning.Plan] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def station(self, name: str, *, build: bool = True) -> None:
        """Plans, builds, and notes what readers see."""
        self.plans[name] = planning.plan(self.lake.lake)
        if build:
            self.builds[name] = building.build(self.lake.lake, run=name)
        rows = [self.lake.rows(f"gold.{table}", "n") for table in MODELS]
        self.seen[name] = [row[0][0] for row in rows]
        self.tables[name] = str(self.lake.snapshots()["gold.daily"])


def write_project(folder: Path, checkout: Path) -> None:
    """A dbt project of two tables, with the checkout's own profile and macros."""
    shutil.copytree(checkout / "dbt_project" / "macros", folder / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(checkout / "dbt_project" / name, folder / name)
    models = folder / "models" / "gold"
    models.mkdir(parents=True)
    (folder / "models" / "intermediate").mkdir()
    # the checkout's configuration names this folder too
    (folder / "models" / "intermediate" / "none.sql").write_text("select 1 as one")
    for name, sql in MODELS.items():
        (models / f"{name}.sql").write_text(sql)
    (models / "gold.yml").write_text(DECLARED)


@pytest.fixture(scope="module")
def story(make_data_lake: Any, project: Path) -> Story:
    lake = make_data_lake("trips")
    write_project(lake.folder / "dbt_project", project)
    made = Story(lake)
    lake.put("trips", TRIPS + trip(1))
    made.station("one")
    lake.put("trips", TRIPS + trip(2), "b.csv")

    original = building._run

    def rolled_back_meanwhile(job: Any) -> Any:
        done = original(job)
        building._run = original
        # readers see again what the build began with
        first = made.tables["one"]
        building.build(lake.open(), run="two")
        latest = str(lake.snapshots()["gold.daily"])
        made.tables["two"] = latest
        rollback.rollback(lake.open(), "gold.daily", first, **WHO)
        return done

    building._run = rolled_back_meanwhile
    made.station("in flight")
    made.station("held")
    rollback.release(lake.lake, "gold.whole", **WHO)
    made.station("released", build=False)
    rollback.rollback(lake.lake, "gold.whole", _whole(made), **WHO)
    made.station("forward")
    first = rollback.snapshots(lake.lake, "silver.trips").snapshots[1].snapshot
    rollback.rollback(lake.lake, "silver.trips", first, **WHO)
    made.station("silver went back")
    return made


def _whole(story: Story) -> str:
    """The snapshot of the other table that was published with build two."""
    lines = rollback.snapshots(story.lake.lake, "gold.whole").snapshots
    return next(line.snapshot for line in lines if line.note == "rolled back")


def test_a_build_in_flight_does_not_undo_a_rollback(story: Story) -> None:
    assert story.seen["in flight"] == [1, 1]
    assert story.builds["in flight"].summary().startswith("gold: nothing to do. Gold would be")


def test_all_tables_of_a_build_go_back_together_and_stay(story: Story) -> None:
    assert story.seen["held"] == [1, 1]
    assert story.plans["held"].steps == ()
    told = "Gold would be built anew (silver.trips was published anew), but rollback 1 by ada on"
    assert story.plans["held"].holds[0].startswith(told)


def test_released_gold_is_stale(story: Story) -> None:
    assert [step.asset for step in story.plans["released"].steps] == ["gold/daily", "gold/whole"]


def test_going_forward_again_needs_no_build(story: Story) -> None:
    assert story.seen["forward"] == [2, 2]
    assert story.builds["forward"].summary() == "gold: up to date"


def test_gold_follows_silver_that_went_back(story: Story) -> None:
    reasons = {step.reason for step in story.plans["silver went back"].steps}
    assert reasons == {"silver.trips was rolled back"}
    assert story.seen["silver went back"] == [1, 1]


def test_what_no_build_published_is_refused(story: Story) -> None:
    empty = rollback.snapshots(story.lake.lake, "gold.daily").snapshots[-1]
    assert empty.rows == 0
    with pytest.raises(RollbackRefused, match="no build published what is meant"):
        rollback.rollback(story.lake.lake, "gold.daily", empty.snapshot, **WHO)


def test_gold_goes_back_to_the_columns_that_it_had(make_data_lake: Any, project: Path) -> None:
    lake = make_data_lake("trips")
    write_project(lake.folder / "dbt_project", project)
    lake.put("trips", TRIPS + trip(1))
    building.build(lake.lake, run="one")
    first = str(lake.snapshots()["gold.whole"])
    model = lake.folder / "dbt_project" / "models" / "gold" / "whole.sql"
    model.write_text("select 'many' as n, sum(n) as total from {{ ref('daily') }}")
    building.build(lake.open(), run="two")
    assert lake.rows("gold.whole", "n", "total") == [("many", 1)]
    rollback.rollback(lake.open(), "gold.whole", first, **WHO)
    assert lake.reader().load_table("gold.whole").schema().column_names == ["n"]
    assert lake.rows("gold.whole") == [(1,)]
    with Session(lake.open()) as session:
        assert session.query("FROM gold.whole").table.to_pylist() == [{"n": 1}]
