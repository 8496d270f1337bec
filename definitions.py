"""Composition root: merges what the packages export. Loading it opens no table and no service."""

import dagster as dg

from assets.graph import graph
from assets.instance import executor
from lakehouse.lake import Lake
from resources import LakeResource
from sensors.arrivals import landed_files
from sensors.jobs import refresh_job
from sensors.retraining import retraining
from sensors.schedules import daily_refresh, hourly_freshness, nightly_maintenance

lake = Lake()

defs = dg.Definitions(
    assets=graph(lake),
    jobs=[refresh_job],
    schedules=[daily_refresh, nightly_maintenance, hourly_freshness(lake.contracts.values())],
    sensors=[landed_files, *(retraining(spec) for spec in lake.models.values())],
    resources={"session": LakeResource()},
    executor=executor(lake.settings),
)
