"""Which partition a row belongs to, what breaks it, and what the quarantine keeps of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pytest

from lakehouse.contract.partition import Granularity, Partition
from lakehouse.inspecting import inspect

TRIPS = "id,start,price,city\n"
GOOD = "1,2013-01-05T10:00:00Z,10,Bonn\n"


def months(lake: Any) -> dict[str, int]:
    return {name: held.rows for name, held in lake.state("trips").held.items()}


def broken(lake: Any, *columns: str) -> list[Any]:
    rows = lake.rows("quarantine.trips", *columns)
    return [row[0] for row in rows] if len(columns) == 1 else rows


def test_a_row_of_another_month_goes_to_its_own_month(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD + "2,2013-03-01T00:00:00Z,10,Bonn\n", "2013-01.csv")
    assert months(data_lake) == {"2013-01": 1, "2013-03": 1}


def test_the_name_of_a_file_decides_nothing(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD, "year=2014/month=7/trips_2014-07.csv")
    assert months(data_lake) == {"2013-01": 1}


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("2013-01-31T23:59:59Z", "2013-01"),
        ("2013-02-01T00:00:00Z", "2013-02"),
        ("2013-01-31T23:59:59-05:00", "2013-02"),
        ("2013-02-01T00:30:00+01:00", "2013-01"),
    ],
)
def test_a_timestamp_is_cut_by_its_utc_month(data_lake: Any, written: str, month: str) -> None:
    data_lake.put("trips", f"{TRIPS}1,{written},10,Bonn\n")
    assert months(data_lake) == {month: 1}


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("2013-02-01T04:59:59Z", "2013-01"),
        ("2013-02-01T05:00:00Z", "2013-02"),
        ("2013-07-01T03:59:59Z", "2013-06"),
        ("2013-07-01T04:00:00Z", "2013-07"),
    ],
)
def test_a_local_date_is_cut_by_the_local_month(data_lake: Any, written: str, month: str) -> None:
    data_lake.put("readings", f"station,time,temp\nA,{written},1\n")
    assert list(data_lake.state("readings").held) == [month]


@pytest.mark.parametrize("start", ["", "never", "2012-12-31T23:00:00Z"])
def test_a_row_whose_partition_cannot_be_told_is_unassigned(data_lake: Any, start: str) -> None:
    data_lake.put("trips", TRIPS + GOOD + f"2,{start},10,Bonn\n")
    assert broken(data_lake, "partition") == ["unassigned"]


def test_a_row_before_the_first_partition_says_so(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD + "2,2012-12-31T23:00:00Z,10,Bonn\n")
    assert broken(data_lake, "rules") == [["start not before 2013-01-01"]]


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize(
    "start", ["9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z", "20133-01-05T10:00:00Z"]
)
def test_a_row_after_the_last_partition_says_so_and_stops_nothing(
    data_lake: Any, start: str, short: bool
) -> None:
    twice = "" if short else GOOD
    data_lake.put("trips", TRIPS + GOOD + twice + f"2,{start},10,Bonn\n")
    data_lake.put("trips", TRIPS + "3,9999-11-30T23:59:59Z,10,Bonn\n", "b.csv")
    assert broken(data_lake, "partition", "rules") == [("unassigned", ["start before 9999-12-01"])]
    assert months(data_lake) == {"2013-01": 1, "9999-11": 1, "unassigned": 0}
    assert data_lake.plan().steps == ()


@pytest.mark.parametrize(
    ("granularity", "last", "late"),
    [
        ("day", "9999-12-30", "9999-12-31"),
        ("month", "9999-11-30", "9999-12-01"),
        ("year", "9998-12-31", "9999-01-01"),
    ],
)
def test_the_last_partition_is_the_last_that_ends(
    granularity: Granularity, last: str, late: str
) -> None:
    cut = Partition("day", granularity, date(2013, 1, 1))
    with duckdb.connect() as connection:
        labels = [
            connection.execute(f"SELECT {cut.label} FROM (SELECT DATE '{day}' AS day)").fetchall()
            for day in (last, late, "20133-01-01")
        ]
    told, *none = (found[0][0] for found in labels)
    assert cut.bounds(cut.name(told))[1] == date.fromisoformat(late)
    assert none == [None, None]


@pytest.mark.parametrize("name", ["9999-12", "20133-01-01"])
def test_a_lake_that_knows_of_a_later_partition_goes_on(data_lake: Any, name: str) -> None:
    data_lake.land("trips", TRIPS + GOOD + "2,9999-12-31T10:00:00Z,10,Bonn\n")
    lake = data_lake.lake
    for one in inspect(lake, lake.contract("trips"), lake.ledger.read().deliveries):
        told = name if one.partition == "unassigned" else one.partition
        lake.ledger.append([replace(one, partition=told)])
    data_lake.refresh("trips")
    assert broken(data_lake, "partition", "rules") == [("unassigned", ["start before 9999-12-01"])]
    assert months(data_lake) == {"2013-01": 1, "unassigned": 0}


def test_unassigned_rows_are_kept_once_per_delivery(data_lake: Any) -> None:
    lost = "2,never,10,Bonn\n"
    data_lake.put("trips", TRIPS + GOOD + lost, "a.csv")
    data_lake.put("trips", TRIPS + GOOD + lost + "3,2013-02-05T10:00:00Z,1,\n", "b.csv")
    data_lake.put("trips", TRIPS + "4,2013-02-06T10:00:00Z,1,\n", "c.csv")
    assert broken(data_lake, "delivery", "partition") == [(1, "unassigned"), (2, "unassigned")]


def test_unassigned_rows_leave_with_their_delivery(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD + "2,never,10,Bonn\n")
    data_lake.decide("withdrawn", 1)
    data_lake.refresh("trips")
    assert broken(data_lake, "delivery") == []


def test_a_delivery_of_unassigned_rows_alone_is_accounted_for(data_lake: Any) -> None:
    data_lake.declare("trips", limit=1)
    data_lake.put("trips", TRIPS + "2,never,10,Bonn\n")
    assert data_lake.accounts("trips") == {("unassigned", 1): (0, 1, 0, 0)}
    assert data_lake.state("trips").stale == {}


def test_the_quarantine_names_all_that_a_row_broke(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD + ",2013-01-06T10:00:00Z,-3,Bonn\n")
    assert broken(data_lake, "rules") == [["id is required", "price between 0 and 500"]]


def test_the_quarantine_keeps_line_offset_and_text(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + GOOD + "2,2013-01-06T10:00:00Z,999,Köln\n")
    assert broken(data_lake, "line", "byte_offset", "raw", "partition", "source_key") == [
        (3, len(TRIPS + GOOD), "2,2013-01-06T10:00:00Z,999,Köln", "2013-01", "a.csv")
    ]


def test_the_quarantine_keeps_contract_version_and_run(data_lake: Any) -> None:
    data_lake.declare("trips", version="3.1.4")
    data_lake.put("trips", TRIPS + GOOD + "2,2013-01-06T10:00:00Z,999,\n")
    assert broken(data_lake, "dataset", "contract_version", "run") == [("trips", "3.1.4", "test")]


def test_an_empty_cell_of_an_optional_column_is_null(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + "1,2013-01-05T10:00:00Z,,\n")
    assert data_lake.rows("silver.trips", "price", "city") == [(None, None)]


def test_a_row_rule_that_cannot_be_decided_is_kept(data_lake: Any) -> None:
    data_lake.declare("trips", rowRules=[{"name": "city pays", "sql": "price > 5 OR city = 'X'"}])
    data_lake.put("trips", TRIPS + GOOD + "2,2013-01-05T10:00:00Z,,Bonn\n")
    assert broken(data_lake, "rules") == []


def test_a_broken_row_rule_is_named(data_lake: Any) -> None:
    data_lake.declare("trips", rowRules=[{"name": "Bonn pays", "sql": "price > 5"}])
    data_lake.put("trips", TRIPS + GOOD + "2,2013-01-05T10:00:00Z,5,Bonn\n")
    assert broken(data_lake, "rules") == [["Bonn pays"]]


@pytest.fixture
def visit(data_lake: Any) -> Callable[[str], None]:
    """Lands a visit of each city named, where cities knows Bonn alone."""
    data_lake.put("cities", "name,people\nBonn,1\n")

    def put(*cities: str) -> None:
        lines = (f"{n},2013-01-05,{city}\n" for n, city in enumerate(cities))
        data_lake.put("visits", "id,day,city\n" + "".join(lines))

    return put


def test_an_orphan_is_quarantined_where_the_contract_says_so(data_lake: Any, visit: Any) -> None:
    visit("Bonn", "Kiel")
    assert data_lake.rows("silver.visits", "city") == [("Bonn",)]
    assert data_lake.rows("quarantine.visits", "rules") == [(["city is in cities"],)]


def test_a_reference_without_a_value_has_no_partner_to_miss(data_lake: Any, visit: Any) -> None:
    visit("Bonn", "")
    assert data_lake.rows("silver.visits", "city") == [("Bonn",), (None,)]


def test_a_partner_without_a_value_is_no_partner(data_lake: Any) -> None:
    orphans = {"property": "orphans", "value": "quarantine"}
    column = {"name": "people", "logicalType": "integer"}
    column["relationships"] = [{"to": "cities.people", "customProperties": [orphans]}]
    day = {"name": "day", "logicalType": "date", "primaryKey": True, "partitioned": True}
    data_lake.declare("visits", columns=[day, column])
    data_lake.put("cities", "name,people\nBonn,1\nKiel,\n")
    data_lake.put("visits", "day,people\n2013-01-05,1\n2013-01-06,2\n")
    assert data_lake.rows("silver.visits", "people") == [(1,)]


def test_a_partner_that_comes_later_rescues_its_orphans(data_lake: Any, visit: Any) -> None:
    visit("Bonn", "Kiel")
    data_lake.put("cities", "name,people\nBonn,1\nKiel,2\n")
    data_lake.refresh("visits")
    assert data_lake.rows("silver.visits", "city") == [("Bonn",), ("Kiel",)]
    assert data_lake.rows("quarantine.visits") == []


def test_a_dataset_waits_for_the_one_that_it_is_pinned_to(data_lake: Any) -> None:
    data_lake.put("visits", "id,day,city\n1,2013-01-05,Bonn\n")
    assert data_lake.state("visits").waits == ("cities",)
    assert data_lake.rows("silver.visits") == []


def test_the_last_of_equal_keys_wins_in_a_large_file_too(data_lake: Any) -> None:
    # so large that DuckDB reads its parts in parallel
    filler = "x" * 200
    lines = (f"{n},2013-01-05T10:00:00Z,{k},{filler}\n" for k in (1, 2) for n in range(60_000))
    data_lake.put("trips", TRIPS + "".join(lines))
    table = data_lake.reader().load_table("silver.trips").scan().to_arrow()
    assert table["price"].unique().to_pylist() == [2]
    assert table["id"].to_pylist() == list(range(60_000))


def test_an_object_that_is_delivered_twice_counts_twice(data_lake: Any) -> None:
    data_lake.land("trips", TRIPS + GOOD, "a.csv")
    data_lake.put("trips", TRIPS + GOOD, "b.csv")
    assert data_lake.accounts("trips") == {
        ("2013-01", 1): (0, 0, 0, 1),
        ("2013-01", 2): (1, 0, 0, 0),
    }


def test_equal_input_gives_equal_rows_in_equal_order(make_data_lake: Any) -> None:
    content = TRIPS + "".join(
        f"{n % 17},2013-01-{1 + n % 28:02}T10:00:00Z,{'x' if n % 13 == 0 else n},Bonn\n"
        for n in range(200)
    )
    tables = []
    for _ in range(2):
        lake = make_data_lake("trips")
        lake.put("trips", content)
        tables.append(lake.reader().load_table("silver.trips").scan().to_arrow())
    assert tables[0].equals(tables[1])
