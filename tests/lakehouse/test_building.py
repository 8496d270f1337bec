"""Gold: built from pinned silver, published as a whole or not at all, and only when needed.

dbt takes seconds, so one lake lives through its history once and the tests look at its stations.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lakehouse import building, dbt_manifest, planning
from lakehouse.building import Built
from lakehouse.errors import DbtFailed

TRIPS = "id,start,price,city\n"
DAILY = """
select cast(start as date) as day, count(*) as trips, sum(price) as income
from {{ source('silver', 'trips') }} group by all order by all
"""
BUSY = "select day, trips from {{ ref('daily') }} where {{ busy() }} order by day"
DECLARED = """
models:
  - name: daily
    description: Trips by day.
    config: {meta: {owner: travel-team}, tags: [mart]}
    columns:
      - name: day
        description: Day in UTC.
        data_tests: [unique]
      - name: income
        data_tests:
          - not_null
          - not_null: {name: income_may_lack, config: {severity: warn}}
  - name: busy
    description: Days with trips.
sources:
  - name: silver
    schema: silver
    tables: [{name: trips}]
"""


@dataclass
class History:
    """One lake's life, station by station."""

    lake: Any
    builds: dict[str, Built] = field(default_factory=dict)
    snapshots: dict[str, dict[str, int]] = field(default_factory=dict)
    plans: dict[str, planning.Plan] = field(default_factory=dict)

    @property
    def models(self) -> Path:
        """Where the models are."""
        return self.lake.folder / "dbt_project" / "models" / "gold"

    def station(self, name: str) -> None:
        """Plans and builds."""
        self.plans[name] = planning.plan(self.lake.lake)
        self.builds[name] = building.build(self.lake.lake, run=name)
        self.snapshots[name] = {
            table: snapshot
            for table, snapshot in self.lake.snapshots().items()
            if table.startswith("gold.")
        }


def write_project(folder: Path, checkout: Path) -> None:
    """A dbt project of two tables, with the checkout's own profile and macros."""
    shutil.copytree(checkout / "dbt_project" / "macros", folder / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(checkout / "dbt_project" / name, folder / name)
    (folder / "macros" / "busy.sql").write_text("{% macro busy() %}trips > 0{% endmacro %}")
    models = folder / "models" / "gold"
    models.mkdir(parents=True)
    (folder / "models" / "intermediate").mkdir()
    # the checkout's configuration names this folder too
    (folder / "models" / "intermediate" / "none.sql").write_text("select 1 as one")
    (models / "daily.sql").write_text(DAILY)
    (models / "busy.sql").write_text(BUSY)
    (models / "gold.yml").write_text(DECLARED)


@pytest.fixture(scope="module")
def history(make_data_lake: Any, project: Path) -> History:
    lake = make_data_lake("trips")
    write_project(lake.folder / "dbt_project", project)
    made = History(lake)
    made.plans["empty"] = planning.plan(lake.lake)
    lake.put("trips", TRIPS + "1,2013-01-05T10:00:00Z,10,Bonn\n2,2013-01-06T10:00:00Z,20,Bonn\n")
    made.station("first")
    made.station("again")
    (made.models / "daily.sql").write_text(DAILY.replace("count(*)", "count(id)"))
    made.station("same rows")
    lake.put("trips", TRIPS + "3,2013-01-07T10:00:00Z,,Bonn\n", "b.csv")
    made.station("failing test")
    return made


def incomes(history: History) -> list[Any]:
    return history.lake.rows("gold.daily", "income")


def test_before_anything_has_landed_nothing_is_stale(history: History) -> None:
    assert history.plans["empty"].summary() == "Everything is up to date."


def test_gold_that_was_never_built_is_stale(history: History) -> None:
    steps = [(step.asset, step.reason) for step in history.plans["first"].steps]
    assert steps == [("gold/daily", "never built"), ("gold/busy", "never built")]


def test_a_build_publishes_all_tables(history: History) -> None:
    built = history.builds["first"]
    assert built.summary() == "gold: daily 2 rows, busy 2 rows"
    assert sorted(history.snapshots["first"]) == ["gold.busy", "gold.daily"]


def test_a_build_tells_tests_and_columns(history: History) -> None:
    daily = history.builds["first"].models[0]
    assert [(check.passed, check.severity) for check in daily.checks] == [
        (True, "warning"),
        (True, "error"),
        (True, "error"),
    ]
    assert daily.columns == {"day": "DATE", "trips": "BIGINT", "income": "DOUBLE"}


def test_what_is_up_to_date_is_not_built_again(history: History) -> None:
    assert history.plans["again"].steps == ()
    assert history.builds["again"].summary() == "gold: up to date"
    assert history.snapshots["again"] == history.snapshots["first"]


def test_changed_sql_is_built_again_and_equal_rows_add_no_snapshot(history: History) -> None:
    reasons = {step.reason for step in history.plans["same rows"].steps}
    assert reasons == {"the dbt project changed"}
    assert [model.changed for model in history.builds["same rows"].models] == [False, False]
    assert history.snapshots["same rows"] == history.snapshots["first"]


def test_new_silver_makes_gold_stale(history: History) -> None:
    reasons = {step.reason for step in history.plans["failing test"].steps}
    assert reasons == {"silver.trips was published anew"}


def test_a_failed_test_publishes_nothing(history: History) -> None:
    assert history.snapshots["failing test"] == history.snapshots["first"]
    assert incomes(history) == [(10.0,), (20.0,)]


def test_a_failed_test_says_what_why_the_state_and_what_next(
    history: History, golden: Callable[[str, str], None]
) -> None:
    told = "\n".join(history.builds["failing test"].refusals())
    assert str(history.lake.folder) not in told
    golden("errors/refused_build.txt", re.sub(r"\d+\.\d+s", "<n> s", told) + "\n")


def test_a_failed_warning_is_told(history: History) -> None:
    failed = [c.name for c in history.builds["failing test"].checks() if not c.passed]
    assert failed == ["income_may_lack", "not_null_daily_income"]


def test_builds_are_numbered_and_keep_their_inputs(history: History) -> None:
    builds = history.lake.lake.ledger.read().builds
    assert sorted(build.number for build in builds) == [1, 2]
    assert '"silver.trips"' in builds[-1].inputs


def test_no_scratch_file_is_left(history: History) -> None:
    left = [path.name for path in (history.lake.folder / ".lake" / "dbt").iterdir()]
    assert [name for name in left if not name.startswith("manifest-")] == []


def test_the_project_is_declared_as_dbt_knows_it(history: History) -> None:
    daily, busy = dbt_manifest.load(history.lake.lake.settings).models
    assert (daily.table, daily.description, daily.owner) == (
        "gold.daily",
        "Trips by day.",
        "travel-team",
    )
    assert daily.columns == {"day": "Day in UTC.", "income": ""}
    assert (daily.upstream, busy.upstream) == (("silver.trips",), ("gold.daily",))


def test_a_project_that_does_not_parse_is_refused(history: History) -> None:
    broken = history.models / "broken.sql"
    broken.write_text("select {{ nothing_like_this( }}")
    with pytest.raises(DbtFailed, match="dbt parse failed in"):
        dbt_manifest.load(history.lake.lake.settings)
    broken.unlink()
