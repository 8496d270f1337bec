"""A refresh does what is stale, in Dagster runs that the web UI shows, and then nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.instance import instance
from assets.refreshing import refresh

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def kept(tmp_path: Path, make_lake: Callable) -> Iterator[tuple]:
    session = make_lake(
        "airports/airports.csv", "weather/weather_2013-01.csv", "weather/weather_2013-03.csv"
    )
    with instance(session.lake.settings) as found:
        yield session, found


def test_a_refresh_does_all_that_is_stale_and_the_next_one_nothing(kept: tuple) -> None:
    session, found = kept
    heard: list[str] = []
    session.tell = heard.append

    first = refresh(session, found, {"lakehouse/by": "test"})
    second = refresh(session, found)

    assert first.refusals() == ()
    stages = [result.summary().split(":")[0] for result in first.results]
    assert sorted(stages[:2]) == ["bronze/airports", "bronze/weather"]
    # two months that are no neighbours are two ranges
    assert stages[2:] == ["silver/airports", "silver/weather", "silver/weather"]
    assert [line.split(":")[0] for line in heard] == stages
    assert second.runs == ()
    assert not second.changed
    assert second.summary() == "Everything is up to date: nothing was done."
    assert {run.tags["lakehouse/by"] for run in found.get_runs()} == {"test"}
    shown = found.get_materialized_partitions(dg.AssetKey(["silver", "weather"]))
    assert shown == {"2013-01", "2013-03"}


def test_what_is_refused_is_tried_once_and_stops_nothing_else(kept: tuple) -> None:
    session, found = kept
    landing = Path(session.lake.settings.landing.removeprefix("file://"))
    file = landing / "airports" / "airports.csv"
    file.write_text(file.read_text().replace("-", "-9"))

    done = refresh(session, found)

    assert len(done.refusals()) == 1
    assert "airports" in done.refusals()[0]
    assert not found.get_materialized_partitions(dg.AssetKey(["silver", "airports"]))
    status = {run.status for run in found.get_runs()}
    assert status == {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}
    assert refresh(session, found).runs == ()
