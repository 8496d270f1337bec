"""How the engine's answers look in Dagster."""

import dagster as dg
import pytest

from assets import adapter
from lakehouse import landing
from lakehouse.ingestion.result import PartitionOutcome, Refreshed
from lakehouse.lake import Lake
from lakehouse.results import Check
from resources import Session


def refreshed(*outcomes: PartitionOutcome, checks=(), refused=(), held=None) -> Refreshed:
    return Refreshed("x", outcomes, tuple(checks), tuple(refused), 1, 0, held or {})


def test_an_error_of_the_engine_is_a_failure_with_its_message() -> None:
    session = Session(Lake())

    @dg.op
    def land(context: dg.OpExecutionContext) -> None:
        adapter.call(context, session, landing.land, "flihgts")

    with pytest.raises(dg.Failure) as caught:
        dg.GraphDefinition("g", node_defs=[land]).execute_in_process()
    assert "Did you mean 'flights'?" in caught.value.description
    assert not caught.value.allow_retries
    assert [type(error).__name__ for error in session.errors] == ["UnknownName"]


def test_good_partitions_are_the_published_and_the_fresh_ones() -> None:
    result = refreshed(
        PartitionOutcome("2013-01", True, "new", 10),
        PartitionOutcome("2013-02", False, "new", 5),
        PartitionOutcome("unassigned", True, "new", 0),
        refused=["2013-02 was refused"],
        held={"2013-01": 10, "2013-02": 5, "2013-03": 7},
    )
    found = adapter.good(result, ["2013-01", "2013-02", "2013-03", "2013-04"])
    assert {name: facts["rows"] for name, facts in found.items()} == {
        "2013-01": 10,
        "2013-03": 7,
        "2013-04": 0,
    }
    assert list(adapter.good(result, None)) == ["2013-01"]


def test_a_failed_check_blocks_only_what_was_refused() -> None:
    bad = [Check("mean", False, "error", "too hot", {}, month) for month in ("2013-01", "2013-02")]
    accepted = PartitionOutcome("2013-01", True, "new", 10)
    result = refreshed(accepted, checks=bad, refused=["2013-02 was refused"])
    assert [check.severity for check in adapter.judged(result)] == ["warning", "error"]


def test_failed_checks_and_all_of_a_refused_partition_are_told_one_by_one() -> None:
    found = [
        Check("a", True, "error", "", {}, "2013-01"),
        Check("b", False, "warning", "", {}, "2013-01"),
        Check("a", False, "error", "", {}, "2013-02"),
        Check("b", True, "warning", "", {}, "2013-02"),
        Check("c", False, "warning", ""),
    ]
    told = [(check.name, check.partition) for check in adapter.troubled(found)]
    assert told == [("b", "2013-01"), ("a", "2013-02"), ("b", "2013-02")]
