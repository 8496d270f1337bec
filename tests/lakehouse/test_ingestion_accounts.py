"""Every row of every delivery is accounted for, and silver is what a plain model says."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LIMIT = 0.5
MONTHS = ("2013-01", "2013-02", "unassigned")

Row = tuple[int, str, int]
"""Id, month, price; 999 is too much."""

rows = st.tuples(st.integers(0, 2), st.sampled_from(MONTHS), st.sampled_from((1, 2, 3, 4, 999)))
deliveries = st.lists(st.lists(rows, max_size=7), min_size=1, max_size=4)


def text(delivery: Sequence[Row]) -> str:
    days = {month: f"{month}-05T10:00:00Z" for month in MONTHS} | {"unassigned": "never"}
    return "id,start,price,city\n" + "".join(f"{i},{days[m]},{p},Bonn\n" for i, m, p in delivery)


def is_valid(row: Row) -> bool:
    return row[1] != "unassigned" and row[2] != 999


def expected(given: Sequence[Sequence[Row]]) -> list[Row]:
    """The last delivered valid version of each key, without deliveries that are too broken."""
    shown: dict[tuple[int, str], int] = {}
    for delivery in given:
        if sum(not is_valid(row) for row in delivery) <= LIMIT * len(delivery):
            shown |= {(i, m): p for i, m, p in filter(is_valid, delivery)}
    return sorted((i, m, p) for (i, m), p in shown.items())


def booked(lake: Any) -> dict[int, int]:
    """Rows by delivery: published, quarantined, duplicates, superseded and refused."""
    found: Counter[int] = Counter()
    for (_, delivery), counts in lake.accounts("trips").items():
        found[delivery] += sum(counts)
    for decision in lake.state("trips").refused:
        found[decision.delivery] += decision.rows
    return found


@settings(max_examples=8)
@given(deliveries, st.booleans())
def test_no_row_is_lost_and_none_is_made_up(
    make_data_lake: Any,
    given: list[list[Row]],
    one_by_one: bool,
) -> None:
    lake = make_data_lake("trips")
    lake.declare("trips", limit=LIMIT)
    for number, delivery in enumerate(given):
        lake.land("trips", text(delivery), f"{number}.csv")
        if one_by_one:
            lake.refresh("trips")
    lake.refresh("trips")
    found = lake.rows("silver.trips", "id", "start", "price")
    assert sorted((i, f"{s:%Y-%m}", int(p)) for i, s, p in found) == expected(given)
    assert all(booked(lake)[n] == len(delivery) for n, delivery in enumerate(given, start=1))
    assert lake.state("trips").stale == {}


def test_a_delivery_is_accounted_for_by_partition(data_lake: Any) -> None:
    given: list[Row] = [
        (1, "2013-01", 1),
        (1, "2013-01", 2),
        (2, "2013-02", 1),
        (2, "2013-01", 999),
        (0, "unassigned", 1),
    ]
    data_lake.put("trips", text(given))
    data_lake.put("trips", text([(2, "2013-02", 3)]), "b.csv")
    accounts = defaultdict(dict)
    for (partition, delivery), counts in data_lake.accounts("trips").items():
        accounts[delivery][partition] = counts
    assert accounts == {
        1: {
            "2013-01": (1, 1, 1, 0),
            "2013-02": (0, 0, 0, 1),
            "unassigned": (0, 1, 0, 0),
        },
        2: {"2013-02": (1, 0, 0, 0)},
    }


@pytest.mark.parametrize("place", [0, 2, 3], ids=["key", "price", "city"])
def test_a_line_that_is_no_text_is_accounted_for(data_lake: Any, place: int) -> None:
    """Also where the bytes are in no column that tells the partition, and the file has others."""
    cells = [b"3", b"2013-01-05T10:00:00Z", b"7", b"Bonn"]
    cells[place] = b"K\xf6ln"
    good = text([(1, "2013-01", 1), (2, "2013-02", 1)]).encode()
    data_lake.put("trips", good + b",".join(cells) + b"\n")
    assert booked(data_lake) == {1: 3}
    assert data_lake.rows("quarantine.trips", "partition") == [("unassigned",)]
    assert data_lake.state("trips").stale == {}


def test_a_refused_delivery_is_booked_as_refused(data_lake: Any) -> None:
    data_lake.put("trips", text([(1, "2013-01", 999), (2, "2013-02", 999), (3, "2013-01", 1)]))
    assert booked(data_lake) == {1: 3}
    assert data_lake.accounts("trips") == {}


def test_rows_of_a_refused_partition_are_booked_as_refused(data_lake: Any) -> None:
    data_lake.put("trips", text([(1, "2013-01", 1), (2, "2013-02", 999)]))
    assert booked(data_lake) == {1: 2}
    assert data_lake.accounts("trips") == {("2013-01", 1): (1, 0, 0, 0)}
