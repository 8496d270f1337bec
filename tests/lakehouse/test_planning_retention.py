"""Retention: partitions past their age leave the table; what is in bronze and the books stays."""

from typing import Any

import pytest

from lakehouse.cli.accounts import Booked, booked

TRIPS = "id,start,price,city\n"
JANUARY = "1,2013-01-05T10:00:00Z,10,Bonn\n"
FEBRUARY = "2,2013-02-05T10:00:00Z,20,Bonn\n"
BROKEN = "3,2013-01-05T10:00:00Z,999,Bonn\n"


def level(months: int) -> dict[str, Any]:
    """A service level: trips are kept for so many months."""
    return {"property": "retention", "value": months, "unit": "mo", "element": "trips.start"}


@pytest.fixture
def kept(data_lake: Any) -> Any:
    """Trips that are kept for three months; January is past it from the middle of May."""
    data_lake.declare("trips", levels=[level(3)])
    data_lake.at("2013-05-01T00:00:00Z")
    return data_lake


def ids(lake: Any) -> list[int]:
    return [row[0] for row in lake.rows("silver.trips", "id")]


def stale(lake: Any) -> dict[str, str]:
    return dict(lake.state("trips").stale)


def statements(lake: Any) -> dict[int, Booked]:
    handle = lake.lake
    found = booked(handle, handle.contract("trips"), handle.ledger.read(["silver.trips"]))
    return {entry.delivery.number: entry for entry in found}


def test_a_partition_within_its_time_stays(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY)
    assert stale(kept) == {}
    assert ids(kept) == [1]


def test_the_clock_alone_makes_a_partition_stale_and_the_reason_says_so(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY + FEBRUARY)
    kept.at("2013-05-10T00:00:00Z")
    assert stale(kept) == {"2013-01": "past retention of 3 months"}
    assert [s.partitions for s in kept.plan().steps] == [("2013-01",)]


def test_the_next_refresh_empties_it_with_its_quarantine_and_no_other(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY + FEBRUARY + BROKEN)
    kept.at("2013-05-10T00:00:00Z")
    assert len(kept.rows("quarantine.trips")) == 1
    kept.refresh("trips")
    assert ids(kept) == [2]
    assert kept.rows("quarantine.trips") == []
    assert stale(kept) == {}


def test_bronze_keeps_the_object(kept: Any) -> None:
    delivery = kept.land("trips", TRIPS + JANUARY).deliveries[0]
    kept.at("2014-01-01T00:00:00Z")
    kept.refresh("trips")
    assert kept.lake.storage.exists(kept.lake.object_url(delivery.object))


def test_a_late_delivery_publishes_nothing_there_and_is_accounted_for(kept: Any) -> None:
    kept.at("2013-05-10T00:00:00Z")
    result = kept.put("trips", TRIPS + JANUARY + FEBRUARY + BROKEN)
    assert [outcome.name for outcome in result.outcomes] == ["2013-02"]
    assert ids(kept) == [2]
    entry = statements(kept)[1]
    told = entry.statement
    assert (entry.state, told.rows, told.published, told.expired) == ("published", 3, 1, 2)
    assert told.waiting == 0


def test_a_delivery_wholly_past_its_time_is_called_expired(kept: Any) -> None:
    kept.at("2013-05-10T00:00:00Z")
    kept.put("trips", TRIPS + JANUARY)
    entry = statements(kept)[1]
    assert (entry.state, entry.statement.rows, entry.statement.expired) == ("expired", 1, 1)
    assert stale(kept) == {}


def test_rows_that_wait_to_be_taken_out_are_still_published(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY)
    kept.at("2013-05-10T00:00:00Z")
    told = statements(kept)[1].statement
    assert (told.rows, told.published, told.expired) == (1, 1, 0)
    kept.refresh("trips")
    told = statements(kept)[1].statement
    assert (told.rows, told.published, told.expired) == (1, 0, 1)


def test_a_longer_retention_brings_the_rows_back(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY)
    kept.at("2013-05-10T00:00:00Z")
    kept.refresh("trips")
    kept.declare("trips", levels=[level(12)])
    kept.refresh("trips")
    assert ids(kept) == [1]


def test_a_changed_contract_does_not_touch_an_emptied_partition(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY)
    kept.at("2013-05-10T00:00:00Z")
    kept.refresh("trips")
    kept.declare("trips", levels=[level(2)])
    assert stale(kept) == {}


def test_a_partition_ends_when_the_next_one_begins(kept: Any) -> None:
    kept.put("trips", TRIPS + JANUARY)
    # three months of a year of 365.25 days are 91 days and 7.5 hours
    kept.at("2013-05-03T07:29:59Z")
    assert stale(kept) == {}
    kept.at("2013-05-03T07:30:00Z")
    assert list(stale(kept)) == ["2013-01"]


def test_rows_of_no_partition_have_no_age(kept: Any) -> None:
    kept.declare("trips", levels=[level(3)], limit=1)
    kept.put("trips", TRIPS + "3,never,9,Bonn\n")
    kept.at("2020-01-01T00:00:00Z")
    kept.refresh("trips")
    assert kept.rows("quarantine.trips", "partition") == [("unassigned",)]
    assert stale(kept) == {}
