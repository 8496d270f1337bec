"""A person is forgotten: what was theirs is in no file of the lake, and the rest is as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakehouse import erasing, faults, landing
from lakehouse.cli.accounts import booked, total
from lakehouse.errors import PublishConflict, UnknownName, UsageError
from lakehouse.ingestion import refreshing

WHO, NAME, NOTE = "MRN-000777", "Zyxwanda", "Qwertzel"
CANARIES = (WHO, NAME, NOTE)
COLUMNS: list[dict[str, Any]] = [
    {"name": "tag", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "called", "logicalType": "string"},
    {
        "name": "day",
        "logicalType": "date",
        "partitioned": True,
        "primaryKey": True,
        "primaryKeyPosition": 2,
    },
    {"name": "score", "logicalType": "integer", "logicalTypeOptions": {"maximum": 100}},
]
HEADER = "tag,called,day,score\n"
OTHERS = "M2,Al,2013-01-06,9\nM3,Bo,2013-02-07,8\n"
THEIRS = f"{WHO},{NAME},2013-01-05,7\n"
BROKEN = f"{WHO},{NAME},2013-01-07,700\n{WHO},{NOTE}\nM4,Cy,2013-01-08,900\n"
NAMED = {
    "type": "custom",
    "engine": "greatExpectations",
    "severity": "warning",
    "implementation": {
        "type": "expect_column_value_lengths_to_be_between",
        "kwargs": {"column": "called", "max_value": 5},
        "meta": {"notes": "Names are short."},
    },
}
Traces = Callable[..., list[tuple[str, str]]]


def declare(lake: Any, **more: Any) -> None:
    said = {"delivery": "incremental", "month": "2013-01", "columns": COLUMNS, "limit": 1}
    lake.declare("patients", **{**said, **more})


@pytest.fixture
def patients(make_data_lake: Callable[..., Any]) -> Any:
    lake = make_data_lake()
    declare(lake)
    return lake


def person(lake: Any, *keys: str, dataset: str = "patients") -> erasing.Person:
    return erasing.Person.parse(lake.lake.contract(dataset), keys or (f"tag={WHO}",))


def forget(lake: Any, *keys: str, dataset: str = "patients") -> erasing.Erased:
    who = person(lake, *keys, dataset=dataset)
    return erasing.forget(lake.lake, who, by="dpo", note="request 12", run="forget")


def balanced(lake: Any, dataset: str = "patients") -> bool:
    """Whether the rows of each delivery are where the books say."""
    books = lake.lake.ledger.read(lake.lake.catalog.names())
    found = booked(lake.lake, lake.lake.contract(dataset), books)
    sums = [one.statement for one in found]
    return all(
        s.rows
        == s.published
        + s.quarantined
        + s.duplicates
        + s.superseded
        + s.refused
        + s.withdrawn
        + s.expired
        + s.waiting
        for s in [*sums, total(found)]
    )


def test_a_person_is_in_no_file_any_more(patients: Any, traces: Traces) -> None:
    """All that may become of a delivery: published, withdrawn, refused, unreadable, not taken."""
    declare(patients, quality=[NAMED], limit=0.7)
    patients.put("patients", HEADER + OTHERS + THEIRS, "a.csv")
    good = "M5,Da,2013-01-01,1\nM6,Di,2013-01-01,1\n"
    patients.put("patients", HEADER + BROKEN + good, "b.csv")
    patients.put("patients", HEADER + THEIRS.replace("-05", "-09") + "M7,Di,2013-01-01,1\n", "c")
    patients.decide("withdrawn", 3)
    patients.put("patients", HEADER + THEIRS.replace(",7", ",701"), "refused.csv")
    patients.put("patients", THEIRS + "M8,Ed,2013-01-01,1\n", "unreadable.csv")
    patients.refresh("patients")
    patients.drop("patients", HEADER + THEIRS.replace("-05", "-11"), "later.csv")
    assert len(patients.state("patients").refused) == 2
    assert balanced(patients)
    silver = patients.lake.catalog.table("silver.patients")
    silver.manage_snapshots().create_tag(silver.current_snapshot().snapshot_id, "kept").commit()
    assert {word for _, word in traces(patients.folder, CANARIES)} == set(CANARIES)
    done = forget(patients)
    assert done.refusals() == ()
    assert done.records == 7
    assert traces(patients.folder, [*CANARIES, "kept"]) == []
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M3",), ("M5",), ("M6",)]
    assert patients.rows("quarantine.patients", "raw") == [("M4,Cy,2013-01-08,900",)]
    assert balanced(patients)
    # the rest is as it was delivered, and nothing is new
    landed = patients.folder / ".lake" / "landing" / "patients"
    assert (landed / "a.csv").read_text() == HEADER + OTHERS
    assert (landed / "unreadable.csv").read_text() == "M8,Ed,2013-01-01,1\n"
    assert landing.land(patients.open(), "patients", run="again").deliveries == ()
    assert patients.state("patients").stale == {}
    patients.refresh("patients")
    assert {one.delivery for one in patients.state("patients").refused} == {4, 5}
    # a second request finds nobody
    with pytest.raises(UsageError, match="No record of patients"):
        forget(patients)


def test_an_unknown_person_changes_nothing(patients: Any) -> None:
    patients.put("patients", HEADER + OTHERS)
    before = patients.lake.catalog.locations()
    with pytest.raises(UsageError, match=r"No record of patients has these values of tag") as told:
        forget(patients)
    assert WHO not in told.value.message()
    assert patients.lake.catalog.locations() == before
    assert not (patients.folder / ".lake" / "warehouse" / "erasing").exists()


def test_what_is_asked_is_checked_first(patients: Any) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS)
    with pytest.raises(UnknownName, match="no column 'name'"):
        person(patients, "name=Zyxwanda")
    with pytest.raises(UsageError, match=r"The key of patients is tag, day: say --key COLUMN"):
        person(patients, WHO)
    with pytest.raises(UsageError, match=r"day is no DATE") as told:
        person(patients, f"day={NAME}")
    assert NAME not in told.value.message()
    with pytest.raises(UsageError, match="names the person"):
        erasing.forget(patients.lake, person(patients), by="dpo", note=f"for {WHO}", run="x")
    assert WHO not in repr(person(patients))


def test_what_would_be_touched_is_shown(patients: Any) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS)
    before = patients.lake.catalog.locations()
    sought = erasing.seek(patients.lake, person(patients))
    assert (sought.records, sought.hits[0].deliveries) == (1, (1,))
    assert sought.tables == ("silver.patients", "quarantine.patients")
    assert patients.lake.catalog.locations() == before


def kept_keys(lake: Any) -> list[Path]:
    return list((lake.folder / ".lake" / "warehouse" / "erasing").iterdir())


class Killed(BaseException):
    """Stands for the end of the process: nothing in the engine catches it."""


@pytest.mark.parametrize(
    "point",
    ["booked", "refreshed", "swept", "done"],
)
def test_a_killed_erasure_is_seen_and_goes_on(
    patients: Any, traces: Traces, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS, "a.csv")
    patients.put("patients", HEADER + BROKEN, "b.csv")

    def reach(name: str) -> None:
        if name == f"forgetting.{point}":
            raise Killed

    monkeypatch.setattr(faults, "reach", reach)
    with pytest.raises(Killed):
        forget(patients)
    monkeypatch.undo()
    shown = patients.rows("silver.patients", "tag")
    assert shown in ([("M2",), ("M3",)], [("M2",), ("M3",), (WHO,)])
    if point == "done":
        assert patients.plan().waits == ()
        assert traces(patients.folder, CANARIES) == []
        assert kept_keys(patients) != []  # whoever has it could try out candidates
        with pytest.raises(UsageError, match="No record of patients"):
            forget(patients)
        assert kept_keys(patients) == []
        return
    assert "Erasure 1 of patients by tag was begun" in patients.plan().waits[0]
    done = forget(patients)
    assert (done.erasure, done.records) == (1, 3)
    assert traces(patients.folder, CANARIES) == []
    assert patients.plan().waits == ()
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M3",)]
    assert balanced(patients)
    assert kept_keys(patients) == []


def test_the_same_file_again_brings_nothing_back(patients: Any, traces: Traces) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS)
    forget(patients)
    patients.drop("patients", HEADER + OTHERS + THEIRS)
    assert patients.plan().steps == ()
    assert landing.land(patients.open(), "patients", run="again").deliveries == ()
    home = patients.folder / ".lake"
    assert traces(home / "warehouse", CANARIES) == []
    # what the producer sends anew is a new delivery, like any other
    patients.put("patients", HEADER + THEIRS, "b.csv")
    assert patients.rows("silver.patients", "tag")[-1] == (WHO,)
    assert forget(patients).erasure == 2
    assert traces(home, CANARIES) == []
    assert balanced(patients)


def test_nothing_keeps_a_person_published(patients: Any, traces: Traces) -> None:
    """Without them a delivery has too many broken rows, and its partition too few good ones."""
    enough = {
        "type": "library",
        "metric": "rowCount",
        "mustBeGreaterThan": 1,
        "severity": "error",
        "description": "x",
    }
    declare(patients, limit=0.5, quality=[enough])
    patients.put(
        "patients", HEADER + OTHERS[:19] + THEIRS + "M4,Cy,2013-01-08,900\nM5,Cy,2013-01-08,900\n"
    )
    assert len(patients.rows("silver.patients")) == 2
    done = forget(patients)
    assert done.refusals() == ()
    assert patients.rows("silver.patients", "tag") == [("M2",)]
    assert traces(patients.folder, CANARIES) == []
    assert patients.state("patients").stale == {}
    patients.put("patients", HEADER + "M9,Fi,2013-01-03,1\n", "b.csv")
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M9",)]


def test_hashed_rows_are_found_by_what_was_delivered(patients: Any, traces: Traces) -> None:
    hidden = {
        "classification": "confidential",
        "customProperties": [{"property": "privacy", "value": "hash"}],
    }
    patients.environment = {"LAKEHOUSE_HASH_KEY": "a-key-of-the-lake-0123456789"}
    declare(patients, columns=[{**COLUMNS[0], **hidden}, *COLUMNS[1:]])
    patients.put("patients", HEADER + OTHERS + THEIRS)
    (digest,) = [
        row[0] for row in patients.rows("silver.patients", "tag", "called") if row[1] == NAME
    ]
    assert forget(patients).records == 1
    assert traces(patients.folder, [*CANARIES, digest]) == []


def test_totals_of_an_erased_row_refuse_nothing(patients: Any, traces: Traces) -> None:
    declare(
        patients, controlTotals={"sideFile": "{name}.totals", "rows": "rows"}, delivery="replace"
    )
    patients.drop("patients", '{"rows": 3}', "a.csv.totals")
    patients.land("patients", HEADER + OTHERS + THEIRS)
    assert forget(patients).partitions == ()
    patients.refresh("patients")
    assert patients.state("patients").refused == ()
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M3",)]
    assert traces(patients.folder, CANARIES) == []


def test_versions_of_a_person_are_gone_from_a_history(make_data_lake: Any, traces: Traces) -> None:
    lake = make_data_lake()
    lake.declare("staff", delivery="full", history=True, columns=COLUMNS[:2], limit=1)
    lake.put("staff", f"tag,called\nM2,Al\n{WHO},{NAME}\n")
    lake.at("2014-02-01T00:00:00Z")
    lake.put("staff", f"tag,called\nM2,Al\n{WHO},{NOTE}\n")
    assert len(lake.rows("silver.staff")) == 3
    assert forget(lake, WHO, dataset="staff").records == 2
    assert lake.rows("silver.staff", "tag") == [("M2",)]
    assert traces(lake.folder, CANARIES) == []


def test_a_run_that_read_them_before_publishes_them_no_more(
    patients: Any, monkeypatch: pytest.MonkeyPatch, traces: Traces
) -> None:
    patients.land("patients", HEADER + OTHERS + THEIRS)
    audit, calls = refreshing.audit, iter(range(9))

    def slow(*arguments: Any) -> Any:
        if next(calls) == 0:
            forget(patients)
        return audit(*arguments)

    monkeypatch.setattr(refreshing, "audit", slow)
    try:
        patients.refresh("patients")
    except (PublishConflict, duckdb.IOException):
        patients.refresh("patients")
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M3",)]


def test_leftovers_of_other_runs_go(patients: Any, traces: Traces) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS)
    home: Path = patients.folder / ".lake"
    for place in ("tmp/scratch-1", "dbt/tmp-2", "docs/mine"):
        (home / place).mkdir(parents=True)
        (home / place / "left.txt").write_text(f"a line\n{WHO}\n")
    forget(patients)
    assert not (home / "tmp" / "scratch-1" / "left.txt").exists()
    assert (home / "docs" / "mine" / "left.txt").read_text() == "a line\n[erased]\n"
    assert traces(home, CANARIES) == []
