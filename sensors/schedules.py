"""What happens by the calendar, in UTC."""

from collections.abc import Iterable

import dagster as dg

from assets import checks, maintenance, names
from lakehouse.contract import Contract
from sensors.jobs import refresh_job

daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=refresh_job,
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Once a day brings everything up to date, whatever the sensors have missed.",
)


nightly_maintenance = dg.ScheduleDefinition(
    name="nightly_maintenance",
    target=dg.AssetSelection.groups(maintenance.GROUP),
    cron_schedule="30 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compacts files, forgets old snapshots, and deletes the files that nothing has "
    "referred to for a day, while everything else goes on.",
)


def hourly_freshness(contracts: Iterable[Contract]) -> dg.ScheduleDefinition:
    """Returns the schedule that asks each hour whether the data is as young as promised."""
    keys = [
        dg.AssetCheckKey(names.key(f"silver/{contract.dataset}"), checks.FRESH)
        for contract in contracts
        if contract.freshness
    ]
    return dg.ScheduleDefinition(
        name="hourly_freshness",
        target=dg.AssetSelection.checks(*keys),
        cron_schedule="15 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Compares each dataset's newest row with the clock and the contract.",
    )
