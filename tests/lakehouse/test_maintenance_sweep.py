"""Expiry and sweep: what nobody needs goes, what anybody may still need stays."""

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.expressions import AlwaysTrue

from lakehouse import backup, catalog, maintenance, publishing, registry
from lakehouse.cli.accounts import booked
from lakehouse.contract import Keeping
from lakehouse.errors import RestoreRefused
from lakehouse.lake import Lake
from lakehouse.landing import taking
from lakehouse.ledger import Erasure
from lakehouse.maintenance import expiring, sweeping
from lakehouse.publishing import Draft
from lakehouse.query import Session
from lakehouse.settings import Settings
from lakehouse.storage import Storage, StoredFile, local_path

TABLE = "gold.things"
NONE, HOUR, DAY = timedelta(0), timedelta(hours=1), timedelta(hours=24)
TRIPS = "id,start,price,city\n"
JANUARY = "1,2013-01-05T10:00:00Z,10,Bonn\n"
FEBRUARY = "2,2013-02-05T10:00:00Z,20,Bonn\n"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake of one table that readers saw in 5 versions, of which maintenance keeps 3."""
    keep(monkeypatch, 3)
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    settings = {"LAKEHOUSE_PROJECT": str(tmp_path), "LAKEHOUSE_HOME": str(tmp_path / ".lake")}
    made = Lake(Settings.load({**settings, "LAKEHOUSE_THREADS": "2"}))
    for version in range(5):
        put(made, version)
    return made


def put(lake: Lake, version: int) -> None:
    publishing.replace(lake, TABLE, pa.table({"n": [version]}), run=f"run-{version}")


def maintain(lake: Lake, **more: Any) -> maintenance.Maintained:
    return maintenance.maintain(lake, run="maintain", **{"grace": NONE, **more})


def keep(monkeypatch: pytest.MonkeyPatch, count: int, table: str = TABLE) -> None:
    """As a contract would say it of a table that has one."""
    monkeypatch.setattr(expiring, "keeping", lambda _: {table: Keeping(count)})


def data(lake: Lake) -> set[Path]:
    return set((lake.settings.home / "warehouse/gold/things/data").iterdir())


def everything(lake: Lake) -> set[Path]:
    return {file for file in (lake.settings.home / "warehouse").rglob("*") if file.is_file()}


def needed(lake: Lake) -> set[Path]:
    tables = lake.catalog.refs().tables.values()
    return {Path(local_path(url)) for table in tables for url in catalog.referred(table)}


def aged(path: Path, hours: float = 48) -> Path:
    """A file that was written some time ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text("x")
    then = time.time() - hours * 3600
    os.utime(path, (then, then))
    return path


def test_files_of_forgotten_snapshots_are_deleted(lake: Lake) -> None:
    assert len(data(lake)) == 5
    assert maintain(lake).swept.facts()["files_removed"]
    assert len(lake.catalog.table(TABLE).snapshots()) == 3
    assert len(data(lake)) == 3
    listed = {lake.settings.home / "warehouse/maintenance/condemned.json"}
    assert everything(lake) - listed == needed(lake)


def test_the_contract_says_how_many_snapshots_stay(data_lake: Any) -> None:
    data_lake.declare("trips", snapshots={"keep": 2, "days": 0})
    for number in range(4):
        data_lake.put("trips", f"{TRIPS}{number},2013-01-05T10:00:00Z,10,Bonn\n", f"{number}.csv")
    table = data_lake.lake.catalog.table("silver.trips")
    assert table.properties["history.expire.min-snapshots-to-keep"] == "2"
    maintain(data_lake.lake)
    for name in ("silver.trips", "quarantine.trips"):
        assert len(data_lake.lake.catalog.table(name).snapshots()) == 2
    # a contract that changes is followed at once
    data_lake.declare("trips", snapshots={"keep": 1})
    maintain(data_lake.lake)
    assert len(data_lake.lake.catalog.table("silver.trips").snapshots()) == 1
    assert len(data_lake.rows("silver.trips")) == 4
    assert data_lake.plan().steps == ()


def test_snapshots_within_their_days_stay(data_lake: Any) -> None:
    data_lake.declare("trips", snapshots={"keep": 1, "days": 1})
    for number in range(3):
        data_lake.put("trips", f"{TRIPS}{number},2013-01-05T10:00:00Z,10,Bonn\n", f"{number}.csv")
    maintain(data_lake.lake)
    assert len(data_lake.lake.catalog.table("silver.trips").snapshots()) == 4


def test_a_file_goes_only_after_it_was_of_no_use_for_the_grace_period(lake: Lake) -> None:
    now = datetime.now(UTC)
    told = maintain(lake, grace=DAY).swept
    assert told.facts()["files_removed"] == 0
    assert sum(place.condemned for place in told.places) > 2
    maintain(lake, grace=DAY, now=now + DAY - HOUR)
    assert len(data(lake)) == 5
    maintain(lake, grace=DAY, now=now + DAY + HOUR)
    assert len(data(lake)) == 3


def test_a_file_written_lately_is_not_touched_however_long_it_is_condemned(lake: Lake) -> None:
    orphan = aged(lake.settings.home / "warehouse/gold/things/data/orphan.parquet")
    maintain(lake, grace=DAY)
    orphan.write_text("a run is about to refer to it")
    later = datetime.now(UTC) + DAY - HOUR
    os.utime(orphan, (later.timestamp() - 60, later.timestamp() - 60))
    maintain(lake, grace=DAY, now=later + 2 * HOUR)
    assert orphan.exists()


def test_a_clock_that_was_set_back_deletes_nothing(lake: Lake) -> None:
    now = datetime.now(UTC)
    maintain(lake, grace=DAY, now=now + 100 * DAY)  # the list is of a time to come
    before = data(lake)
    maintain(lake, grace=DAY)
    maintain(lake, grace=DAY, now=now - 100 * DAY)
    assert data(lake) == before


def test_a_reader_that_is_open_still_answers(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, 1)
    with Session(lake) as session:
        for version in range(100, 124):
            put(lake, version)
        maintain(lake, grace=DAY)
        assert session.query(f"select n from {TABLE}").table["n"].to_pylist() == [4]
    with Session(lake) as session:
        assert session.query(f"select n from {TABLE}").table["n"].to_pylist() == [123]


def test_a_tag_protects_its_snapshot(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, 1)
    snapshot = list(catalog.history(lake.catalog.table(TABLE)))[2].snapshot_id
    lake.catalog.table(TABLE).manage_snapshots().create_tag(snapshot, "close").commit()
    maintain(lake)
    table = lake.catalog.table(TABLE)
    head = lake.catalog.refs().snapshot(TABLE)
    assert {s.snapshot_id for s in table.snapshots()} == {snapshot, head}
    assert table.scan(snapshot_id=snapshot).to_arrow()["n"].to_pylist() == [2]
    assert everything(lake) >= needed(lake)


def propose(lake: Lake) -> Any:
    table = lake.catalog.table(TABLE)
    url = publishing.data_url(table, "proposed")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"n": [77]}), local_path(url))
    return publishing.propose(lake, [Draft(TABLE, (url,), AlwaysTrue())], "running")[0]


def test_a_running_audit_keeps_its_branch_and_its_files(lake: Lake) -> None:
    proposal = propose(lake)
    maintain(lake, grace=DAY)
    publishing.publish(lake, [proposal])
    assert lake.catalog.table(TABLE).scan().to_arrow()["n"].to_pylist() == [77]


def test_the_branch_of_a_killed_run_goes_with_its_files(lake: Lake) -> None:
    maintain(lake)
    before = data(lake)
    proposal = propose(lake)
    assert data(lake) > before
    later = datetime.now(UTC) + DAY + HOUR
    (told,) = (t for t in maintain(lake, grace=DAY, now=later).expired.tables if t.table == TABLE)
    assert told.branches == 1
    table = lake.catalog.table(TABLE)
    assert table.refs().keys() == {"main"}
    assert table.snapshot_by_id(proposal.snapshot) is None
    maintain(lake, grace=DAY, now=later + DAY)
    assert data(lake) == before


def test_what_a_refused_publish_left_is_forgotten(lake: Lake) -> None:
    proposal = propose(lake)
    publishing.discard(lake, [proposal])
    maintain(lake)
    assert lake.catalog.table(TABLE).snapshot_by_id(proposal.snapshot) is None
    assert everything(lake) >= needed(lake)


def test_orphans_of_every_kind_go_and_nothing_else(trained_lake: Any) -> None:
    lake = trained_lake.lake
    home = lake.settings.home
    kept = [file for file in (home / "mlartifacts").rglob("*") if file.is_file()]
    orphans = [
        aged(home / "warehouse/gold/departures/data/orphan.parquet"),
        aged(home / "warehouse/gold/departures/metadata/orphan.avro"),
        aged(home / "mlartifacts/late/0123/artifacts/model/model.json"),
        aged(home / "tmp/scratch-dead/part.parquet"),
        aged(home / "dbt/tmpdead/scratch.duckdb"),
    ]
    others = [
        aged(home / "warehouse/gold/departures/notes.txt"),
        aged(home / "warehouse/somebody/elses.parquet"),
        aged(home / "tmp/catalog.txt"),
        *kept,
    ]
    for folder in ("tmp/scratch-dead", "dbt/tmpdead"):
        aged(home / folder)
    maintain(lake, grace=DAY)
    maintain(lake, grace=DAY, now=datetime.now(UTC) + DAY + HOUR)
    assert [file for file in orphans if file.exists()] == []
    assert [file for file in others if not file.exists()] == []
    assert registry.champion(lake, "late") is not None


def test_a_training_frame_keeps_its_files(
    trained_lake: Any, flights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(monkeypatch, 1, "gold.departures")
    champion = registry.champion(trained_lake.lake, "late")
    assert champion is not None
    frame = champion.manifest.frame
    for number in (1, 2, 3):
        trained_lake.publish(flights.head(number))
        maintain(trained_lake.lake)
    table = trained_lake.lake.catalog.table("gold.departures")
    assert len(table.snapshots()) == 2
    assert table.scan(snapshot_id=frame).to_arrow().num_rows == flights.height


def test_bronze_keeps_what_was_delivered_and_loses_what_was_not(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    bronze = data_lake.folder / ".lake/warehouse/bronze"
    (delivered,) = (file for file in bronze.rglob("*") if file.is_file())
    aged(delivered)
    orphans = [aged(bronze / "trips/ab/abcd.csv"), aged(bronze / "trips/ab/abcd.csv.0f.part")]
    unknown = aged(bronze / "unknown/ab/abcd.csv")
    maintain(data_lake.lake, grace=DAY)
    maintain(data_lake.lake, grace=DAY, now=datetime.now(UTC) + DAY)
    assert [file.exists() for file in (*orphans, unknown, delivered)] == [False, False, True, True]


def test_an_object_that_is_landed_again_meanwhile_is_not_lost(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier run had copied the file and was killed; another lands it as it is deleted."""

    def reach(point: str) -> None:
        if point == "landing.copied":
            for file in (data_lake.folder / ".lake/warehouse/bronze/trips").rglob("*.csv"):
                file.unlink()

    monkeypatch.setattr(taking.faults, "reach", reach)
    delivery = data_lake.land("trips", TRIPS + FEBRUARY).deliveries[0]
    assert data_lake.lake.storage.digest(data_lake.lake.object_url(delivery.object))[1] > 0


def test_what_a_run_books_after_the_look_is_not_deleted(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.put("trips", TRIPS + JANUARY)

    def reach(point: str) -> None:
        if point == "sweep.marked":
            monkeypatch.undo()
            data_lake.land("trips", TRIPS + FEBRUARY, "b.csv")

    bronze = data_lake.folder / ".lake/warehouse/bronze/trips"
    digest = hashlib.sha256((TRIPS + FEBRUARY).encode()).hexdigest()
    orphan = bronze / digest[:2] / f"{digest}.csv"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_text(TRIPS + FEBRUARY)
    monkeypatch.setattr(sweeping.faults, "reach", reach)
    maintain(data_lake.lake)
    assert orphan.exists()


def test_what_a_run_books_between_two_batches_is_not_deleted(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.put("trips", TRIPS + JANUARY)
    bronze, orphans = data_lake.folder / ".lake/warehouse/bronze/trips", {}
    for number in range(2, 5):
        text = TRIPS + f"{number},2013-02-05T10:00:00Z,20,Bonn\n"
        digest = hashlib.sha256(text.encode()).hexdigest()
        orphan = bronze / digest[:2] / f"{digest}.csv"
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_text(text)
        orphans[orphan] = text
    landed: list[Path] = []

    def progress(_: str) -> None:
        left = [orphan for orphan in orphans if orphan.exists() and orphan not in landed]
        if left:
            landed.append(left[0])
            data_lake.land("trips", orphans[left[0]], f"{len(landed)}.csv")

    monkeypatch.setattr(sweeping, "_BATCH", 1)
    maintenance.sweep(data_lake.lake, run="sweep", grace=NONE, progress=progress)
    assert {orphan for orphan in orphans if orphan.exists()} == set(landed) != set()


def test_a_folder_that_does_not_fit_the_books_is_left_alone(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another catalog's warehouse, or a store that does not tell all."""
    aged(lake.settings.home / "warehouse/gold/things/data/orphan.parquet")
    current = lake.catalog.table(TABLE).metadata_location
    whole = Storage.list

    def short(self: Storage, url: str, **more: Any) -> list[StoredFile]:
        return [file for file in whole(self, url, **more) if file.url != current]

    monkeypatch.setattr(Storage, "list", short)
    told = maintenance.sweep(lake, run="sweep", grace=NONE)
    assert [sentence.split(":")[0] for sentence in told.skipped] == [f"{TABLE} was left alone"]
    assert told.facts()["files_removed"] == 0


def test_the_folder_of_a_table_that_no_catalog_knows_is_emptied(lake: Lake) -> None:
    ghost = aged(lake.settings.home / "warehouse/gold/ghost/metadata/00000-a.metadata.json")
    rows = aged(lake.settings.home / "warehouse/gold/ghost/data/part.parquet")
    foreign = aged(lake.settings.home / "warehouse/notes/of/data/mine.txt")
    maintain(lake)
    assert not ghost.exists()
    assert not rows.exists()
    assert foreign.exists()


def test_a_backup_protects_what_it_needs(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse import backup

    backup.save(lake, "friday")
    keep(monkeypatch, 1)
    before = data(lake)
    maintain(lake)
    assert len(lake.catalog.table(TABLE).snapshots()) == 1
    assert data(lake) == before
    backup.remove(lake, "friday")
    maintain(lake)
    assert len(data(lake)) == 1


POINTS = (
    "compaction.written",
    "compaction.proposed",
    "compaction.audited",
    "compaction.published",
    "expiry.forgotten",
    "sweep.marked",
    "sweep.condemned",
    "sweep.recorded",
    "sweep.removed",
)


class Killed(BaseException):
    """Stands for a process that ends here."""


@pytest.mark.parametrize("point", POINTS)
def test_what_is_cut_off_is_completed_by_the_next(
    lake: Lake, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.catalog.table(TABLE)
    transaction = table.transaction()
    transaction.append(pa.table({"n": [99]}))
    lake.catalog.commit([catalog.staged(transaction, table)])

    def reach(reached: str) -> None:
        if reached == point:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lakehouse.faults.reach", reach)
        with pytest.raises(Killed):
            maintain(lake)
    with Session(lake) as session:
        seen = session.query(f"select n from {TABLE} order by n").table["n"].to_pylist()
    assert seen == [4, 99]
    maintain(lake)
    assert len(list(lake.catalog.table(TABLE).scan().plan_files())) == 1
    assert lake.catalog.table(TABLE).refs().keys() == {"main"}
    listed = {lake.settings.home / "warehouse/maintenance/condemned.json"}
    assert everything(lake) - listed == needed(lake)


def level(months: int) -> dict[str, Any]:
    return {"property": "retention", "value": months, "unit": "mo", "element": "trips.start"}


@pytest.fixture
def past(data_lake: Any) -> Any:
    """Trips, kept for three months: a file of January, one of January and May, both past or not."""
    data_lake.declare("trips", levels=[level(3)], bronzeRetention="delete", limit=1)
    data_lake.at("2013-05-01T00:00:00Z")
    data_lake.put("trips", TRIPS + JANUARY, "january.csv")
    data_lake.put("trips", TRIPS + JANUARY.replace("1,", "5,", 1) + FEBRUARY, "both.csv")
    data_lake.at("2013-05-10T00:00:00Z")
    return data_lake


def objects(lake: Any) -> dict[str, bool]:
    handle = lake.lake
    delivered = handle.ledger.read().delivered("trips")
    return {d.source_key: handle.storage.exists(handle.object_url(d.object)) for d in delivered}


def test_a_raw_file_goes_when_all_its_rows_are_past_retention(past: Any) -> None:
    maintain(past.lake)
    assert objects(past) == {"january.csv": True, "both.csv": True}  # readers see its rows yet
    past.refresh("trips")
    now = datetime.now(UTC)
    maintain(past.lake, grace=DAY)
    maintain(past.lake, grace=DAY, now=now + DAY - HOUR)
    assert objects(past) == {"january.csv": True, "both.csv": True}
    maintain(past.lake, grace=DAY, now=now + DAY + HOUR)
    assert objects(past) == {"january.csv": False, "both.csv": True}
    (entry,) = past.lake.ledger.read().removals
    assert (entry.delivery, entry.by) == (1, "maintain")
    assert entry.reason == ("every row of delivery 1 (january.csv) was past retention of 3 months")
    # accounted for, and wanted by no plan, however long rows are to be kept from now on
    assert past.plan().steps == ()
    past.declare("trips", levels=[level(60)], bronzeRetention="delete", limit=1, version="2.0.0")
    past.refresh("trips")
    assert sorted(past.rows("silver.trips", "id")) == [(2,), (5,)]
    assert past.plan().steps == ()
    books = past.lake.ledger.read(["silver.trips"])
    told = booked(past.lake, past.lake.contract("trips"), books)[0]
    assert (told.state, told.statement.rows, told.statement.expired) == ("expired", 1, 1)
    # landed again under another name it is another delivery
    past.put("trips", TRIPS + JANUARY, "again.csv")
    assert sorted(past.rows("silver.trips", "id")) == [(1,), (2,), (5,)]


def test_control_totals_go_with_the_file_that_they_are_about(past: Any) -> None:
    totals = {"sideFile": "{name}.totals.json", "rows": "rows"}
    said = {"levels": [level(3)], "bronzeRetention": "delete", "limit": 1}
    past.declare("trips", **said, controlTotals=totals)
    past.drop("trips", '{"rows": 1}', "march.csv.totals.json")
    past.put("trips", TRIPS + JANUARY.replace("1,", "7,", 1), "march.csv")
    handle = past.lake
    (entry,) = handle.ledger.read().claims
    for _ in range(2):
        maintain(handle)
        past.refresh("trips")
    maintain(handle)
    assert objects(past) == {"january.csv": False, "both.csv": True, "march.csv": False}
    assert not handle.storage.exists(handle.object_url(entry.object))
    assert past.plan().steps == ()


def test_a_backup_does_not_need_raw_files_that_are_gone(past: Any) -> None:
    past.refresh("trips")
    maintain(past.lake)
    assert objects(past) == {"january.csv": False, "both.csv": True}
    backup.save(past.lake, name="after")
    past.put("trips", TRIPS + FEBRUARY.replace("2,", "8,", 1), "more.csv")
    backup.restore(past.lake, "after", replace=True)
    assert objects(past) == {"january.csv": False, "both.csv": True}
    assert sorted(past.rows("silver.trips", "id")) == [(2,)]


def test_raw_files_stay_where_the_contract_does_not_say_otherwise(past: Any) -> None:
    past.declare("trips", levels=[level(3)], limit=1)
    past.refresh("trips")
    told = maintain(past.lake).swept
    assert objects(past) == {"january.csv": True, "both.csv": True}
    why = "trips: the contract does not say `bronzeRetention: delete`"
    assert dict(told.retained) == {why: 1}
    assert "1 raw file past retention stay in bronze" in told.summary()


def test_raw_files_with_rows_of_no_known_age_stay(past: Any) -> None:
    past.put("trips", TRIPS + JANUARY.replace("1,", "9,", 1) + "10,when?,10,Bonn\n", "undated.csv")
    past.refresh("trips")
    told = maintain(past.lake).swept
    assert objects(past)["undated.csv"]
    assert dict(told.retained) == {"trips: they have rows too broken to tell their age": 1}


def test_it_keeps_a_lake_on_s3_and_postgresql(make_service_lake: Any) -> None:
    lake = make_service_lake("cities")
    for people in range(3):
        lake.put("cities", f"name,people\nBonn,{people + 1}\n")
    scattered = lake.lake.catalog.table("ledger.accounts")
    assert len(list(scattered.scan().plan_files())) > 1
    lake.declare("cities", snapshots={"keep": 1})
    before = lake.rows("silver.cities")
    told = maintain(lake.lake)
    assert told.swept.facts()["files_removed"] > 0
    assert lake.rows("silver.cities") == before
    assert lake.plan().steps == ()
    handle = lake.lake
    tables = handle.catalog.refs().tables
    needed = {url for table in tables.values() for url in catalog.referred(table)}
    for table in tables.values():
        assert {file.url for file in handle.storage.list(table.location(), hidden=True)} <= needed


def test_keys_of_erasures_go_when_none_of_them_is_unfinished(data_lake: Any) -> None:
    """Killed before it is booked, or when all is done, one leaves the key of its mark."""
    data_lake.put("trips", f"{TRIPS}{JANUARY}")
    lake = data_lake.lake
    aged(lake.settings.home / "warehouse/erasing/0123456789abcdef.key")
    open_mark, done_mark, who = "a" * 64, "b" * 64, ("trips", "id")
    for number, mark, kinds in ((1, open_mark, ["begun"]), (2, done_mark, ["begun", "done"])):
        aged(Path(local_path(maintenance.key_url(lake, mark))))
        for kind in kinds:
            at = lake.settings.clock()
            lake.ledger.append([Erasure(number, *who, mark, kind, 0, "dpo", "12", at)])
    folder = lake.settings.home / "warehouse/erasing"
    maintain(lake, grace=DAY)
    assert len(list(folder.iterdir())) == 3  # a run may be about to book one of them
    maintain(lake)
    assert [file.name for file in folder.iterdir()] == [f"{'a' * 16}.key"]


@pytest.mark.parametrize("point", ["sweep.marked", "sweep.condemned", "sweep.recorded"])
def test_a_lake_that_is_restored_meanwhile_has_all_its_files(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """The backup lies elsewhere, so that nothing in the warehouse protects what it needs."""
    backup.save(lake, "friday", str(tmp_path))
    backup.remove(lake, "friday")
    keep(monkeypatch, 1)
    maintenance.expire(lake, run="expire", grace=NONE)
    deleting, refused = point == "sweep.recorded", []

    def restore() -> None:
        try:
            backup.restore(Lake(lake.settings), str(tmp_path / "friday"), replace=True)
        except RestoreRefused as error:
            refused.append(error)

    other = Thread(target=restore)

    def reach(reached: str) -> None:
        if reached == point:
            other.start()
            other.join(timeout=1 if deleting else None)  # it waits until all is deleted

    monkeypatch.setattr(sweeping.faults, "reach", reach)
    maintenance.sweep(lake, run="sweep", grace=NONE)
    other.join()
    assert needed(lake) <= everything(lake)
    assert bool(refused) == deleting


def test_a_backup_that_is_being_taken_has_all_its_files(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the catalog before snapshots were forgotten, and lists its needs after a look."""
    copied, go_on = Event(), Event()

    def reach(point: str) -> None:
        if point == "backup.copied":
            copied.set()
            go_on.wait()
        if point == "sweep.condemned":
            go_on.set()
            other.join()

    other = Thread(target=backup.save, args=(Lake(lake.settings), "friday"))
    monkeypatch.setattr(sweeping.faults, "reach", reach)
    other.start()
    copied.wait()
    keep(monkeypatch, 1)
    maintenance.expire(lake, run="expire", grace=NONE)
    maintenance.sweep(lake, run="sweep", grace=NONE)
    backup.restore(lake, "friday", replace=True)
    assert needed(lake) <= everything(lake)
