"""Maintenance by the calendar: three assets in a row that tell what they did."""

from pathlib import Path

import dagster as dg

from assets.maintenance import GROUP, maintenance
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from resources import Session
from sensors.schedules import nightly_maintenance


def test_the_night_keeps_the_lake_and_tells_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    lake = Lake(
        Settings.load({"LAKEHOUSE_PROJECT": str(tmp_path), "LAKEHOUSE_HOME": str(tmp_path)})
    )
    job = dg.Definitions(
        assets=maintenance(), resources={"session": Session(lake)}
    ).resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(instance=dg.DagsterInstance.ephemeral())
    events = done.get_asset_materialization_events()
    steps = [event.asset_key.path for event in events if event.asset_key]
    assert steps == [[GROUP, "compaction"], [GROUP, "expiry"], [GROUP, "sweep"]]
    last = events[-1].materialization.metadata
    assert last["files_removed"].value == 0
    assert "sweep: 0 files removed" in str(last["summary"].value)


def test_it_is_on_at_first_and_takes_all_of_the_group() -> None:
    assert nightly_maintenance.default_status == dg.DefaultScheduleStatus.RUNNING
    assert nightly_maintenance.cron_schedule == "30 2 * * *"
    assert nightly_maintenance.execution_timezone == "UTC"
