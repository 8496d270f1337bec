"""Rows that come late, again or in another file: where they go, and which version is shown."""

from collections.abc import Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

TRIPS = "id,start,price,city\n"
READINGS = "station,time,temp\n"
MONTHS = ("2013-01", "2013-02")


def trip(number: int, month: str, price: object = 1) -> str:
    return f"{number},{month}-05T10:00:00Z,{price},Bonn\n"


def reading(station: str, month: str, temp: object = 1) -> str:
    return f"{station},{month}-05T12:00:00Z,{temp}\n"


def prices(lake: Any) -> list[tuple[int, str, float]]:
    rows = lake.rows("silver.trips", "id", "start", "price")
    return sorted((number, f"{start:%Y-%m}", price) for number, start, price in rows)


def temperatures(lake: Any) -> list[tuple[str, str, float]]:
    rows = lake.rows("silver.readings", "station", "time", "temp")
    return sorted((station, f"{time:%Y-%m}", temp) for station, time, temp in rows)


def test_a_late_row_lands_in_its_own_month_and_touches_no_other(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, "2013-01") + trip(2, "2013-02"), "2013-01.csv")
    result = data_lake.put("trips", TRIPS + trip(3, "2013-01") + trip(4, "2013-03"), "2013-03.csv")
    assert [outcome.name for outcome in result.outcomes] == ["2013-01", "2013-03"]
    assert [row[:2] for row in prices(data_lake)] == [
        (1, "2013-01"),
        (2, "2013-02"),
        (3, "2013-01"),
        (4, "2013-03"),
    ]


def test_a_late_version_of_a_key_wins_in_its_own_month(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, "2013-01", 10), "2013-01.csv")
    data_lake.put("trips", TRIPS + trip(1, "2013-01", 20) + trip(2, "2013-02"), "2013-02.csv")
    assert prices(data_lake) == [(1, "2013-01", 20), (2, "2013-02", 1)]


def test_a_late_row_leaves_when_the_next_version_of_its_file_lacks_it(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", "2013-01"), "2013-01.csv")
    stray = READINGS + reading("B", "2013-01") + reading("A", "2013-02")
    data_lake.put("readings", stray, "2013-02.csv")
    assert len(temperatures(data_lake)) == 3
    data_lake.put("readings", READINGS + reading("A", "2013-02"), "2013-02.csv")
    assert temperatures(data_lake) == [("A", "2013-01", 1), ("A", "2013-02", 1)]


def test_after_a_b_a_the_last_a_is_published_under_incremental(data_lake: Any) -> None:
    a, b = TRIPS + trip(1, "2013-01", 10), TRIPS + trip(1, "2013-01", 20)
    for content in (a, b, a):
        data_lake.put("trips", content)
    assert prices(data_lake) == [(1, "2013-01", 10)]
    assert data_lake.accounts("trips") == {
        ("2013-01", 1): (0, 0, 0, 1),
        ("2013-01", 2): (0, 0, 0, 1),
        ("2013-01", 3): (1, 0, 0, 0),
    }


def test_after_a_b_a_the_last_a_is_the_whole_table_under_full(data_lake: Any) -> None:
    for people in (1, 2, 1):
        data_lake.put("cities", f"name,people\nBonn,{people}\n")
    assert data_lake.rows("silver.cities") == [("Bonn", 1)]
    assert list(data_lake.accounts("cities")) == [("all", 3)]


def test_of_two_files_with_a_key_the_one_delivered_last_wins(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", "2013-01", 1), "b.csv")
    data_lake.put("readings", READINGS + reading("A", "2013-01", 2), "a.csv")
    assert temperatures(data_lake) == [("A", "2013-01", 2)]


def test_a_file_that_is_delivered_again_comes_after_the_others(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", "2013-01", 1), "b.csv")
    data_lake.put("readings", READINGS + reading("A", "2013-01", 2), "a.csv")
    data_lake.put("readings", READINGS + reading("A", "2013-01", 3), "b.csv")
    assert temperatures(data_lake) == [("A", "2013-01", 3)]
    assert data_lake.accounts("readings") == {
        ("2013-01", 2): (0, 0, 0, 1),
        ("2013-01", 3): (1, 0, 0, 0),
    }


def test_a_broken_version_in_another_file_does_not_displace_a_valid_one(data_lake: Any) -> None:
    data_lake.declare("readings", limit=1)
    data_lake.put("readings", READINGS + reading("A", "2013-01", 1), "a.csv")
    data_lake.put("readings", READINGS + reading("A", "2013-01", "warm"), "b.csv")
    assert temperatures(data_lake) == [("A", "2013-01", 1)]
    assert data_lake.rows("quarantine.readings", "delivery") == [(2,)]


def test_unassigned_rows_leave_with_the_version_of_their_file(data_lake: Any) -> None:
    never = "B,never,1\n"
    data_lake.put("readings", READINGS + reading("A", "2013-01") + never)
    assert data_lake.rows("quarantine.readings", "partition") == [("unassigned",)]
    data_lake.put("readings", READINGS + reading("A", "2013-01", 2))
    assert data_lake.rows("quarantine.readings") == []


def test_unassigned_rows_of_a_refused_delivery_are_not_kept(data_lake: Any) -> None:
    data_lake.declare("trips", limit=0.1)
    data_lake.put("trips", TRIPS + trip(1, "2013-01") + "2,never,1,\n")
    assert data_lake.rows("quarantine.trips") == []
    data_lake.decide("accepted", 1)
    data_lake.refresh("trips")
    assert data_lake.rows("quarantine.trips", "partition") == [("unassigned",)]


def test_withdrawing_a_stray_row_brings_the_version_before_it_back(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, "2013-01", 10), "2013-01.csv")
    data_lake.put("trips", TRIPS + trip(1, "2013-01", 20) + trip(2, "2013-02"), "2013-02.csv")
    data_lake.decide("withdrawn", 2)
    data_lake.refresh("trips")
    assert prices(data_lake) == [(1, "2013-01", 10)]


files = st.tuples(
    st.sampled_from(("a.csv", "b.csv")),
    st.lists(
        st.tuples(st.sampled_from("XY"), st.sampled_from(MONTHS), st.integers(0, 3)), max_size=4
    ),
)
"""A file's name and its rows; a temperature of 0 stands for a broken row."""
Rows = Sequence[tuple[str, str, int]]
Given = Sequence[tuple[str, Rows]]


class Model:
    """What a month shows: of the last version of each file, in order, the last valid of a key.

    A month without a valid row is refused: what is new to it is set aside, and the versions before
    take its place. The exception is a month that a file left for others.
    """

    def __init__(self) -> None:
        self.known: list[tuple[str, Rows]] = []
        self.refused: set[tuple[int, str]] = set()
        self.seen: dict[str, set[int]] = {month: set() for month in MONTHS}
        self.shown: dict[str, dict[str, int]] = {month: {} for month in MONTHS}

    def deliver(self, name: str, rows: Rows) -> None:
        before = [known for known in self.known if known[0] == name]
        if not before or before[-1][1] != rows:  # the same content again is no delivery
            self.known.append((name, rows))

    def settle(self) -> None:
        for month in MONTHS:
            while self._judge(month):
                pass

    def _judge(self, month: str) -> bool:
        """Shows or refuses what is new to a month; returns whether there may be more."""
        line = {n: i for i, (n, _) in enumerate(self.known) if (i, month) not in self.refused}
        want = {i for i in line.values() if any(m == month for _, m, _ in self.known[i][1])}
        gone = self.seen[month] - want
        new = (want - self.seen[month]) | {line[self.known[i][0]] for i in gone}
        if not new:
            return False
        rows: dict[str, int] = {}
        for i in sorted(want):
            rows |= {s: temp for s, m, temp in self.known[i][1] if m == month and temp}
        moved = not want and all(self.known[i][1] for i in new)
        if rows or moved:
            self.seen[month], self.shown[month] = want, rows
            return False
        self.refused |= {(i, month) for i in new}
        return True

    def rows(self) -> list[tuple[str, str, float]]:
        found = [(s, month, float(t)) for month in MONTHS for s, t in self.shown[month].items()]
        return sorted(found)


@settings(max_examples=12)
@given(st.lists(files, min_size=1, max_size=6), st.booleans())
@example([("a.csv", [("X", "2013-01", 1)]), ("a.csv", [("X", "2013-01", 0)])], True)
@example([("a.csv", [("X", "2013-01", 1)]), ("a.csv", [("X", "2013-01", 0)])], False)
@example([("a.csv", [("X", "2013-01", 1)]), ("a.csv", [])], True)
@example([("a.csv", [("X", "2013-01", 1)]), ("a.csv", [("X", "2013-02", 1)])], True)
def test_replaced_files_show_what_a_plain_model_says(
    make_data_lake: Any, found: Given, one_by_one: bool
) -> None:
    lake, model = make_data_lake("readings"), Model()
    lake.declare("readings", limit=1)
    for name, rows in found:
        lines = (reading(s, month, temp or "broken") for s, month, temp in rows)
        lake.land("readings", READINGS + "".join(lines), name)
        model.deliver(name, rows)
        if one_by_one:
            lake.refresh("readings")
            model.settle()
            assert temperatures(lake) == model.rows()
    lake.refresh("readings")
    model.settle()
    assert temperatures(lake) == model.rows()
    assert lake.state("readings").stale == {}
