"""A newer version that is refused takes nothing from readers, in this run or in any later one."""

from collections.abc import Callable
from typing import Any

import pytest

from lakehouse import ingestion, landing
from lakehouse.errors import PublishConflict
from lakehouse.ingestion import refreshing

LEAST_TWO = {
    "metric": "rowCount",
    "mustBeGreaterOrEqualTo": 2,
    "severity": "error",
    "description": "At least two.",
}
READINGS = "station,time,temp\n"
A1 = "A,2013-01-05T12:00:00Z,1\n"
A2 = "A,2013-01-06T12:00:00Z,1\n"


def held(lake: Any, table: str) -> list[int]:
    """Rows after each of three further runs, which have nothing to do."""
    found = []
    for _ in range(3):
        assert lake.refresh(table).refusals() == ()
        found.append(len(lake.rows(f"silver.{table}")))
    return found


def test_a_whole_file_that_fails_its_audit_leaves_the_last_good_one(data_lake: Any) -> None:
    data_lake.declare("cities", quality=[LEAST_TWO])
    data_lake.put("cities", "name,people\nBonn,1\nKiel,2\n")
    assert data_lake.put("cities", "name,people\nBonn,1\n", "b.csv").refusals()
    assert held(data_lake, "cities") == [2, 2, 2]
    assert data_lake.put("cities", "name,people\nBonn,1\nUlm,3\n", "c.csv").refusals() == ()
    assert data_lake.rows("silver.cities", "name") == [("Bonn",), ("Ulm",)]


def test_a_version_of_a_file_that_fails_its_audit_leaves_the_last_good_one(data_lake: Any) -> None:
    data_lake.declare("readings", quality=[LEAST_TWO])
    data_lake.put("readings", READINGS + A1 + A2)
    assert data_lake.put("readings", READINGS + A1).refusals()
    assert held(data_lake, "readings") == [2, 2, 2]


def test_what_it_holds_of_another_partition_is_published_all_the_same(data_lake: Any) -> None:
    """Its January is refused, its February is not: there it takes the older version's place."""
    data_lake.declare("readings", quality=[LEAST_TWO])
    february = "A,2013-02-05T12:00:00Z,1\nA,2013-02-06T12:00:00Z,1\n"
    data_lake.put("readings", READINGS + A1 + A2 + february)
    assert data_lake.put("readings", READINGS + A1 + february.replace(",1", ",9")).refusals()
    rows = [(1.0,), (1.0,), (9.0,), (9.0,)]
    assert sorted(data_lake.rows("silver.readings", "temp")) == rows
    assert held(data_lake, "readings") == [4, 4, 4]


@pytest.mark.parametrize("beside", ["", "B,2013-01-05T12:00:00Z,5\n"])
def test_what_a_broken_version_had_replaced_comes_back_whole(data_lake: Any, beside: str) -> None:
    """Good, then broken, both new to the run: the good one was not among what had been read."""
    data_lake.land("readings", READINGS + A1 + A2, "a.csv")
    data_lake.land("readings", READINGS + A1.replace(",1\n", ",x\n") + A2[:-2] + "y\n", "a.csv")
    if beside:
        data_lake.land("readings", READINGS + beside, "b.csv")
    refreshed = data_lake.refresh("readings")
    assert len(refreshed.refused) == 1
    assert len(data_lake.rows("silver.readings")) == 2 + bool(beside)
    assert held(data_lake, "readings") == [2 + bool(beside)] * 3
    accounts = data_lake.accounts("readings")
    assert accounts["2013-01", 1] == (2, 0, 0, 0)


def test_refused_rows_stay_out_when_their_month_is_read_again_with_another(data_lake: Any) -> None:
    """Both months are conformed in one go, and a file that was refused in one is in the other."""
    data_lake.declare("readings", quality=[LEAST_TWO])
    february = "C,2013-02-05T12:00:00Z,1\nC,2013-02-06T12:00:00Z,1\n"
    data_lake.put("readings", READINGS + "B,2013-01-05T12:00:00Z,7\n" + february, "b.csv")
    assert len(data_lake.rows("silver.readings")) == 2
    late = A1 + A2 + "D,2013-02-05T12:00:00Z,1\n"
    assert data_lake.put("readings", READINGS + late, "a.csv").refusals() == ()
    assert sorted(data_lake.rows("silver.readings", "station")) == [(s,) for s in "AACCD"]


def test_a_good_and_a_refused_version_new_to_one_run_show_the_good_one(data_lake: Any) -> None:
    data_lake.declare("readings", quality=[LEAST_TWO])
    data_lake.land("readings", READINGS + A1 + A2)
    refreshed = data_lake.put("readings", READINGS + A1)
    assert len(refreshed.refusals()) == 1
    assert [(one.name, one.published, one.rows) for one in refreshed.outcomes] == [
        ("2013-01", True, 2)
    ]
    assert not all(check.passed for check in refreshed.checks())
    assert held(data_lake, "readings") == [2, 2, 2]


def test_what_was_published_is_told_though_the_rest_meets_another_run(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.declare("readings", quality=[LEAST_TWO])
    data_lake.land("readings", READINGS + A1 + A2)
    february = A1.replace("-01-", "-02-") + A2.replace("-01-", "-02-")
    data_lake.land("readings", READINGS + A1 + february)
    audit, asked = refreshing.audit, []

    def met(*arguments: Any) -> Any:
        asked.append(arguments)
        if len(asked) > 1:
            raise PublishConflict(["silver.readings"], "another run published the same partitions")
        return audit(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "audit", met)
        patch.setattr(refreshing, "_REBASES", 1)
        told = data_lake.refresh("readings").outcomes
    assert [(one.name, one.published) for one in told] == [("2013-01", False), ("2013-02", True)]
    assert held(data_lake, "readings") == [4, 4, 4]


def test_a_file_without_rows_takes_none_away_until_a_person_says_so(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + A1 + A2)
    (told,) = data_lake.put("readings", READINGS).refusals()
    assert "has no rows" in told
    assert "lakehouse accept 2" in told
    assert held(data_lake, "readings") == [2, 2, 2]
    data_lake.decide("accepted", 2)
    assert data_lake.refresh("readings").refusals() == ()
    assert data_lake.rows("silver.readings") == []


def test_a_month_that_must_have_rows_is_not_emptied_by_a_file_that_has_others(
    data_lake: Any,
) -> None:
    data_lake.declare("readings", quality=[LEAST_TWO])
    data_lake.put("readings", READINGS + A1 + A2)
    february = READINGS + A1.replace("-01-", "-02-") + A2.replace("-01-", "-02-")
    assert data_lake.put("readings", february).refusals()
    assert held(data_lake, "readings") == [4, 4, 4]


def test_what_a_withdrawal_leaves_is_judged_once_and_can_be_accepted(data_lake: Any) -> None:
    data_lake.declare("readings", quality=[LEAST_TWO])
    data_lake.land("readings", READINGS + A1, "a.csv")
    data_lake.put("readings", READINGS + A2, "b.csv")
    data_lake.decide("withdrawn", 2)
    (told,) = data_lake.refresh("readings").refusals()
    assert "was not published" in told
    assert held(data_lake, "readings") == [2, 2, 2]
    data_lake.decide("replayed", 1)
    assert data_lake.refresh("readings").refusals()
    data_lake.decide("accepted", 1)
    assert data_lake.refresh("readings").refusals() == ()
    assert len(data_lake.rows("silver.readings")) == 1


TRIPS = "id,start,price,city\n"


def trip(number: int, price: int = 5) -> str:
    return f"{number},2013-01-05T10:00:00Z,{price},Bonn\n"


def ids(lake: Any) -> list[int]:
    return sorted(row[0] for row in lake.rows("silver.trips", "id"))


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something happen while the next audit is at work, once."""
    audit = refreshing.audit

    def arrange(act: Callable[[], None]) -> None:
        def slow(*arguments: Any) -> Any:
            monkeypatch.setattr(refreshing, "audit", audit)
            found = audit(*arguments)
            act()
            return found

        monkeypatch.setattr(refreshing, "audit", slow)

    return arrange


@pytest.fixture
def accepted(data_lake: Any) -> Any:
    """Trips 1, and of a refused delivery that a person accepted, 2."""
    data_lake.put("trips", TRIPS + trip(1))
    data_lake.put("trips", TRIPS + trip(2) + trip(3, 999) + trip(4, 999), "b.csv")
    data_lake.decide("accepted", 2)
    data_lake.refresh("trips")
    assert ids(data_lake) == [1, 2]
    return data_lake


def test_replay_leaves_what_a_person_withdrew(accepted: Any) -> None:
    accepted.decide("withdrawn", 2)
    accepted.put("trips", TRIPS + trip(5) + trip(6, 999) + trip(7, 999), "c.csv")
    assert landing.replay(accepted.lake, "trips", by="ada").deliveries == (3,)
    accepted.refresh("trips")
    assert (ids(accepted), accepted.state("trips").withdrawn) == ([1], {2})


def test_replay_leaves_what_a_person_accepted(accepted: Any) -> None:
    assert landing.replay(accepted.lake, "trips", by="ada").deliveries == ()
    assert accepted.put("trips", TRIPS + trip(9), "z.csv").refusals() == ()
    assert ids(accepted) == [1, 2, 9]


def test_a_slower_audit_does_not_take_back_what_a_person_accepted(
    data_lake: Any, during: Callable[..., None]
) -> None:
    data_lake.declare("trips", quality=[LEAST_TWO])
    data_lake.land("trips", TRIPS + trip(1))
    other = data_lake.open()

    def refuse_and_accept() -> None:
        ingestion.refresh(other, "trips", run="other")
        landing.decide(other, "accepted", [1], by="ada", note="a quiet month")

    during(refuse_and_accept)
    data_lake.refresh("trips")
    data_lake.refresh("trips")
    assert ids(data_lake) == [1]


def test_what_is_withdrawn_during_a_run_is_not_published_by_it(
    data_lake: Any, during: Callable[..., None]
) -> None:
    data_lake.put("trips", TRIPS + trip(1))
    data_lake.land("trips", TRIPS + trip(2), "b.csv")
    other = data_lake.open()
    during(lambda: landing.decide(other, "withdrawn", [2], by="ada", note="wrong") and None)
    data_lake.refresh("trips")
    assert ids(data_lake) == [1]
