"""History: each full delivery closes the versions that it ends and opens those that it begins."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.conforming.history import BROKEN_KEYS, Versions, moments
from lakehouse.contract import Contract, History
from lakehouse.ledger import Delivery

CITIES = "name,people\n"
PATTERN = r"cities_(\d{4}-\d{2}-\d{2})\.csv"
Version = tuple[str, int, str, str | None]
"""Name, people, and the days from and to which they hold."""


@pytest.fixture
def dated(data_lake: Any) -> Any:
    """Cities whose files carry their day in their names."""
    data_lake.declare("cities", history={"pattern": PATTERN}, limit=0.6)
    return data_lake


def put(lake: Any, day: int, *rows: str) -> Any:
    """Delivers what holds from a day of January 2013 on."""
    text = CITIES + "".join(f"{row}\n" for row in rows)
    return lake.put("cities", text, f"cities_2013-01-{day:02}.csv")


def versions(lake: Any) -> list[Version]:
    """What readers see, by name and time; days of January stand as their numbers."""
    found = lake.rows("silver.cities", "name", "people", "valid_from", "valid_to")
    return sorted(
        (name, people, f"{start:%d}", f"{end:%d}" if end else None)
        for name, people, start, end in found
    )


def counts(lake: Any) -> dict[int, tuple[int, int, int, int]]:
    """Published, quarantined, duplicates and superseded of each delivery."""
    return {number: found for (_, number), found in lake.accounts("cities").items()}


def test_a_changed_row_is_closed_and_opened_and_an_unchanged_one_goes_on(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Kiel,2")
    put(dated, 5, "Bonn,4", "Kiel,2")
    assert versions(dated) == [
        ("Bonn", 3, "01", "05"),
        ("Bonn", 4, "05", None),
        ("Kiel", 2, "01", None),
    ]
    assert counts(dated) == {1: (2, 0, 0, 0), 2: (1, 0, 1, 0)}


def test_a_row_that_vanishes_is_closed_and_one_that_returns_is_opened_anew(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Kiel,2")
    put(dated, 5, "Bonn,3")
    put(dated, 9, "Bonn,3", "Kiel,2")
    assert versions(dated) == [
        ("Bonn", 3, "01", None),
        ("Kiel", 2, "01", "05"),
        ("Kiel", 2, "09", None),
    ]


def test_after_a_b_a_three_versions_are_there(dated: Any) -> None:
    for day, people in ((1, 3), (2, 4), (3, 3)):
        put(dated, day, f"Bonn,{people}")
    assert versions(dated) == [
        ("Bonn", 3, "01", "02"),
        ("Bonn", 3, "03", None),
        ("Bonn", 4, "02", "03"),
    ]


def test_deliveries_that_come_at_once_give_the_same_as_one_by_one(make_data_lake: Any) -> None:
    tables = []
    for at_once in (True, False):
        lake = make_data_lake()
        lake.declare("cities", history={"pattern": PATTERN}, limit=0.6)
        for day in (1, 2, 3, 4):
            lake.land(
                "cities", f"{CITIES}Bonn,{day // 2 + 1}\nKiel,{day}\n", f"cities_2013-01-0{day}.csv"
            )
            if not at_once:
                lake.refresh("cities")
        lake.refresh("cities")
        tables.append(lake.reader().load_table("silver.cities").scan().to_arrow())
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows == 7


def test_the_first_rows_hold_from_the_day_that_the_contract_says(data_lake: Any) -> None:
    data_lake.declare("cities", history={"pattern": PATTERN, "since": "2000-01-01"})
    put(data_lake, 7, "Bonn,3")
    put(data_lake, 9, "Bonn,4")
    found = data_lake.rows("silver.cities", "people", "valid_from")
    assert [(people, f"{start:%Y-%m-%d}") for people, start in found] == [
        (3, "2000-01-01"),
        (4, "2013-01-09"),
    ]


def test_without_a_pattern_rows_hold_from_their_landing_on(data_lake: Any) -> None:
    data_lake.declare("cities", history=True)
    for day in (2, 6):
        data_lake.at(f"2013-01-{day:02}T00:00:00Z")
        data_lake.put("cities", f"{CITIES}Bonn,{day}\n")
    assert versions(data_lake) == [("Bonn", 2, "02", "06"), ("Bonn", 6, "06", None)]


def test_a_clock_that_went_back_does_not_turn_deliveries_round(data_lake: Any) -> None:
    data_lake.declare("cities", history=True)
    for day in (6, 2, 9):
        data_lake.at(f"2013-01-{day:02}T00:00:00Z")
        data_lake.put("cities", f"{CITIES}Bonn,{day}\n")
    assert versions(data_lake) == [("Bonn", 2, "06", "09"), ("Bonn", 9, "09", None)]
    assert counts(data_lake)[1] == (0, 0, 0, 1)


def test_a_file_that_comes_late_takes_its_place_by_its_name(dated: Any) -> None:
    put(dated, 1, "Bonn,1")
    put(dated, 9, "Bonn,9")
    put(dated, 5, "Bonn,5")
    assert versions(dated) == [
        ("Bonn", 1, "01", "05"),
        ("Bonn", 5, "05", "09"),
        ("Bonn", 9, "09", None),
    ]


def test_a_corrected_file_of_the_same_day_takes_the_place_of_the_first(dated: Any) -> None:
    put(dated, 1, "Bonn,1")
    put(dated, 5, "Bonn,500", "Kiel,2")
    put(dated, 5, "Bonn,1", "Kiel,2")
    assert versions(dated) == [("Bonn", 1, "01", None), ("Kiel", 2, "05", None)]
    assert counts(dated) == {1: (1, 0, 0, 0), 2: (1, 0, 0, 1), 3: (0, 0, 2, 0)}


def test_a_broken_row_does_not_end_the_version_before(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Kiel,2")
    put(dated, 5, "Bonn,0", "Kiel,2")
    put(dated, 9, "Bonn,3", "Kiel,2")
    assert versions(dated) == [("Bonn", 3, "01", None), ("Kiel", 2, "01", None)]
    assert counts(dated) == {1: (2, 0, 0, 0), 2: (0, 1, 1, 0), 3: (0, 0, 2, 0)}


def test_a_broken_row_of_a_key_that_had_ended_opens_nothing(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Kiel,2")
    put(dated, 5, "Kiel,2")
    put(dated, 9, "Bonn,0", "Kiel,2")
    assert ("Bonn", 3, "01", "05") in versions(dated)
    assert len(versions(dated)) == 2


def test_of_equal_keys_in_a_file_the_last_holds(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Bonn,4")
    assert versions(dated) == [("Bonn", 4, "01", None)]
    assert counts(dated) == {1: (1, 0, 1, 0)}


def test_withdrawing_a_delivery_gives_the_history_without_it(dated: Any) -> None:
    put(dated, 1, "Bonn,1")
    put(dated, 5, "Bonn,5", "Kiel,2")
    put(dated, 9, "Bonn,1")
    dated.decide("withdrawn", 2)
    assert dated.state("cities").stale == {"all": "delivery 2 (cities_2013-01-05.csv) withdrawn"}
    dated.refresh("cities")
    assert versions(dated) == [("Bonn", 1, "01", None)]


def test_a_refused_delivery_does_not_count_until_it_is_accepted(dated: Any) -> None:
    put(dated, 1, "Bonn,1", "Kiel,1")
    assert len(put(dated, 5, "Bonn,0").refusals()) == 1
    put(dated, 9, "Bonn,9")
    assert versions(dated) == [
        ("Bonn", 1, "01", "09"),
        ("Bonn", 9, "09", None),
        ("Kiel", 1, "01", "09"),
    ]
    assert dated.state("cities").stale == {}
    dated.decide("accepted", 2)
    dated.refresh("cities")
    # Bonn's row is broken and goes on as it was, Kiel's is not there at all
    assert ("Kiel", 1, "01", "05") in versions(dated)
    assert ("Bonn", 1, "01", "09") in versions(dated)
    assert counts(dated)[2] == (0, 1, 0, 0)


def test_a_delivery_that_is_refused_beside_a_good_one_leaves_no_trace(dated: Any) -> None:
    for day, row in ((1, "Bonn,1"), (5, "Kiel,0"), (9, "Bonn,1")):
        dated.land("cities", f"{CITIES}{row}\n", f"cities_2013-01-0{day}.csv")
    assert len(dated.refresh("cities").refusals()) == 1
    assert versions(dated) == [("Bonn", 1, "01", None)]
    assert dated.state("cities").stale == {}


def test_a_file_without_rows_ends_nothing_before_it_is_accepted(dated: Any) -> None:
    put(dated, 1, "Bonn,1")
    told = dated.land("cities", CITIES, "cities_2013-01-05.csv").refusals()[0]
    assert "it has no rows, so every row that holds would cease to" in told
    dated.refresh("cities")
    assert versions(dated) == [("Bonn", 1, "01", None)]
    dated.decide("accepted", 2)
    dated.refresh("cities")
    assert versions(dated) == [("Bonn", 1, "01", "05")]


@pytest.mark.parametrize("name", ["cities.csv", "cities_2013-13-45.csv"])
def test_a_file_whose_name_tells_no_time_is_refused(dated: Any, name: str) -> None:
    put(dated, 1, "Bonn,1")
    told = dated.land("cities", CITIES + "Bonn,2\n", name).refusals()[0]
    assert f"delivery 2 ({name}) was refused: its name tells no time" in told
    dated.refresh("cities")
    assert versions(dated) == [("Bonn", 1, "01", None)]
    dated.decide("accepted", 2)
    dated.refresh("cities")
    landed = dated.rows("silver.cities", "people", "valid_from")[1]
    assert landed == (2, datetime(2014, 1, 1, tzinfo=UTC))


def test_a_changed_contract_makes_all_versions_anew(dated: Any) -> None:
    put(dated, 1, "Bonn,1", "Kiel,1")
    put(dated, 5, "Bonn,500", "Kiel,1")
    rule = [{"name": "small", "sql": "people < 100"}]
    dated.declare("cities", history={"pattern": PATTERN}, limit=0.6, rowRules=rule)
    dated.refresh("cities")
    assert versions(dated) == [("Bonn", 1, "01", None), ("Kiel", 1, "01", None)]


def test_a_unique_column_may_repeat_in_the_versions_of_a_row_and_nowhere_else(
    data_lake: Any,
) -> None:
    columns = [
        {"name": "name", "logicalType": "string", "primaryKey": True},
        {"name": "people", "logicalType": "integer"},
        {"name": "code", "logicalType": "string", "unique": True},
    ]
    data_lake.declare("cities", history={"pattern": PATTERN}, columns=columns)
    head = "name,people,code\n"
    for day in (1, 5):
        content = f"{head}Bonn,{day},BN\nKiel,1,\nKöln,1,\n"
        assert data_lake.put("cities", content, f"cities_2013-01-0{day}.csv").refusals() == ()
    assert data_lake.rows("silver.cities", "people", "code").count((5, "BN")) == 1
    twice = f"{head}Bonn,7,BN\nKiel,7,BN\n"
    assert len(data_lake.put("cities", twice, "cities_2013-01-09.csv").refusals()) == 1


def test_features_are_joined_as_of_their_time(dated: Any) -> None:
    put(dated, 1, "Bonn,3", "Kiel,2")
    put(dated, 5, "Bonn,4")
    cities = dated.reader().load_table("silver.cities").scan().to_arrow()
    with duckdb.connect() as connection:
        connection.register("cities", cities)
        connection.execute(
            "CREATE TABLE trips AS SELECT * FROM (VALUES "
            "(1, 'Bonn', TIMESTAMPTZ '2013-01-04 23:59:59+00'), "
            "(2, 'Bonn', TIMESTAMPTZ '2013-01-05 00:00:00+00'), "
            "(3, 'Kiel', TIMESTAMPTZ '2013-01-06 00:00:00+00'), "
            "(4, 'Bonn', TIMESTAMPTZ '2012-12-31 00:00:00+00')) t(id, city, start)"
        )
        found = connection.execute(
            "SELECT id, CASE WHEN start < coalesce(valid_to, 'infinity') THEN people END "
            "FROM trips t ASOF LEFT JOIN cities c ON t.city = c.name AND t.start >= c.valid_from "
            "ORDER BY id"
        ).fetchall()
        between = connection.execute(
            "SELECT id, people FROM trips t LEFT JOIN cities c ON t.city = c.name "
            "AND t.start >= c.valid_from AND (c.valid_to IS NULL OR t.start < c.valid_to) "
            "ORDER BY id"
        ).fetchall()
    assert found == between == [(1, 3), (2, 4), (3, None), (4, None)]


# --- against a plain model ----------------------------------------------------------------------

START = datetime(2013, 1, 1, tzinfo=UTC)
BROKEN = 0
contents = st.lists(st.tuples(st.sampled_from("abc"), st.integers(BROKEN, 2)), max_size=5)
sequences = st.lists(st.tuples(st.integers(0, 4), contents), min_size=1, max_size=6)
"""For each delivery its day and its rows; a value of 0 stands for a broken row."""
Rows = Sequence[tuple[str, int]]
Given = Sequence[tuple[int, Rows]]


def expected(found: Given, since: int | None) -> list[tuple[str, int, int, int | None]]:
    """The runs of days through which a key had one value, from the state after each day."""
    states: list[tuple[int, dict[str, int]]] = []
    state: dict[str, int] = {}
    for day, deliveries in groupby(sorted(found, key=lambda item: item[0]), lambda item: item[0]):
        for _, rows in deliveries:
            valid = {key: value for key, value in rows if value != BROKEN}
            broken = {key for key, value in rows if value == BROKEN}
            state = {k: v for k, v in state.items() if k in broken} | valid
        states.append((day, state))
    if since is not None:
        states[0] = (min(since, states[0][0]), states[0][1])
    made = []
    for key in "abc":
        values = [(state.get(key), day) for day, state in states]
        runs = groupby(values, lambda entry: entry[0])
        starts = [(value, next(entries)[1]) for value, entries in runs]
        ends = [day for _, day in starts[1:]] + [None]
        made += [
            (key, value, start, end)
            for (value, start), end in zip(starts, ends, strict=True)
            if value is not None
        ]
    return made


@pytest.fixture(scope="module")
def contract(make_data_lake: Any) -> Contract:
    """The contract of cities with history."""
    lake = make_data_lake()
    lake.declare("cities", history={"pattern": PATTERN})
    found: Contract = lake.lake.contract("cities")
    return found


def resolved(contract: Contract, found: Given, since: int | None) -> duckdb.DuckDBPyConnection:
    """The versions of staged rows."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE TABLE __valid (name VARCHAR, people BIGINT, __ok BOOLEAN, __label VARCHAR, "
        "__delivery BIGINT)"
    )
    connection.execute(
        "CREATE TABLE __losers (id BIGINT, __delivery BIGINT, __label VARCHAR, superseded BOOLEAN)"
    )
    history = History(
        since=None if since is None else (START + timedelta(since)).date(), pattern=PATTERN
    )
    made = Versions(connection, contract, history)
    deliveries = []
    for number, (day, rows) in enumerate(found, start=1):
        name = f"cities_{START + timedelta(day):%Y-%m-%d}.csv"
        deliveries.append(Delivery(number, "cities", "", "", 0, name, "", START))
        for key, value in rows:
            if value != BROKEN:
                connection.execute(
                    f"INSERT INTO __valid VALUES ('{key}', {value}, true, 'all', {number})"
                )
        broken = {key for key, value in rows if value == BROKEN}
        for key in broken:
            connection.execute(f"INSERT INTO {BROKEN_KEYS} VALUES ('{key}', {number})")
    made.resolve(deliveries)
    return connection


@settings(max_examples=150)
@given(sequences, st.none() | st.integers(-3, 3))
def test_versions_are_what_a_plain_model_says(
    contract: Contract, found: Given, since: int | None
) -> None:
    with resolved(contract, found, since) as connection:
        rows = connection.execute(
            "SELECT name, people, valid_from, valid_to FROM __valid ORDER BY ALL"
        ).fetchall()
        booked = connection.execute(
            "SELECT (SELECT count(*) FROM __valid), (SELECT count(*) FROM __losers), "
            "(SELECT count(DISTINCT id) FROM __losers)"
        ).fetchall()[0]
    told = [
        (name, people, (start - START).days, (end - START).days if end else None)
        for name, people, start, end in rows
    ]
    assert sorted(told, key=str) == sorted(expected(found, since), key=str)
    valid = sum(value != BROKEN for _, rows in found for _, value in rows)
    assert booked[0] + booked[1] == valid
    assert booked[1] == booked[2]


@settings(max_examples=100)
@given(sequences)
def test_versions_of_a_key_never_overlap_and_one_at_most_is_open(
    contract: Contract, found: Given
) -> None:
    with resolved(contract, found, None) as connection:
        wrong = connection.execute(
            "SELECT count(*) FILTER (valid_to <= valid_from), "
            "count(*) FILTER (after < coalesce(valid_to, 'infinity')), "
            "count(*) FILTER (valid_to IS NULL AND after IS NOT NULL) FROM ("
            "SELECT *, lead(valid_from) OVER (PARTITION BY name ORDER BY valid_from) AS after "
            "FROM __valid)"
        ).fetchall()
        openers = connection.execute(
            "SELECT count(*) FROM __valid JOIN __moments USING (__delivery) "
            "WHERE valid_from <> __at"
        ).fetchall()
    assert wrong == [(0, 0, 0)]
    assert openers == [(0,)]


def test_a_delivery_without_a_named_time_is_placed_by_its_landing() -> None:
    entries = [
        Delivery(1, "cities", "", "", 0, "cities_2013-01-09.csv", "", START),
        Delivery(2, "cities", "", "", 0, "cities.csv", "", START + timedelta(4)),
    ]
    found = moments(History(date(2000, 1, 1), PATTERN), entries)
    assert [(m.delivery, f"{m.at:%Y-%m-%d}") for m in found] == [
        (2, "2000-01-01"),
        (1, "2013-01-09"),
    ]
