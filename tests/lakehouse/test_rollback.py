"""Back to an earlier publish: what readers see, what holds it, and what ends the hold."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from lakehouse import dbt_manifest, faults, ingestion, publishing, quality, rollback
from lakehouse.cli.accounts import booked, total
from lakehouse.errors import RollbackRefused, TagRefused, UnknownName
from lakehouse.ingestion import refreshing
from lakehouse.ledger import Build, Rollback
from lakehouse.ledger.rollback import standing
from lakehouse.query import Session

TRIPS = "id,start,price,city\n"
WHO = {"by": "ada", "note": "wrong prices"}


def trip(number: int, month: str = "2013-01", price: object = 5) -> str:
    return f"{number},{month}-05T10:00:00Z,{price},Bonn\n"


def ids(lake: Any, table: str = "silver.trips") -> list[int]:
    return sorted(row[0] for row in lake.rows(table, "id"))


def broken(lake: Any) -> int:
    return len(lake.rows("quarantine.trips"))


def seen(lake: Any) -> str:
    return str(lake.snapshots()["silver.trips"])


def back(lake: Any, to: str, table: str = "silver.trips") -> rollback.RolledBack:
    return rollback.rollback(lake.lake, table, to, **WHO)


@pytest.fixture
def twice(data_lake: Any) -> Any:
    """Trips published twice: 1 and 2 with one broken row, then 3 with another; `first` is how."""
    data_lake.put("trips", TRIPS + trip(1) + trip(2, "2013-02") + trip(8, price=999))
    data_lake.first = seen(data_lake)
    data_lake.put("trips", TRIPS + trip(3) + trip(9, price=999), "b.csv")
    return data_lake


@pytest.fixture
def brief(twice: Any) -> Any:
    """The same, but the table keeps few snapshots, so that few publishes make it forget."""
    twice.declare("trips", snapshots={"keep": 4})
    return twice


def test_rows_and_quarantine_go_back_together(twice: Any) -> None:
    done = back(twice, twice.first)
    assert (ids(twice), broken(twice)) == ([1, 2], 1)
    silver = f"silver.trips: readers see 2 rows of snapshot {twice.first} again, not 3"
    assert done.summary().startswith(silver)
    assert "quarantine.trips: readers see 1 row of snapshot" in done.summary()


def test_quality_shows_the_verdicts_on_what_readers_see(twice: Any) -> None:
    def judged() -> set[int]:
        return {one.sequence for one in twice.lake.ledger.judgements("trips")}

    page = quality.page(twice.lake.settings.home, "trips")
    first, second = sorted(judged())
    shown = page.read_text()
    back(twice, twice.first)
    assert judged() == {first}
    assert page.read_text().count("<tr") < shown.count("<tr")
    twice.put("trips", TRIPS + trip(6), "c.csv")
    assert judged() > {first}
    assert second not in judged()


def test_the_move_and_its_entry_are_one_transaction(
    twice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(point: str) -> None:
        if point == "commit.moved":  # of the tables, one is moved
            raise RuntimeError("the database went away")

    monkeypatch.setattr(faults, "reach", refuse)
    with pytest.raises(RuntimeError):
        back(twice, twice.first)
    assert (ids(twice), twice.lake.ledger.read().rollbacks) == ([1, 2, 3], ())


def test_the_entry_tells_who_why_and_from_where_to_where(twice: Any) -> None:
    latest = int(seen(twice))
    back(twice, twice.first)
    entry = twice.lake.ledger.read().rollbacks[0]
    assert (entry.number, entry.dataset, entry.kind) == (1, "trips", "rolled_back")
    assert (entry.from_snapshot, entry.to_snapshot) == (latest, int(twice.first))
    assert (entry.by, entry.note) == ("ada", "wrong prices")


def test_a_rollback_holds_over_a_refresh_and_says_so(twice: Any) -> None:
    back(twice, twice.first)
    assert "nothing to do. silver.trips [2013-01] would be made anew, but" in (
        twice.refresh("trips").summary()
    )
    assert ids(twice) == [1, 2]


def test_plan_tells_of_the_hold(twice: Any) -> None:
    back(twice, twice.first)
    plan = twice.plan()
    assert plan.steps == ()
    assert plan.holds == (
        "silver.trips [2013-01] would be made anew, but rollback 1 by ada on 2014-01-01 "
        f"(wrong prices) holds it at snapshot {twice.first} until its inputs change or "
        "`lakehouse release silver.trips`.",
    )


def test_new_deliveries_of_other_partitions_go_onto_what_was_rolled_back_to(twice: Any) -> None:
    back(twice, twice.first)
    twice.put("trips", TRIPS + trip(4, "2013-03"), "c.csv")
    assert ids(twice) == [1, 2, 4]
    assert list(twice.state("trips").kept) == ["2013-01"]


def test_a_new_delivery_of_a_held_partition_ends_its_hold(twice: Any) -> None:
    back(twice, twice.first)
    twice.put("trips", TRIPS + trip(5), "c.csv")
    assert ids(twice) == [1, 2, 3, 5]
    assert twice.state("trips").kept == {}


def test_a_hold_that_ended_does_not_come_back_with_the_inputs_of_then(twice: Any) -> None:
    back(twice, twice.first)
    twice.put("trips", TRIPS + trip(5), "c.csv")
    twice.decide("withdrawn", 3)
    assert twice.state("trips").stale == {"2013-01": "delivery 3 (c.csv) withdrawn"}


def test_a_withdrawal_ends_the_hold(twice: Any) -> None:
    back(twice, twice.first)
    twice.decide("withdrawn", 1)
    assert set(twice.state("trips").stale) == {"2013-01", "2013-02"}


def test_a_changed_contract_ends_the_hold(twice: Any) -> None:
    back(twice, twice.first)
    twice.declare("trips", version="1.1.0", rowRules=[{"name": "cheap", "sql": "price < 100"}])
    assert set(twice.state("trips").stale) == {"2013-01", "2013-02"}


def test_what_is_released_is_stale_and_made_anew(twice: Any) -> None:
    back(twice, twice.first)
    told = rollback.release(twice.lake, "silver.trips", by="ada", note="mended").summary()
    assert told.startswith("silver.trips is released")
    assert twice.state("trips").stale == {"2013-01": "new delivery 2 (b.csv)"}
    twice.refresh("trips")
    assert (ids(twice), broken(twice)) == ([1, 2, 3], 2)


def test_what_nothing_holds_cannot_be_released(twice: Any) -> None:
    with pytest.raises(RollbackRefused, match=r"was not released: no rollback holds it"):
        rollback.release(twice.lake, "silver.trips", **WHO)
    back(twice, twice.first)
    rollback.release(twice.lake, "silver.trips", **WHO)
    with pytest.raises(RollbackRefused, match=r"no rollback holds it"):
        rollback.release(twice.lake, "silver.trips", **WHO)


def test_a_rollback_of_a_rollback_brings_back_what_was_published(twice: Any) -> None:
    latest = seen(twice)
    back(twice, twice.first)
    back(twice, latest)
    assert (ids(twice), broken(twice)) == ([1, 2, 3], 2)
    assert (twice.state("trips").stale, twice.state("trips").kept) == ({}, {})
    assert twice.plan().holds == ()


def test_every_row_is_accounted_for(twice: Any) -> None:
    back(twice, twice.first)
    lake = twice.lake
    entries = booked(lake, lake.contract("trips"), lake.ledger.read(lake.catalog.names()))
    assert [entry.state for entry in entries] == ["published", "held"]
    whole = total(entries)
    assert (whole.rows, whole.published, whole.quarantined, whole.waiting) == (5, 2, 1, 2)


def test_what_was_rolled_back_never_counts_though_its_snapshots_are_forgotten(brief: Any) -> None:
    back(brief, brief.first)
    for number in range(10, 16):
        brief.put("trips", TRIPS + trip(number, "2013-04"), f"{number}.csv")
    kept = {line.snapshot for line in rollback.snapshots(brief.lake, "silver.trips").snapshots}
    assert brief.first not in kept
    assert list(brief.state("trips").kept) == ["2013-01"]
    assert {2, 3} & set(brief.state("trips").held["2013-01"].deliveries) == set()


def test_content_that_comes_again_is_a_new_input(data_lake: Any) -> None:
    def reading(temp: int) -> str:
        return f"station,time,temp\nA,2013-02-05T12:00:00Z,{temp}\n"

    data_lake.put("readings", reading(1))
    first = str(data_lake.snapshots()["silver.readings"])
    data_lake.put("readings", reading(2))
    back(data_lake, first, "silver.readings")
    data_lake.put("readings", reading(2))
    assert data_lake.rows("silver.readings", "temp") == [(1.0,)]
    data_lake.put("readings", reading(1))
    assert data_lake.rows("silver.readings", "temp") == [(1.0,)]
    assert data_lake.state("readings").kept == {}
    data_lake.put("readings", reading(2))
    assert data_lake.rows("silver.readings", "temp") == [(2.0,)]


def test_what_is_made_from_it_is_stale(data_lake: Any) -> None:
    data_lake.put("cities", "name,people\nBonn,1\n")
    first = str(data_lake.snapshots()["silver.cities"])
    data_lake.put("cities", "name,people\nBonn,2\n")
    data_lake.put("visits", "id,day,city\n1,2013-01-05,Bonn\n")
    back(data_lake, first, "silver.cities")
    assert data_lake.state("visits").stale == {"2013-01": "silver.cities was published anew"}


# --- runs that are at work meanwhile ------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something happen once between the audit of a refresh and its publish."""

    def place(act: Callable[[], object]) -> None:
        original = refreshing.audit

        def audited(*args: Any) -> Any:
            found = original(*args)
            monkeypatch.setattr(refreshing, "audit", original)
            act()
            return found

        monkeypatch.setattr(refreshing, "audit", audited)

    return place


def test_a_publish_in_flight_does_not_undo_a_rollback(
    twice: Any, meanwhile: Callable[..., None]
) -> None:
    twice.land("trips", TRIPS + trip(6), "c.csv")
    meanwhile(lambda: rollback.rollback(twice.open(), "silver.trips", twice.first, **WHO))
    twice.refresh("trips")
    assert ids(twice) == [1, 2]


def test_nor_where_readers_see_again_what_it_started_from(
    twice: Any, meanwhile: Callable[..., None]
) -> None:
    def there_and_back() -> None:
        latest, lake = seen(twice), twice.open()
        rollback.rollback(lake, "silver.trips", twice.first, **WHO)
        rollback.rollback(lake, "silver.trips", latest, **WHO)

    twice.land("trips", TRIPS + trip(6), "c.csv")
    meanwhile(there_and_back)
    twice.refresh("trips")
    assert ids(twice) == [1, 2, 3]
    assert list(twice.state("trips").kept) == ["2013-01"]


def test_a_publish_of_another_partition_in_flight_goes_onto_the_rollback(
    twice: Any, meanwhile: Callable[..., None]
) -> None:
    twice.land("trips", TRIPS + trip(6, "2013-06"), "c.csv")
    earlier = twice.open()

    def roll_back() -> None:
        rollback.rollback(earlier, "silver.trips", twice.first, **WHO)
        twice.land("trips", TRIPS + trip(7, "2013-06"), "d.csv")

    meanwhile(roll_back)
    ingestion.refresh(twice.lake, "trips", run="test")
    assert ids(twice) == [1, 2, 6, 7]


# --- what is meant, and what is refused ---------------------------------------------------------


def test_a_time_means_what_readers_saw_then(twice: Any) -> None:
    time.sleep(1.001)  # a shown time is to the second, and means its end
    twice.put("trips", TRIPS + trip(4), "d.csv")
    lines = rollback.snapshots(twice.lake, "silver.trips").snapshots
    before = lines[1]
    assert ids(twice) == [1, 2, 3, 4]
    assert back(twice, before.at).entry.to_snapshot == int(before.snapshot)
    assert ids(twice) == [1, 2, 3]


def test_a_time_between_two_publishes_means_the_earlier(twice: Any) -> None:
    history = twice.reader().load_table("silver.trips").history()
    late = datetime.fromtimestamp((history[-1].timestamp_ms - 1) / 1000, UTC)
    back(twice, late.isoformat())
    assert ids(twice) == [1, 2]


def test_a_time_before_the_first_snapshot_is_refused(twice: Any) -> None:
    with pytest.raises(RollbackRefused, match=r"the first snapshot that is kept is of 20"):
        back(twice, "2001-01-01")


def test_an_unknown_snapshot_is_refused_with_those_there_are(twice: Any) -> None:
    with pytest.raises(UnknownName, match=twice.first):
        back(twice, "123")
    with pytest.raises(UnknownName, match=r"no snapshot, tag or time 'easter'"):
        back(twice, "easter")


def test_a_snapshot_on_a_branch_was_never_seen(twice: Any, meanwhile: Callable[..., None]) -> None:
    def try_the_branch() -> None:
        table = twice.reader().load_table("silver.trips")
        proposed = next(r.snapshot_id for n, r in table.refs().items() if n != "main")
        with pytest.raises(UnknownName, match="no published snapshot"):
            rollback.rollback(twice.open(), "silver.trips", str(proposed), **WHO)

    twice.land("trips", TRIPS + trip(6), "c.csv")
    meanwhile(try_the_branch)
    twice.refresh("trips")


def test_a_forgotten_snapshot_is_told_from_an_unknown_one(brief: Any) -> None:
    for number in range(10, 15):
        brief.put("trips", TRIPS + trip(number, "2013-04"), f"{number}.csv")
    with pytest.raises(RollbackRefused, match=rf"snapshot {brief.first} is forgotten; kept: "):
        back(brief, brief.first)


def test_the_oldest_snapshot_that_is_kept_is_still_there_after_going_back(brief: Any) -> None:
    for number in range(10, 14):
        brief.put("trips", TRIPS + trip(number, "2013-04"), f"{number}.csv")
    oldest = rollback.snapshots(brief.lake, "silver.trips").snapshots[-1]
    assert back(brief, oldest.snapshot).tables["silver.trips"].rows == oldest.rows
    assert len(ids(brief)) == oldest.rows


def test_where_readers_are_already_is_refused(twice: Any) -> None:
    with pytest.raises(RollbackRefused, match=r"readers see snapshot \d+ already"):
        back(twice, seen(twice))


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("ledger.deliveries", "the ledger only grows"),
        ("quarantine.trips", r"it goes with its dataset, silver\.trips"),
    ],
)
def test_tables_that_do_not_go_back_by_themselves(twice: Any, table: str, why: str) -> None:
    with pytest.raises(RollbackRefused, match=why):
        back(twice, twice.first, table)


def test_rows_under_an_earlier_contract_stay_readable(data_lake: Any) -> None:
    columns = [
        {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
        {
            "name": "start",
            "logicalType": "timestamp",
            "partitioned": True,
            "primaryKey": True,
            "primaryKeyPosition": 2,
        },
        {"name": "price", "logicalType": "number"},
        {"name": "city", "logicalType": "string"},
    ]
    data_lake.put("trips", TRIPS + trip(1))
    first = seen(data_lake)
    absent = [{"property": "mayBeAbsent", "value": True}]
    wide = [*columns, {"name": "km", "logicalType": "integer", "customProperties": absent}]
    data_lake.declare("trips", version="1.1.0", columns=wide)
    data_lake.put("trips", "id,start,price,city,km\n2,2013-01-06T00:00:00Z,1,Bonn,7\n", "b.csv")
    back(data_lake, first)
    with Session(data_lake.lake) as session:
        rows = session.query("select id, city from silver.trips").table.to_pylist()
    assert rows == [{"id": 1, "city": "Bonn"}]
    assert data_lake.rows("silver.trips", "id") == [(1,)]
    assert list(data_lake.state("trips").kept) == ["2013-01"]
    listed = rollback.snapshots(data_lake.lake, "silver.trips").snapshots
    assert [line.contract for line in listed] == ["1.1.0", "1.0.0", ""]
    data_lake.put("trips", "id,start,price,city,km\n3,2013-02-06T00:00:00Z,1,Bonn,9\n", "c.csv")
    assert data_lake.rows("silver.trips", "id", "km") == [(1, None), (3, 9)]


def test_the_contract_may_be_set_back_with_the_table(data_lake: Any) -> None:
    """Readers rely on what they see, not on what was published in between."""
    data_lake.put("trips", TRIPS + trip(1))
    first = seen(data_lake)
    file = data_lake.folder / "assets" / "contracts" / "trips.odcs.yaml"
    columns = json.loads(file.read_text())["schema"][0]["properties"]
    absent = [{"property": "mayBeAbsent", "value": True}]
    columns.append({"name": "km", "logicalType": "integer", "customProperties": absent})
    data_lake.declare("trips", version="1.1.0", columns=columns)
    data_lake.put("trips", "id,start,price,city,km\n2,2013-01-06T00:00:00Z,1,Bonn,7\n", "b.csv")
    back(data_lake, first)
    data_lake.declare("trips")
    assert data_lake.put("trips", TRIPS + trip(3), "c.csv").refusals() == ()
    assert (3,) in data_lake.rows("silver.trips", "id")


def test_a_table_that_went_back_to_its_beginning_keeps_its_history(twice: Any) -> None:
    empty = rollback.snapshots(twice.lake, "silver.trips").snapshots[-1]
    latest = seen(twice)
    back(twice, empty.snapshot)
    assert (ids(twice), broken(twice)) == ([], 0)
    twice.declare("trips", version="2.0.0", month="2012-01")
    twice.refresh("trips")
    known = {str(s.snapshot_id) for s in twice.reader().load_table("silver.trips").snapshots()}
    assert latest in known


# --- tags and the list of snapshots -------------------------------------------------------------


def test_a_tag_keeps_a_publish_and_leads_back_to_it(brief: Any) -> None:
    rollback.tag(brief.lake, "silver.trips", "good", brief.first)
    for number in range(10, 18):
        brief.put("trips", TRIPS + trip(number, "2013-04"), f"{number}.csv")
    assert brief.state("trips").stale == {}
    back(brief, "good")
    assert (ids(brief), broken(brief)) == ([1, 2], 1)


def test_a_tag_names_quarantine_too(twice: Any) -> None:
    named = rollback.tag(twice.lake, "silver.trips", "good")
    assert sorted(named.snapshots) == ["quarantine.trips", "silver.trips"]
    assert rollback.tag(twice.lake, "silver.trips", "good").snapshots == {}
    gone = rollback.untag(twice.lake, "silver.trips", "good")
    assert sorted(gone.snapshots) == ["quarantine.trips", "silver.trips"]
    assert list(twice.reader().load_table("quarantine.trips").refs()) == ["main"]


@pytest.mark.parametrize("name", ["main", "audit-1", "train-late-1", "12", "a b", "../x", "'"])
def test_names_that_are_taken_or_ambiguous_are_refused(twice: Any, name: str) -> None:
    with pytest.raises(TagRefused, match="a name begins with a letter"):
        rollback.tag(twice.lake, "silver.trips", name)


def test_a_tag_is_not_moved_and_not_made_up(twice: Any) -> None:
    rollback.tag(twice.lake, "silver.trips", "good", twice.first)
    with pytest.raises(TagRefused, match=rf"it names snapshot {twice.first} of silver\.trips"):
        rollback.tag(twice.lake, "silver.trips", "good")
    with pytest.raises(UnknownName, match="Did you mean 'good'"):
        rollback.untag(twice.lake, "silver.trips", "goood")


def test_the_list_tells_what_became_of_each_snapshot(twice: Any) -> None:
    latest = seen(twice)
    rollback.tag(twice.lake, "silver.trips", "good", twice.first)
    back(twice, "good")
    found = rollback.snapshots(twice.lake, "silver.trips")
    notes = {line.snapshot: (line.note, line.tags) for line in found.snapshots}
    assert notes[latest] == ("rolled back", ())
    assert notes[twice.first] == ("readers see this one", ("good",))
    assert found.rollbacks == (
        f"1: silver.trips from {latest} to {twice.first} by ada on 2014-01-01 00:00, wrong prices",
    )
    assert json.loads(json.dumps(found.facts()))["table"] == "silver.trips"


# --- which publishes count ----------------------------------------------------------------------


def entry(number: int, last: int, to: int, kind: str = "rolled_back") -> Rollback:
    at = datetime(2014, 1, 1, tzinfo=UTC)
    return Rollback(number, "x", "silver.x", kind, 0, 0, last, to, "{}", "", "", at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "counted"),
    [
        ([], range(1, 15)),
        ([entry(1, 10, 4)], [1, 2, 3, 4, 11, 12, 13, 14]),
        ([entry(1, 10, 4), entry(2, 10, 4, "released")], [1, 2, 3, 4, 11, 12, 13, 14]),
        ([entry(1, 10, 4), entry(2, 12, 8)], [1, 2, 3, 4, 5, 6, 7, 8, 13, 14]),
        ([entry(1, 10, 4), entry(2, 12, 11)], [1, 2, 3, 4, 11, 13, 14]),
        ([entry(1, 5, 2), entry(2, 8, 7), entry(3, 9, 4)], [1, 2, 3, 4, 10, 11, 12, 13, 14]),
    ],
)
def test_the_publishes_that_count(entries: list[Rollback], counted: Any) -> None:
    assert [number for number in range(1, 15) if standing(entries, number)] == list(counted)


def test_a_build_that_was_rolled_back_is_not_found_again_by_a_table_it_left_as_it_was(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = data_lake.lake
    data_lake.put("cities", "name,people\nBonn,1\n")
    models = [SimpleNamespace(table=table) for table in ("gold.a", "gold.b")]
    project = SimpleNamespace(models=models, sources=["silver.cities"], fingerprint="f")
    monkeypatch.setattr(dbt_manifest, "load", lambda _: project)

    def build(number: int, a: int, b: int) -> dict[str, str]:
        made = {"gold.a": pa.table({"n": [a]}), "gold.b": pa.table({"n": [b]})}
        written = publishing.replace_many(lake, made, run=f"r{number}")
        outputs = {one.table: str(one.snapshot) for one in written}
        inputs = json.dumps({"silver.cities": "1"})
        lake.ledger.append([Build(number, "gold", "f", inputs, json.dumps(outputs))])
        return outputs

    first = build(1, 1, 1)
    assert build(2, 1, 666)["gold.a"] == first["gold.a"]
    back(data_lake, first["gold.b"], "gold.b")
    build(3, 3, 3)
    back(data_lake, first["gold.a"], "gold.a")
    assert data_lake.rows("gold.b") == [(1,)]


@pytest.mark.parametrize("said", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "²"])
def test_what_is_no_time_and_no_number_is_told_as_such(twice: Any, said: str) -> None:
    with pytest.raises(UnknownName, match="There is no snapshot, tag or time"):
        back(twice, said)
