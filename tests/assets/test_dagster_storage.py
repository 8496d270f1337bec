"""Dagster's runs, events and schedules in a real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from servers import Postgres

from assets.instance import home, instance
from assets.refreshing import refresh
from lakehouse.errors import ServiceFailed
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from resources import Session

pytestmark = pytest.mark.end_to_end
OPEN = """
from assets.instance import instance
from lakehouse.settings import Settings
with instance(Settings.load()) as kept:
    print(kept.get_runs_count())
"""


@pytest.fixture
def uri(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new database; what a lake hands down to Dagster ends with the test."""
    monkeypatch.setenv("LAKEHOUSE_DAGSTER_URI", "")
    name = f"dagster_{os.urandom(4).hex()}"
    return postgres.create(name)


def opened(folder: Path, uri: str) -> subprocess.Popen[str]:
    """A process of its own that opens the instance and counts its runs."""
    environment = {
        "LAKEHOUSE_HOME": str(folder),
        "LAKEHOUSE_DAGSTER_URI": uri,
        "PATH": os.environ["PATH"],
    }
    return subprocess.Popen(
        [sys.executable, "-c", OPEN],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_refresh_is_kept_and_read_back(uri: str, make_lake: Callable, tmp_path: Path) -> None:
    embedded = make_lake("airlines/airlines.csv").lake.settings
    named = Settings.load({"LAKEHOUSE_DAGSTER_URI": uri})
    settings = replace(embedded, dagster_uri=named.dagster_uri)

    with instance(settings) as kept:
        done = refresh(Session(Lake(settings), timedelta(0)), kept, {"lakehouse/by": "test"})

    assert done.refusals() == ()
    with instance(settings) as again:
        assert {run.run_id for run in again.get_runs()} == set(done.runs)
        assert {run.status for run in again.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
        event = again.get_latest_materialization_event(dg.AssetKey(["silver", "airlines"]))
        assert event.asset_materialization.metadata["dagster/row_count"].value == 16
    with psycopg2.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from runs")
        assert cursor.fetchone() == (len(done.runs),)
    assert not list((settings.home / "dagster" / "storage").rglob("*.db"))


def test_two_machines_that_make_its_tables_at_once_do_not_trip(uri: str, tmp_path: Path) -> None:
    both = [opened(tmp_path / name, uri) for name in ("one", "two")]
    said = [process.communicate(timeout=120) for process in both]
    assert [out for out, _ in said] == ["0\n", "0\n"], said


def test_a_database_that_is_gone_is_a_failed_service(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = uri.rsplit("/", 1)[0] + "/nowhere"
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_DAGSTER_URI": gone})
    with pytest.raises(ServiceFailed, match="nowhere"):
        instance(settings)


def test_the_url_is_not_shown_where_the_instance_is(uri: str, tmp_path: Path) -> None:
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_DAGSTER_URI": uri})
    password = uri.split(":")[2].split("@", maxsplit=1)[0]
    with instance(settings) as kept:
        assert password not in kept.info_str()
        assert password not in str(kept.get_ref())
    assert password not in (home(settings) / "dagster.yaml").read_text()
