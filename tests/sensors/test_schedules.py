"""What the calendar starts."""

from datetime import UTC, datetime

import dagster as dg

from resources import Session
from sensors.jobs import refresh_job
from sensors.schedules import daily_refresh, hourly_freshness


def test_the_daily_refresh_runs_the_refresh_job() -> None:
    assert daily_refresh.job_name == refresh_job.name
    with dg.build_schedule_context(scheduled_execution_time=datetime.now(UTC)) as context:
        assert len(daily_refresh.evaluate_tick(context).run_requests) == 1
    assert daily_refresh.default_status == dg.DefaultScheduleStatus.RUNNING


def test_two_refreshes_take_turns() -> None:
    assert refresh_job.tags["lakehouse/refresh"] == "true"


def test_freshness_is_asked_of_every_dataset_that_promises_it(session: Session) -> None:
    contracts = session.lake.contracts.values()
    promised = [contract.dataset for contract in contracts if contract.freshness]
    schedule = hourly_freshness(contracts)
    selection = schedule.job.selection
    asked = {key.asset_key.path[-1] for key in selection.selected_asset_check_keys}
    assert asked == set(promised)
