"""What is stale and why, from recorded versions alone."""

from datetime import timedelta
from typing import Any

import pytest

from lakehouse import planning
from lakehouse.planning import silver

TRIPS = "id,start,price,city\n"
JANUARY = "1,2013-01-05T10:00:00Z,10,Bonn\n"
FEBRUARY = "2,2013-02-05T10:00:00Z,20,Bonn\n"


def stale(lake: Any, dataset: str = "trips") -> dict[str, str]:
    return dict(lake.state(dataset).stale)


def columns(lake: Any, **price: Any) -> list[dict[str, Any]]:
    """The columns of trips, with other options of the price."""
    found = lake.lake.contract("trips").columns
    assert [column.name for column in found] == ["id", "start", "price", "city"]
    key = [{"primaryKey": True, "primaryKeyPosition": place} for place in (1, 2)]
    return [
        {"name": "id", "logicalType": "integer", **key[0]},
        {"name": "start", "logicalType": "timestamp", "partitioned": True, **key[1]},
        {"name": "price", "logicalType": "number", **price},
        {"name": "city", "logicalType": "string"},
    ]


def test_a_new_delivery_makes_the_partitions_stale_that_it_touches(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    data_lake.land("trips", TRIPS + FEBRUARY, "b.csv")
    assert stale(data_lake) == {"2013-02": "new delivery 2 (b.csv)"}


def test_several_new_deliveries_are_told_as_one_reason(data_lake: Any) -> None:
    data_lake.land("trips", TRIPS + JANUARY)
    data_lake.land("trips", TRIPS + JANUARY, "b.csv")
    assert stale(data_lake) == {"2013-01": "new delivery 2 (b.csv) and 1 more"}


def test_nothing_is_stale_after_a_refresh(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY + FEBRUARY)
    assert stale(data_lake) == {}


def test_a_withdrawal_makes_its_partitions_stale(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    data_lake.decide("withdrawn", 1)
    assert stale(data_lake) == {"2013-01": "delivery 1 (a.csv) withdrawn"}


def test_a_superseded_delivery_makes_the_months_stale_that_it_leaves(data_lake: Any) -> None:
    data_lake.put("readings", "station,time,temp\nA,2013-02-05T12:00:00Z,1\n")
    data_lake.land("readings", "station,time,temp\nA,2013-03-05T12:00:00Z,1\n")
    assert stale(data_lake, "readings") == {
        "2013-02": "delivery 1 (a.csv) superseded",
        "2013-03": "new delivery 2 (a.csv)",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rowRules": [{"name": "cheap", "sql": "price < 15"}]}, "rule 'cheap' is new"),
        ({"read": {"nulls": ["NA"]}}, "read nulls  became NA"),
        ({"delivery": "replace"}, "delivery incremental became replace"),
        ({"limit": 0.1}, "the quarantine limit 0.5 became 0.1"),
    ],
    ids=["rule", "read", "delivery", "limit"],
)
def test_a_changed_contract_makes_its_partitions_stale(
    data_lake: Any, change: Any, told: str
) -> None:
    data_lake.put("trips", TRIPS + JANUARY + FEBRUARY)
    data_lake.declare("trips", version="1.1.0", **change)
    reason = f"contract 1.0.0 → 1.1.0: {told}"
    assert stale(data_lake) == {"2013-01": reason, "2013-02": reason}


def test_prose_and_version_of_a_contract_make_nothing_stale(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    described = columns(data_lake, description="What was paid.", tags=["money"])
    described[2]["logicalTypeOptions"] = {"minimum": 0, "maximum": 500}
    data_lake.declare("trips", version="1.0.1", columns=described)
    assert stale(data_lake) == {}


def test_a_changed_rule_judges_the_rows_again(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY + JANUARY.replace("1,", "3,", 1).replace("10,", "12,"))
    data_lake.declare("trips", columns=columns(data_lake, logicalTypeOptions={"maximum": 11}))
    data_lake.refresh("trips")
    assert data_lake.rows("silver.trips", "id") == [(1,)]
    assert data_lake.rows("quarantine.trips", "rules") == [(["price at most 11"],)]


def test_a_loosened_rule_rescues_rows(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY + "3,2013-01-05T10:00:00Z,900,Bonn\n")
    data_lake.declare("trips", columns=columns(data_lake))
    data_lake.refresh("trips")
    assert data_lake.rows("silver.trips", "id") == [(1,), (3,)]
    assert data_lake.rows("quarantine.trips") == []


def test_a_changed_rule_may_give_unassigned_rows_a_partition(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY + "3,2012-12-05T10:00:00Z,9,Bonn\n")
    data_lake.declare("trips", month="2012-01")
    data_lake.refresh("trips")
    assert data_lake.rows("silver.trips", "id") == [(1,), (3,)]
    assert data_lake.rows("quarantine.trips") == []


def test_a_new_column_is_read_from_what_lies_in_bronze(data_lake: Any) -> None:
    wide = columns(data_lake)
    data_lake.declare("trips", columns=[*wide, {"name": "note", "logicalType": "string"}])
    data_lake.land("trips", "id,start,price,city,note\n1,2013-01-05T10:00:00Z,10,Bonn,x\n")
    data_lake.declare("trips", columns=wide)
    assert data_lake.put("trips", TRIPS + FEBRUARY, "b.csv").rows == 1
    data_lake.declare("trips", columns=[*wide, {"name": "note", "logicalType": "string"}])
    data_lake.refresh("trips")
    assert ("x",) in data_lake.rows("silver.trips", "note")


def test_newer_conforming_code_makes_partitions_stale(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    monkeypatch.setattr(silver, "VERSION", silver.VERSION + 1)
    assert stale(data_lake) == {"2013-01": "conform version 1 became 2"}


def test_a_pinned_dataset_published_anew_makes_partitions_stale(data_lake: Any) -> None:
    data_lake.put("cities", "name,people\nBonn,1\n")
    data_lake.put("visits", "id,day,city\n1,2013-01-05,Bonn\n")
    data_lake.put("cities", "name,people\nBonn,2\n")
    assert stale(data_lake, "visits") == {"2013-01": "silver.cities was published anew"}


def test_a_dataset_that_is_only_reported_on_makes_nothing_stale(data_lake: Any) -> None:
    city = {"name": "city", "logicalType": "string", "relationships": [{"to": "cities.name"}]}
    day = {"name": "day", "logicalType": "date", "primaryKey": True}
    data_lake.declare("visits", columns=[{**day, "partitioned": True}, city])
    data_lake.put("cities", "name,people\nBonn,1\n")
    data_lake.put("visits", "day,city\n2013-01-05,Kiel\n")
    data_lake.put("cities", "name,people\nBonn,2\n")
    assert stale(data_lake, "visits") == {}
    assert data_lake.rows("silver.visits", "city") == [("Kiel",)]


def test_orphans_that_are_only_reported_are_told(data_lake: Any) -> None:
    city = {"name": "city", "logicalType": "string", "relationships": [{"to": "cities.name"}]}
    day = {"name": "day", "logicalType": "date", "primaryKey": True}
    data_lake.declare("visits", columns=[{**day, "partitioned": True}, city])
    data_lake.put("cities", "name,people\nBonn,1\n")
    result = data_lake.put("visits", "day,city\n2013-01-05,Kiel\n2013-01-06,Bonn\n")
    told = [(c.passed, c.severity, c.description) for c in result.checks() if "ref" in c.name]
    sentence = "city is in cities [2013-01]: 1 of 2 rows have no partner, for example Kiel"
    assert told == [(False, "warning", sentence)]


def test_a_file_in_the_landing_folder_is_an_arrival(data_lake: Any) -> None:
    data_lake.drop("trips", TRIPS)
    books = data_lake.lake.ledger.read()
    found = planning.arrivals(data_lake.lake, "trips", books)
    assert [file.url.rsplit("/", 1)[-1] for file in found] == ["a.csv"]


def test_a_file_that_changed_a_moment_ago_is_no_arrival_yet(data_lake: Any) -> None:
    data_lake.drop("trips", TRIPS)
    books = data_lake.lake.ledger.read()
    assert planning.arrivals(data_lake.lake, "trips", books, timedelta(hours=1)) == ()


def test_planning_writes_nothing(data_lake: Any) -> None:
    data_lake.land("trips", TRIPS + JANUARY)
    before = data_lake.snapshots()
    stale(data_lake)
    assert data_lake.snapshots() == before
