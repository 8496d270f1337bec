"""Refusal: readers keep what they have, later deliveries go on, a person or a change decides."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from lakehouse import landing

TRIPS = "id,start,price,city\n"
CLEAN = "".join(f"{n},2013-01-05T10:00:00Z,{n},Bonn\n" for n in range(20))
CHEAP = {
    "metric": "rowCount",
    "mustBeGreaterOrEqualTo": 2,
    "severity": "error",
    "description": "A month has at least two trips.",
}


def dirty(broken: int, month: str = "2013-01", first: int = 100) -> str:
    """Twenty trips of which some cost too much."""
    return TRIPS + "".join(
        f"{first + n},{month}-06T10:00:00Z,{999 if n < broken else 5},Bonn\n" for n in range(20)
    )


@pytest.fixture
def strict(data_lake: Any) -> Any:
    """Trips with the usual limit of 5 % and twenty of them published."""
    data_lake.declare("trips", limit=0.05)
    data_lake.put("trips", TRIPS + CLEAN, "good.csv")
    return data_lake


def count(lake: Any) -> int:
    return len(lake.rows("silver.trips"))


def test_a_delivery_at_the_limit_is_published(strict: Any) -> None:
    strict.put("trips", dirty(1), "dirty.csv")
    assert count(strict) == 39


def test_nothing_of_a_delivery_over_the_limit_is_published(strict: Any) -> None:
    before = strict.snapshots()
    result = strict.put("trips", dirty(2), "dirty.csv")
    after = strict.snapshots()
    assert after["silver.trips"] == before["silver.trips"]
    assert after["quarantine.trips"] == before["quarantine.trips"]
    assert len(result.refusals()) == 1


def test_a_refusal_says_what_why_the_state_and_what_next(
    strict: Any, golden: Callable[[str, str], None]
) -> None:
    result = strict.put("trips", dirty(2), "dirty.csv")
    golden("errors/refused_delivery.txt", settled(result))


def test_a_refused_delivery_is_not_tried_again(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    before = strict.snapshots()
    assert strict.refresh("trips").summary() == "silver/trips: up to date"
    assert strict.snapshots() == before


def test_later_deliveries_pass_a_refused_one(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.put("trips", dirty(0, first=200), "later.csv")
    assert count(strict) == 40


def test_a_good_delivery_of_the_same_run_is_published(strict: Any) -> None:
    strict.land("trips", dirty(2), "dirty.csv")
    result = strict.put("trips", dirty(0, first=200), "later.csv")
    assert count(strict) == 40
    assert len(result.refusals()) == 1


def test_a_good_month_of_a_refused_delivery_is_not_published(strict: Any) -> None:
    month = dirty(0, "2013-02", 200).removeprefix(TRIPS)
    strict.put("trips", dirty(9) + month, "dirty.csv")
    assert count(strict) == 20


def test_an_accepted_delivery_is_published_with_its_quarantine(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.decide("accepted", 2)
    strict.refresh("trips")
    assert (count(strict), len(strict.rows("quarantine.trips"))) == (38, 2)


def test_a_replayed_delivery_is_judged_again(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    landing.replay(strict.lake, "trips", by="ada")
    assert len(strict.refresh("trips").refusals()) == 1
    assert count(strict) == 20


def test_a_loosened_limit_admits_a_refused_delivery(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.declare("trips", limit=0.2)
    strict.refresh("trips")
    assert count(strict) == 38


def test_a_withdrawn_refusal_is_gone_for_good(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.decide("withdrawn", 2)
    strict.declare("trips", limit=1)
    strict.refresh("trips")
    assert count(strict) == 20


def test_a_corrected_file_of_the_same_name_is_published(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.put("trips", dirty(0), "dirty.csv")
    assert count(strict) == 40


def test_a_refused_version_leaves_the_one_before_under_replace(data_lake: Any) -> None:
    data_lake.declare("readings", limit=0)
    data_lake.put("readings", "station,time,temp\nA,2013-01-05T12:00:00Z,1\n")
    data_lake.put("readings", "station,time,temp\nA,2013-01-05T12:00:00Z,x\n")
    assert data_lake.rows("silver.readings", "temp") == [(1,)]
    assert data_lake.state("readings").stale == {}


def test_a_refused_full_file_leaves_the_one_before(data_lake: Any) -> None:
    data_lake.declare("cities", limit=0)
    data_lake.put("cities", "name,people\nBonn,1\n")
    data_lake.put("cities", "name,people\nBonn,2\nKiel,0\n")
    assert data_lake.rows("silver.cities") == [("Bonn", 1)]


def test_an_accepted_delivery_stays_published_under_a_stricter_contract(strict: Any) -> None:
    strict.put("trips", dirty(2), "dirty.csv")
    strict.decide("accepted", 2)
    strict.declare("trips", limit=0)
    strict.refresh("trips")
    assert count(strict) == 38


def test_what_readers_see_outlives_a_contract_that_would_refuse_it(strict: Any) -> None:
    strict.put("trips", dirty(1), "dirty.csv")
    strict.declare("trips", limit=0)
    result = strict.refresh("trips")
    assert len(result.refusals()) == 1
    assert count(strict) == 39
    assert strict.state("trips").stale == {}


@pytest.fixture
def judged(data_lake: Any) -> Any:
    """Trips of which a month needs two rows, with two published in January."""
    data_lake.declare("trips", quality=[CHEAP])
    data_lake.put("trips", TRIPS + CLEAN.replace(",3,Bonn", ",4,Bonn"), "good.csv")
    return data_lake


def test_a_failed_expectation_refuses_its_partition_alone(judged: Any) -> None:
    february = "1,2013-02-05T10:00:00Z,5,Bonn\n"
    march = "1,2013-03-05T10:00:00Z,5,Bonn\n2,2013-03-05T10:00:00Z,5,Bonn\n"
    result = judged.put("trips", TRIPS + february + march, "new.csv")
    assert [(o.name, o.published) for o in result.outcomes] == [
        ("2013-02", False),
        ("2013-03", True),
    ]
    assert sorted(judged.state("trips").held) == ["2013-01", "2013-03"]


def test_a_failed_expectation_says_what_why_the_state_and_what_next(
    judged: Any, golden: Callable[[str, str], None]
) -> None:
    result = judged.put("trips", TRIPS + "1,2013-02-05T10:00:00Z,5,Bonn\n", "new.csv")
    golden("errors/refused_partition.txt", settled(result))


def test_deliveries_set_aside_do_not_block_later_ones(judged: Any) -> None:
    judged.put("trips", TRIPS + "1,2013-02-05T10:00:00Z,5,Bonn\n", "thin.csv")
    judged.put("trips", dirty(0, "2013-02"), "thick.csv")
    assert judged.state("trips").held["2013-02"].rows == 20


def test_deliveries_set_aside_are_not_tried_again(judged: Any) -> None:
    judged.put("trips", TRIPS + "1,2013-02-05T10:00:00Z,5,Bonn\n", "thin.csv")
    assert judged.refresh("trips").summary() == "silver/trips: up to date"


def test_accepting_publishes_a_partition_in_spite_of_the_audit(judged: Any) -> None:
    judged.put("trips", TRIPS + "1,2013-02-05T10:00:00Z,5,Bonn\n", "thin.csv")
    judged.decide("accepted", 2)
    judged.refresh("trips")
    assert judged.state("trips").held["2013-02"].rows == 1


def test_a_failed_warning_publishes(data_lake: Any) -> None:
    data_lake.declare("trips", quality=[{**CHEAP, "severity": "warning"}])
    result = data_lake.put("trips", TRIPS + "1,2013-02-05T10:00:00Z,5,Bonn\n")
    assert [check.name for check in result.checks() if not check.passed] != []
    assert count(data_lake) == 1


def test_a_stricter_expectation_leaves_what_readers_see(judged: Any) -> None:
    judged.declare("trips", quality=[{**CHEAP, "mustBeGreaterOrEqualTo": 50}])
    assert "was not published" in judged.refresh("trips").refusals()[0]
    assert count(judged) == 20
    assert judged.state("trips").stale == {}


UNREADABLE = {
    "missing column": "id,start,price\n1,2013-01-05T10:00:00Z,1\n",
    "unknown column": "id,start,price,city,note\n1,2013-01-05T10:00:00Z,1,Bonn,x\n",
    "misspelt column": "id,start,prize,city\n1,2013-01-05T10:00:00Z,1,Bonn\n",
    "column named twice": "id,start,price,city,city\n1,2013-01-05T10:00:00Z,1,Bonn,Bonn\n",
    "no header": "1,2013-01-05T10:00:00Z,1,Bonn\n",
    "empty file": "",
    "empty first line": "\nid,start,price,city\n",
    "another delimiter": "id;start;price;city\n",
    "carriage returns alone": "id,start,price,city\r1,2013-01-05T10:00:00Z,1,Bonn\r",
    "no text at all": "\x00\x01\x1b[2J" + "\x02,," * 200_000,
}


def test_an_unreadable_file_says_why(data_lake: Any, golden: Callable[[str, str], None]) -> None:
    told = []
    for name, content in UNREADABLE.items():
        refused = data_lake.land("trips", content, f"{name.replace(' ', '_')}.csv").refusals()
        told.append(f"# {name}\n{refused[0]}\n")
    golden("errors/unreadable_files.txt", "\n".join(told))


def test_an_unreadable_file_does_not_block_a_later_one(data_lake: Any) -> None:
    data_lake.land("trips", "no header\n", "broken.csv")
    data_lake.put("trips", TRIPS + CLEAN, "good.csv")
    assert count(data_lake) == 20


def test_an_unreadable_file_is_read_again_under_another_contract(data_lake: Any) -> None:
    data_lake.land("trips", (TRIPS + CLEAN).replace(",", ";"))
    data_lake.declare("trips", read={"delimiter": ";"})
    data_lake.refresh("trips")
    assert count(data_lake) == 20


@pytest.mark.parametrize("word", ["accepted", "replayed"])
def test_no_word_of_a_person_makes_a_file_readable(data_lake: Any, word: Any) -> None:
    data_lake.put("readings", "station,time,temp\nA,2013-01-05T12:00:00Z,1\n")
    data_lake.put("readings", "no header\n")
    data_lake.decide(word, 2)
    data_lake.refresh("readings")
    assert data_lake.rows("silver.readings", "temp") == [(1,)]
    assert [decision.delivery for decision in data_lake.state("readings").refused] == [2]


def test_an_unreadable_version_that_came_with_a_good_one_leaves_the_good_one(
    data_lake: Any,
) -> None:
    data_lake.drop("readings", "station,time,temp\nA,2013-01-05T12:00:00Z,1\n")
    landing.land(data_lake.lake, "readings", run="1")
    data_lake.declare("readings", read={"nulls": ["-"]})  # both are read anew, and at once
    data_lake.land("readings", "no header\n")
    data_lake.refresh("readings")
    assert data_lake.rows("silver.readings", "temp") == [(1,)]


def test_a_header_without_rows_publishes_nothing_and_is_done(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS)
    assert data_lake.state("trips").stale == {}
    assert data_lake.rows("silver.trips") == []


def test_columns_in_another_order_are_read_by_their_names(data_lake: Any) -> None:
    data_lake.put("trips", "city,price,start,id\nBonn,7,2013-01-05T10:00:00Z,1\n")
    assert data_lake.rows("silver.trips", "id", "price", "city") == [(1, 7, "Bonn")]


def settled(result: Any) -> str:
    """The refusals without the numbers that differ each time."""
    return re.sub(r"snapshot \d+", "snapshot <id>", "\n".join(result.refusals())) + "\n"
