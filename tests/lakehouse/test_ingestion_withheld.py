"""A newer version that is refused takes nothing from readers, in this run or in any later one."""

from typing import Any

import pytest

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
