"""Control totals: a file waits for them, and a delivery that differs from them is refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakehouse import landing, planning
from lakehouse.cli import standing
from lakehouse.errors import ContractError, UsageError
from lakehouse.storage import local_path

TRIPS = "id,start,price,city\n"
TWO = TRIPS + "1,2013-01-05T10:00:00Z,10.5,Bonn\n2,2013-02-05T10:00:00Z,20,Kiel\n"
TOTALS = {"sideFile": "{name}.totals.json", "rows": "rows", "sums": {"price": "paid"}}


@pytest.fixture
def told(data_lake: Any) -> Any:
    """Trips whose producer tells of rows and of the sum of prices."""
    data_lake.declare("trips", controlTotals=TOTALS)
    return data_lake


def claim(lake: Any, said: object, name: str = "a.csv") -> Path:
    """Drops the control totals of a file."""
    text = said if isinstance(said, str) else json.dumps(said)
    file: Path = lake.drop("trips", text, f"{name}.totals.json")
    return file


def put(lake: Any, said: object, content: str = TWO, name: str = "a.csv") -> Any:
    """Drops a file with its control totals, lands both and brings silver up to date."""
    claim(lake, said, name)
    receipt = lake.land("trips", content, name)
    lake.refresh("trips")
    return receipt


def ids(lake: Any) -> list[int]:
    return [row[0] for row in lake.rows("silver.trips", "id")]


def delivered(lake: Any) -> list[str]:
    return [entry.source_key for entry in lake.lake.ledger.read().delivered("trips")]


def test_a_file_that_agrees_with_its_totals_is_published(told: Any) -> None:
    receipt = put(told, {"rows": 2, "paid": 30.5})
    assert receipt.refusals() == ()
    assert ids(told) == [1, 2]


def test_a_file_with_totals_is_no_data(told: Any) -> None:
    put(told, {"rows": 2, "paid": 30.5})
    assert delivered(told) == ["a.csv"]
    assert told.plan().waits == ()


def test_a_file_without_its_totals_waits_and_the_plan_says_for_what(told: Any) -> None:
    told.land("trips", TWO)
    assert delivered(told) == []
    plan = told.plan()
    assert plan.steps == ()
    assert plan.waits == ("trips: a.csv waits for its control totals a.csv.totals.json.",)


def test_the_status_says_what_is_waited_for_and_what_is_missing(told: Any) -> None:
    told.declare("trips", controlTotals={**TOTALS, "files": 1})
    told.at("2013-02-01T00:00:00Z")
    told.land("trips", TWO)
    found = standing.read(told.lake).document()
    assert found["waits"] == ["trips: a.csv waits for its control totals a.csv.totals.json."]
    assert found["missing"] == ["trips [2013-01]: 0 of 1 expected files"]


def test_a_file_that_waited_is_taken_when_its_totals_are_there(told: Any) -> None:
    told.land("trips", TWO)
    claim(told, {"rows": 2, "paid": 30.5})
    assert [step.reason for step in told.plan().steps] == ["1 new file landed"]
    landing.land(told.lake, "trips", run="later")
    assert delivered(told) == ["a.csv"]


def test_one_file_that_waits_holds_up_no_other(told: Any) -> None:
    told.drop("trips", TWO, "a.csv")
    put(told, {"rows": 1, "paid": 1}, TRIPS + "3,2013-01-05T10:00:00Z,1,\n", "b.csv")
    assert delivered(told) == ["b.csv"]
    assert ids(told) == [3]


def test_a_new_version_waits_for_new_totals(told: Any) -> None:
    put(told, {"rows": 2, "paid": 30.5})
    told.land("trips", TWO + "3,2013-01-05T10:00:00Z,1,\n")
    still = "a.csv.totals.json still is the one that came with delivery 1."
    assert told.plan().waits == (f"trips: a.csv waits for new control totals: {still}",)
    assert delivered(told) == ["a.csv"]


def test_totals_that_are_written_again_are_new_whatever_they_say(told: Any) -> None:
    put(told, {"rows": 2, "paid": 30.5})
    os.utime(claim(told, {"rows": 2, "paid": 30.5}), (1e9, 1e9))
    told.put("trips", TWO.replace("Bonn", "Köln"))
    assert told.rows("silver.trips", "city") == [("Kiel",), ("Köln",)]


def test_the_side_file_may_be_named_by_the_stem(data_lake: Any) -> None:
    data_lake.declare("trips", controlTotals={**TOTALS, "sideFile": "{stem}.json"})
    data_lake.drop("trips", '{"rows": 2, "paid": 30.5}', "2013/a.json")
    data_lake.put("trips", TWO, "2013/a.csv")
    assert ids(data_lake) == [1, 2]


def test_bronze_and_books_keep_what_was_told(told: Any) -> None:
    said = '{"rows": 2,\r\n "paid": 30.50, "by": "x"}'
    put(told, said)
    claims = told.lake.ledger.read().claims
    assert [(c.delivery, c.source_key) for c in claims] == [(1, "a.csv.totals.json")]
    assert json.loads(claims[0].figures) == {"rows": "2", "paid": "30.50"}
    assert Path(local_path(told.lake.object_url(claims[0].object))).read_bytes() == said.encode()


def test_a_short_file_is_refused_as_a_whole(told: Any, golden: Callable[[str, str], None]) -> None:
    receipt = put(told, {"rows": 30_000, "paid": 30.5})
    golden("errors/refused_totals.txt", receipt.refusals()[0] + "\n")
    assert ids(told) == []


def test_a_sum_that_differs_is_told_with_both(told: Any) -> None:
    receipt = put(told, {"rows": 2, "paid": 1030.5})
    assert "the sum of price is 30.5, a.csv.totals.json says 1,030.5." in receipt.refusals()[0]
    assert ids(told) == []


def test_all_records_count_also_those_that_are_set_apart(told: Any) -> None:
    broken = "3,2013-01-05T10:00:00Z,999,\n4,never,1,\n5,2013-01-05T10:00:00Z,much,\n"
    again = "1,2013-01-05T10:00:00Z,5,Bonn\n"
    told.declare("trips", controlTotals=TOTALS, limit=1)
    receipt = put(told, {"rows": 6, "paid": 1035.5}, TWO + broken + again)
    assert receipt.refusals() == ()
    assert len(told.rows("quarantine.trips")) == 3


def test_a_line_that_is_no_text_adds_to_the_rows_alone(told: Any) -> None:
    told.declare("trips", controlTotals=TOTALS, limit=1)
    claim(told, {"rows": 3, "paid": 30.5})
    latin = TWO.encode() + b"3,2013-01-05T10:00:00Z,7,K\xf6ln\n"
    assert told.land("trips", latin).refusals() == ()
    told.refresh("trips")
    assert len(told.rows("quarantine.trips")) == 1


def test_a_line_that_is_too_long_for_a_typed_read_counts_with_its_cells(told: Any) -> None:
    long = f"3,2013-01-05T10:00:00Z,7,{'x' * 5_000_000}\n"
    assert put(told, {"rows": 3, "paid": 37.5}, TWO + long).refusals() == ()


def test_a_binary_fraction_is_not_compared_to_its_last_bit(told: Any) -> None:
    lines = "".join(f"{n},2013-01-05T10:00:00Z,0.1,\n" for n in range(10_000))
    said = {"rows": 10_000, "paid": 1000.0000000001}
    assert put(told, said, TRIPS + lines).refusals() == ()
    assert len(ids(told)) == 10_000


def test_a_refused_delivery_holds_up_no_later_one(told: Any) -> None:
    put(told, {"rows": 3, "paid": 30.5})
    put(told, {"rows": 1, "paid": 1}, TRIPS + "3,2013-01-05T10:00:00Z,1,\n", "b.csv")
    assert ids(told) == [3]
    assert [d.delivery for d in told.state("trips").refused] == [1]


def test_a_complete_file_of_the_same_name_takes_its_place(told: Any) -> None:
    put(told, {"rows": 3, "paid": 31.5})
    os.utime(claim(told, {"rows": 3, "paid": 31.5}), (1e9, 1e9))
    told.put("trips", TWO + "3,2013-01-05T10:00:00Z,1,\n")
    assert ids(told) == [1, 2, 3]


def test_a_refused_version_leaves_the_one_before_under_replace(told: Any) -> None:
    told.declare("trips", controlTotals=TOTALS, delivery="replace")
    put(told, {"rows": 2, "paid": 30.5})
    os.utime(claim(told, {"rows": 2, "paid": 30.5}), (1e9, 1e9))
    told.put("trips", TRIPS + "1,2013-01-05T10:00:00Z,10.5,Bonn\n")
    assert ids(told) == [1, 2]
    assert told.state("trips").stale == {}


def test_the_version_that_a_refusal_brings_back_is_judged_too(told: Any) -> None:
    told.declare("trips", controlTotals=TOTALS, delivery="replace")
    put(told, {"rows": 9, "paid": 0})
    os.utime(claim(told, {"rows": 9, "paid": 0}), (1e9, 1e9))
    told.put("trips", TRIPS + "1,2013-01-05T10:00:00Z,10.5,Bonn\n")
    told.declare("trips", controlTotals=TOTALS, delivery="replace", limit=0.4)
    told.refresh("trips")  # under another contract both are judged anew, the later one first
    assert sorted(d.delivery for d in told.state("trips").refused) == [1, 2]
    assert ids(told) == []


def test_an_accepted_delivery_is_published_as_it_is(told: Any) -> None:
    put(told, {"rows": 3, "paid": 0})
    told.decide("accepted", 1)
    told.refresh("trips")
    assert ids(told) == [1, 2]


def test_a_replayed_delivery_is_refused_again(told: Any) -> None:
    put(told, {"rows": 3, "paid": 0})
    landing.replay(told.lake, "trips", by="ada")
    assert len(told.refresh("trips").refusals()) == 1
    assert ids(told) == []


def test_what_readers_see_stays_under_a_contract_that_asks_for_more(told: Any) -> None:
    told.declare("trips", controlTotals={**TOTALS, "sums": {}})
    put(told, {"rows": 2, "paid": 0})
    told.declare("trips", controlTotals=TOTALS)
    told.refresh("trips")
    assert ids(told) == [1, 2]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "a.csv.totals.json is not JSON"),
        ("[2]", "a.csv.totals.json is not a JSON object"),
        ("{}", "a.csv.totals.json has no number 'rows'"),
        ('{"rows": "2", "paid": 1}', "a.csv.totals.json has no number 'rows'"),
        ('{"rows": true, "paid": 1}', "a.csv.totals.json has no number 'rows'"),
        ('{"rows": 2, "paid": NaN}', "a.csv.totals.json has no number 'paid'"),
        ('{"rows": 1e999999999, "paid": 1}', "a.csv.totals.json has no number 'rows'"),
        ("[" * 200_000, "a.csv.totals.json is not JSON"),
        (" " * 1_000_001, "a.csv.totals.json is larger than 1 MB"),
    ],
    ids=["cut", "list", "empty", "text", "boolean", "nan", "huge", "deep", "long"],
)
def test_totals_that_say_nothing_refuse_their_delivery(told: Any, said: str, why: str) -> None:
    receipt = put(told, said)
    assert f"its control totals cannot be used: {why}." in receipt.refusals()[0]
    assert ids(told) == []


def test_a_named_file_is_landed_with_the_totals_beside_it(told: Any, tmp_path: Path) -> None:
    file = tmp_path / "trips.csv"
    file.write_text(TWO, encoding="utf-8")
    file.with_name("trips.csv.totals.json").write_text('{"rows": 3, "paid": 30.5}')
    receipt = landing.land(told.lake, "trips", [str(file)], run="by hand")
    assert "tells of 3 rows, the file has 2" in receipt.refusals()[0]


def test_totals_that_are_named_with_their_data_are_no_data(told: Any, tmp_path: Path) -> None:
    file = tmp_path / "trips.csv"
    file.write_text(TWO, encoding="utf-8")
    side = file.with_name("trips.csv.totals.json")
    side.write_text('{"rows": 2, "paid": 30.5}')
    receipt = landing.land(told.lake, "trips", [str(file), str(side)], run="by hand")
    assert [delivery.source_key for delivery in receipt.deliveries] == ["trips.csv"]
    assert receipt.refusals() == ()


def test_totals_alone_are_not_landed(told: Any, tmp_path: Path) -> None:
    side = tmp_path / "trips.csv.totals.json"
    side.write_text('{"rows": 2, "paid": 30.5}')
    with pytest.raises(UsageError, match=r"carries control totals and is no data\. Nothing was"):
        landing.land(told.lake, "trips", [str(side)], run="by hand")


@pytest.mark.parametrize("name", ["{name}", "{stem}.csv"])
def test_totals_that_are_called_like_their_data_are_refused(data_lake: Any, name: str) -> None:
    data_lake.declare("trips", controlTotals={**TOTALS, "sideFile": name})
    with pytest.raises(ContractError, match="is what the data file itself is called"):
        data_lake.lake.contract("trips")


def test_a_named_file_without_totals_is_not_landed(told: Any, tmp_path: Path) -> None:
    file = tmp_path / "trips.csv"
    file.write_text(TWO, encoding="utf-8")
    with pytest.raises(UsageError, match=r"trips.csv.totals.json is missing. Nothing was landed"):
        landing.land(told.lake, "trips", [str(file)], run="by hand")
    assert delivered(told) == []


def test_deliveries_from_before_the_contract_asked_are_not_judged(data_lake: Any) -> None:
    data_lake.land("trips", TWO)
    data_lake.declare("trips", controlTotals=TOTALS)
    data_lake.refresh("trips")
    assert ids(data_lake) == [1, 2]


# --- files that are missing ---------------------------------------------------------------------


@pytest.fixture
def expecting(data_lake: Any) -> Any:
    """Trips of which each month needs one file; the clock stands in the middle of May."""
    data_lake.declare("trips", controlTotals={"files": 1})
    data_lake.at("2013-05-15T00:00:00Z")
    return data_lake


def trips(*months: str) -> str:
    return TRIPS + "".join(f"1,{month}-05T10:00:00Z,1,\n" for month in months)


def test_the_plan_names_months_without_a_file(expecting: Any) -> None:
    expecting.put("trips", trips("2013-01"), "1.csv")
    expecting.put("trips", trips("2013-03"), "3.csv")
    assert expecting.plan().missing == (
        "trips [2013-02]: 0 of 1 expected files",
        "trips [2013-04]: 0 of 1 expected files",
    )


def test_neighbours_without_files_are_told_together(expecting: Any) -> None:
    expecting.put("trips", trips("2013-01"))
    told = "trips [2013-02 … 2013-04]: 0 of 1 expected files each"
    assert expecting.plan().missing == (told,)


def test_the_month_that_is_not_over_is_not_missing_yet(expecting: Any) -> None:
    expecting.put("trips", trips("2013-01", "2013-02", "2013-03", "2013-04"))
    assert expecting.plan().missing == ()
    expecting.at("2013-06-01T00:00:00Z")
    assert expecting.plan().missing == ("trips [2013-05]: 0 of 1 expected files",)


def test_two_versions_of_a_file_are_one_file(expecting: Any) -> None:
    expecting.declare("trips", controlTotals={"files": 2})
    expecting.at("2013-02-01T00:00:00Z")
    expecting.put("trips", trips("2013-01"), "a.csv")
    expecting.put("trips", trips("2013-01", "2013-01"), "a.csv")
    assert expecting.plan().missing == ("trips [2013-01]: 1 of 2 expected files",)
    expecting.put("trips", trips("2013-01"), "b.csv")
    assert expecting.plan().missing == ()


def test_a_withdrawn_file_is_missing(expecting: Any) -> None:
    expecting.at("2013-02-01T00:00:00Z")
    expecting.put("trips", trips("2013-01"))
    expecting.decide("withdrawn", 1)
    assert expecting.plan().missing == ("trips [2013-01]: 0 of 1 expected files",)


def test_months_past_their_retention_need_no_file(expecting: Any) -> None:
    level = {"property": "retention", "value": 1, "unit": "mo", "element": "trips.start"}
    expecting.declare("trips", controlTotals={"files": 1}, levels=[level])
    assert expecting.plan().missing == ("trips [2013-04]: 0 of 1 expected files",)


def test_a_refresh_warns_of_each_month_and_publishes(expecting: Any) -> None:
    result = expecting.put("trips", trips("2013-01", "2013-02", "2013-04"))
    found = [c for c in result.checks() if c.name == "expected_files"]
    assert [(c.partition, c.passed, c.severity) for c in found] == [
        ("2013-01", True, "warning"),
        ("2013-02", True, "warning"),
        ("2013-03", False, "warning"),
        ("2013-04", True, "warning"),
    ]
    assert found[2].description == "trips [2013-03]: 0 of 1 expected files"
    assert result.refusals() == ()


def test_nothing_is_missing_where_nobody_counts(data_lake: Any) -> None:
    data_lake.put("trips", trips("2013-03"))
    assert data_lake.plan().missing == ()
    assert planning.arrivals(data_lake.lake, "trips", data_lake.lake.ledger.read()) == ()
