"""A person is forgotten where other programs are at work, and where runs and models left traces."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lakehouse import backup, erasing, faults, landing, maintenance, publishing
from lakehouse.erasing import databases
from lakehouse.erasing import traces as places
from lakehouse.errors import UsageError

WHO, NAME = "MRN-000777", "Zyxwanda"
COLUMNS: list[dict[str, Any]] = [
    {"name": "tag", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "called", "logicalType": "string"},
]
ROWS = f"tag,called\nM2,Al\n{WHO},{NAME}\nM3,Bo\n"
QUOTING = '{"dataset": "patients", "text": "patients: observed 7, for example x"}'
Traces = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def patients(make_data_lake: Callable[..., Any]) -> Any:
    lake = make_data_lake()
    lake.declare("patients", delivery="incremental", columns=COLUMNS, limit=1)
    lake.put("patients", ROWS)
    return lake


def forget(lake: Any, key: str = f"tag={WHO}") -> erasing.Erased:
    who = erasing.Person.parse(lake.lake.contract("patients"), [key])
    return erasing.forget(lake.lake, who, by="dpo", note="request 12", run="forget")


@contextmanager
def dagster(lake: Any, rows: int = 200) -> Iterator[sqlite3.Connection]:
    """The events of a Dagster that runs: a database that is open, most of it in its log."""
    file: Path = lake.folder / ".lake" / "dagster" / "history" / "runs" / "index.db"
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE event_logs (id INTEGER PRIMARY KEY, event TEXT)")
        opened.execute("CREATE TABLE kvs (key TEXT, value TEXT)")
        events = [(QUOTING,)] * rows + [(f"row {WHO} of patients",)]
        opened.executemany("INSERT INTO event_logs (event) VALUES (?)", events)
        opened.execute("INSERT INTO kvs VALUES (NULL, ?)", (f"cursor {WHO}",))
        yield opened


def counted(opened: sqlite3.Connection) -> tuple[Any, Any]:
    (rows,) = opened.execute("SELECT count(*) FROM event_logs").fetchone()
    return rows, opened.execute("PRAGMA integrity_check").fetchone()[0]


def test_a_database_that_is_open_elsewhere_stays_whole(patients: Any, traces: Traces) -> None:
    with dagster(patients) as opened:
        assert traces(patients.folder / ".lake" / "dagster", [WHO])
        assert forget(patients).refusals() == ()
        assert counted(opened) == (201, "ok")
        assert opened.execute("SELECT value FROM kvs").fetchall() == [("cursor [erased]",)]
        assert traces(patients.folder, [WHO, "example x"]) == []
        opened.execute("INSERT INTO event_logs (event) VALUES ('next')")
        assert counted(opened) == (202, "ok")


def test_who_reads_a_database_keeps_it_from_being_done(
    patients: Any, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of an older state keeps the log, which has what was overwritten."""
    monkeypatch.setattr(databases, "_PATIENCE", 0.1)
    with dagster(patients) as opened:
        file = opened.execute("PRAGMA database_list").fetchone()[2]
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM event_logs").fetchall()
            done = forget(patients)
            assert traces(patients.folder, [WHO])
            (why,) = done.refusals()
            assert "index.db may still have overwritten rows" in why
            assert "run the same command again" in why
        assert "Erasure 1 of patients by tag was begun" in patients.plan().waits[0]
        again = forget(patients)
        assert (again.erasure, again.records, again.refusals()) == (1, 1, ())
        assert traces(patients.folder, [WHO]) == []
        assert patients.plan().waits == ()


def test_a_store_of_models_outside_the_home(patients: Any, tmp_path: Path, traces: Traces) -> None:
    patients.environment = {"LAKEHOUSE_TRACKING_URI": f"sqlite:///{tmp_path}/models.db"}
    patients.at(patients.now)
    with closing(sqlite3.connect(tmp_path / "models.db")) as opened, opened:
        opened.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, note TEXT)")
        opened.execute("INSERT INTO runs (note) VALUES (?)", (f"about {WHO}",))
    assert forget(patients).refusals() == ()
    assert traces(tmp_path, [WHO]) == []


def test_scratch_of_a_killed_build_goes_however_young(patients: Any, traces: Traces) -> None:
    home: Path = patients.folder / ".lake"
    scratch = home / "dbt" / "tmp-killed" / "scratch.duckdb"
    scratch.parent.mkdir(parents=True)
    with duckdb.connect(str(scratch)) as opened:
        tags = "'MRN-' || lpad(range::VARCHAR, 6, '0') AS tag FROM range(5000)"
        opened.execute(f"CREATE TABLE t AS SELECT {tags}")
    assert WHO.encode() not in scratch.read_bytes()  # it is packed
    spilled = home / "tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    spilled.parent.mkdir(parents=True, exist_ok=True)
    spilled.write_bytes(b"\0\1\2")
    foreign = home / "tmp" / "scratch-1" / "others.csv"
    foreign.parent.mkdir()
    foreign.write_text("tag,called\nM9,Di\n")
    manifest = home / "dbt" / "manifest-1.json"
    manifest.write_text("{}")
    forget(patients)
    assert not scratch.exists()
    assert not spilled.exists()
    assert foreign.exists()
    assert manifest.exists()


def test_a_value_is_known_by_the_way_its_type_writes_it(
    make_data_lake: Callable[..., Any], traces: Traces
) -> None:
    lake = make_data_lake()
    ssn = {**COLUMNS[0], "name": "ssn", "logicalType": "integer"}
    lake.declare("patients", delivery="incremental", columns=[ssn, COLUMNS[1]], limit=1)
    lake.put("patients", "ssn,called\n1,Al\n536228726,Bo\n")
    page = lake.folder / ".lake" / "docs" / "page.txt"
    page.parent.mkdir(exist_ok=True)
    page.write_text("row 536228726 is bad\n")
    assert forget(lake, "ssn=0536228726").records == 1
    assert page.read_text() == "row 0 is bad\n"
    assert traces(lake.folder, ["536228726"]) == []


def test_tables_that_nothing_declares_any_more(patients: Any, traces: Traces) -> None:
    """One shows the person, one has them in its past, one is of others."""
    theirs, none = {"tag": [WHO, "M2"]}, {"tag": ["M2"]}
    publishing.replace(patients.lake, "gold.old_report", pa.table(theirs), run="x")
    publishing.replace(patients.lake, "monitoring.drift_old", pa.table(theirs), run="x")
    publishing.replace(patients.lake, "monitoring.drift_old", pa.table(none), run="y")
    publishing.replace(patients.lake, "gold.of_others", pa.table(none), run="x")
    before = patients.snapshots()["gold.of_others"]
    patients.plan()
    assert {"gold.old_report", "monitoring.drift_old"} <= set(
        erasing.seek(
            patients.lake, erasing.Person.parse(patients.lake.contract("patients"), [WHO])
        ).tables
    )
    done = forget(patients)
    assert (done.refusals(), set(done.tables) >= {"gold.old_report"}) == ((), True)
    assert traces(patients.folder, [WHO]) == []
    assert patients.rows("gold.old_report") == []
    assert patients.rows("monitoring.drift_old") == [("M2",)]
    assert patients.snapshots()["gold.of_others"] == before


def test_a_person_whose_raw_files_are_past_retention(
    make_data_lake: Callable[..., Any], traces: Traces
) -> None:
    """Their rows are in no raw file, and a tag keeps them."""
    day = {
        "name": "day",
        "logicalType": "date",
        "partitioned": True,
        "primaryKey": True,
        "primaryKeyPosition": 2,
    }
    level = {"property": "retention", "value": 3, "unit": "mo", "element": "patients.day"}
    lake = make_data_lake()
    lake.declare(
        "patients",
        delivery="incremental",
        month="2013-01",
        columns=[*COLUMNS, day],
        limit=1,
        levels=[level],
        bronzeRetention="delete",
    )
    lake.at("2013-02-01T00:00:00Z")
    file = lake.drop("patients", f"tag,called,day\nM2,Al,2013-01-05\n{WHO},{NAME},2013-01-06\n")
    landing.land(lake.lake, "patients", run="land")
    lake.refresh("patients")
    silver = lake.lake.catalog.table("silver.patients")
    silver.manage_snapshots().create_tag(silver.current_snapshot().snapshot_id, "kept").commit()
    file.unlink()
    lake.at("2014-01-01T00:00:00Z")
    lake.refresh("patients")
    maintenance.sweep(lake.lake, run="x", grace=timedelta(0))
    assert len(lake.lake.ledger.read().removals) == 1
    assert traces(lake.folder, [WHO])
    who = erasing.Person.parse(lake.lake.contract("patients"), [f"tag={WHO}"])
    sought = erasing.seek(lake.lake, who)
    assert (sought.records, [hit.source_key for hit in sought.hits]) == (0, ["silver.patients"])
    assert "silver.patients still has rows of theirs, which are in no raw file" in sought.summary()
    done = forget(lake)
    assert (done.records, done.refusals()) == (0, ())
    assert traces(lake.folder, [WHO, NAME]) == []
    with pytest.raises(UsageError, match="No record of patients"):
        forget(lake)


class Killed(BaseException):
    """Stands for the end of the process: nothing in the engine catches it."""


def test_a_backup_that_was_never_finished_goes(
    patients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(name: str) -> None:
        if name == "backup.stored":
            raise Killed

    monkeypatch.setattr(faults, "reach", reach)
    with pytest.raises(Killed):
        backup.save(patients.lake, "half")
    monkeypatch.undo()
    folder: Path = patients.folder / ".lake" / "warehouse" / "backups"
    assert backup.listed(patients.lake).backups == ()
    assert [file for file in folder.rglob("*") if file.is_file()]
    forget(patients)
    assert [file for file in folder.rglob("*") if file.is_file()] == []


def test_a_backup_that_was_being_taken_is_taken_anew(
    patients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the registry as it was when only tables were cleared, and all its files are there."""
    cleared, saving, blot = Event(), Event(), places.blot
    reached: list[str] = []

    def slow(*about: Any) -> int:
        cleared.set()
        saving.wait()
        return blot(*about)

    monkeypatch.setattr(places, "blot", slow)
    forgetting = Thread(target=forget, args=(patients,))
    forgetting.start()
    cleared.wait()

    def reach(name: str) -> None:
        reached.append(name)
        if name == "backup.stored" and reached.count(name) == 1:
            saving.set()
            forgetting.join()

    monkeypatch.setattr(faults, "reach", reach)
    saved = backup.save(patients.open(), "mine")
    assert reached.count("backup.copied") == 2
    assert backup.listed(patients.lake).backups == (saved.backup,)
