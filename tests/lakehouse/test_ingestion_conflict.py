"""Runs at the same time: what one publishes, another never drops, and readers see it whole."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from lakehouse import ingestion, landing
from lakehouse.catalog import moving
from lakehouse.errors import PublishConflict
from lakehouse.ingestion import refreshing

TRIPS = "id,start,price,city\n"


def trip(number: int, month: str = "2013-01", price: object = 5) -> str:
    return f"{number},{month}-05T10:00:00Z,{price},Bonn\n"


def ids(lake: Any) -> list[int]:
    return sorted(row[0] for row in lake.rows("silver.trips", "id"))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has another run do something between the audit and the publish of the first attempts."""

    def place(act: Callable[[], object], times: int = 1) -> None:
        original, left = refreshing.audit, list(range(times))

        def audited(*args: Any, **more: Any) -> Any:
            found = original(*args, **more)
            if left:
                left.pop()
                # the other run's own audit is not disturbed
                monkeypatch.setattr(refreshing, "audit", original)
                act()
                monkeypatch.setattr(refreshing, "audit", audited)
            return found

        monkeypatch.setattr(refreshing, "audit", audited)

    return place


def other_run(lake: Any, content: str, name: str) -> None:
    handle = lake.open()
    lake.drop("trips", content, name)
    landing.land(handle, "trips", run="other")
    ingestion.refresh(handle, "trips", run="other")


def test_a_publish_between_audit_and_publish_is_not_dropped(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    data_lake.put("trips", TRIPS + trip(1))
    data_lake.land("trips", TRIPS + trip(2), "b.csv")
    meanwhile(lambda: other_run(data_lake, TRIPS + trip(3), "c.csv"))
    data_lake.refresh("trips")
    assert ids(data_lake) == [1, 2, 3]
    assert data_lake.state("trips").stale == {}


def test_two_runs_on_different_partitions_both_publish(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    data_lake.land("trips", TRIPS + trip(1, "2013-01") + trip(2, "2013-02"))
    other = data_lake.open()
    meanwhile(lambda: ingestion.refresh(other, "trips", ["2013-02"], run="other"))
    result = data_lake.refresh("trips", ["2013-01"])
    assert ids(data_lake) == [1, 2]
    assert [outcome.name for outcome in result.outcomes] == ["2013-01"]


def test_a_foreign_commit_between_audit_and_publish_is_not_dropped(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    def append() -> None:
        table = data_lake.reader().load_table("silver.trips")
        row = {"id": 9, "start": datetime(2013, 7, 1, tzinfo=UTC), "price": 1.0, "city": "X"}
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))

    data_lake.put("trips", TRIPS + trip(1))
    data_lake.land("trips", TRIPS + trip(2), "b.csv")
    meanwhile(append)
    data_lake.refresh("trips")
    assert ids(data_lake) == [1, 2, 9]


def test_what_another_run_has_done_meanwhile_is_not_done_again(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    data_lake.land("trips", TRIPS + trip(1))
    other = data_lake.open()
    meanwhile(lambda: ingestion.refresh(other, "trips", run="other"))
    assert data_lake.refresh("trips").summary() == "silver/trips: up to date"
    summary = data_lake.reader().load_table("silver.trips").current_snapshot().summary
    assert summary["lakehouse.run"] == "other"


def test_a_run_that_always_loses_says_so_and_drops_nothing(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    data_lake.land("trips", TRIPS + trip(0), "0.csv")
    names = iter(range(1, 100))

    def publish_another() -> None:
        number = next(names)
        other_run(data_lake, TRIPS + trip(number), f"{number}.csv")
        data_lake.land("trips", TRIPS + trip(100 + number), f"{100 + number}.csv")

    meanwhile(publish_another, times=9)
    with pytest.raises(PublishConflict, match=r"silver\.trips, quarantine\.trips were not"):
        data_lake.refresh("trips")
    assert ids(data_lake) == [0, 1, 2, 3, 4, 5, 101, 102, 103, 104]


def test_no_branch_is_left_behind(data_lake: Any, meanwhile: Callable[..., None]) -> None:
    data_lake.put("trips", TRIPS + trip(1))
    data_lake.land("trips", TRIPS + trip(2), "b.csv")
    meanwhile(lambda: other_run(data_lake, TRIPS + trip(3), "c.csv"))
    data_lake.refresh("trips")
    for table in ("silver.trips", "quarantine.trips"):
        assert list(data_lake.reader().load_table(table).refs()) == ["main"]


def test_rows_and_quarantine_become_visible_together(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.put("trips", TRIPS + trip(1) + trip(2, price=999))
    data_lake.land("trips", TRIPS + trip(3) + trip(4, price=999), "b.csv")
    swap, seen = moving._swap, []

    def watched(*args: Any) -> None:
        swap(*args)
        seen.append((ids(data_lake), len(data_lake.rows("quarantine.trips"))))

    monkeypatch.setattr(moving, "_swap", watched)
    data_lake.refresh("trips")
    # two branches; then verdicts, silver, quarantine and ledger
    assert seen == [([1], 1)] * 6
    assert (ids(data_lake), len(data_lake.rows("quarantine.trips"))) == ([1, 3], 2)


def test_what_is_proposed_is_not_what_readers_see(
    data_lake: Any, meanwhile: Callable[..., None]
) -> None:
    seen = []
    data_lake.put("trips", TRIPS + trip(1))
    data_lake.land("trips", TRIPS + trip(2), "b.csv")
    meanwhile(lambda: seen.append(ids(data_lake)))
    data_lake.refresh("trips")
    assert seen == [[1]]


def test_a_snapshot_tells_run_and_contract(data_lake: Any) -> None:
    data_lake.declare("trips", version="2.7.1")
    data_lake.put("trips", TRIPS + trip(1))
    summary = data_lake.reader().load_table("silver.trips").current_snapshot().summary
    assert (summary["lakehouse.run"], summary["lakehouse.contract-version"]) == ("test", "2.7.1")


def test_accounts_name_the_snapshot_that_published_them(data_lake: Any) -> None:
    data_lake.put("visits", "id,day,city\n")
    data_lake.put("cities", "name,people\nBonn,1\n")
    data_lake.put("visits", "id,day,city\n1,2013-01-05,Bonn\n", "b.csv")
    account = data_lake.state("visits").held["2013-01"].accounts[0]
    snapshots = data_lake.snapshots()
    assert account.snapshot == snapshots["silver.visits"]
    assert json.loads(account.pins) == {"cities": str(snapshots["silver.cities"])}
