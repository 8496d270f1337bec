"""Compaction: files become few, and readers and all that was made from the rows notice nothing."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import AlwaysFalse, AlwaysTrue
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    DayTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    YearTransform,
)
from pyiceberg.types import DateType, LongType, NestedField, StringType, TimestamptzType

from lakehouse import catalog, maintenance, publishing, training
from lakehouse.errors import PublishConflict, ServiceFailed
from lakehouse.lake import Lake
from lakehouse.ledger import Erasure
from lakehouse.maintenance import auditing, compacting
from lakehouse.publishing import Draft
from lakehouse.settings import Settings
from lakehouse.storage import local_path

TABLE = "silver.trips"
SCHEMA = Schema(
    NestedField(1, "n", LongType(), required=False),
    NestedField(2, "start", TimestamptzType(), required=False),
    NestedField(3, "city", StringType(), required=False),
)
SPEC = PartitionSpec(
    PartitionField(2, 1000, MonthTransform(), "start_month"),
    PartitionField(3, 1001, IdentityTransform(), "in_city"),
)


def rows(*numbers: int, month: int = 1, city: str | None = "Bonn") -> pa.Table:
    start = pa.scalar(f"2013-{month:02}-05T10:00:00Z").cast(pa.timestamp("us", "UTC"))
    columns = {"n": list(numbers), "start": [start] * len(numbers), "city": [city] * len(numbers)}
    return pa.table(columns, schema=SCHEMA.as_arrow())


def add(lake: Lake, *tables: pa.Table) -> None:
    """Publishes rows as files of their own beside those there are."""
    found, files = lake.catalog.table(TABLE), []
    for table in tables:
        url = publishing.data_url(found, "piece")
        Path(local_path(url)).parent.mkdir(exist_ok=True)
        pq.write_table(table, local_path(url), compression="zstd")
        files.append(url)
    draft = Draft(TABLE, tuple(files), AlwaysFalse(), {"lakehouse.contract-version": "1.0.0"})
    publishing.publish(lake, publishing.propose(lake, [draft], "add"))


def scatter(lake: Lake, table: str, pieces: int) -> None:
    """Publishes a table's rows anew, every file of it as several."""
    found, files = lake.catalog.table(table), []
    for task in found.scan().plan_files():
        content = pq.read_table(local_path(task.file.file_path))
        size = -(-content.num_rows // pieces)
        for start in range(0, content.num_rows, size):
            url = publishing.data_url(found, f"piece-{uuid.uuid4().hex}")
            pq.write_table(content.slice(start, size), local_path(url), compression="zstd")
            files.append(url)
    snapshot = found.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    noted = snapshot.summary.additional_properties.items()
    kept = {name: said for name, said in noted if name.startswith("lakehouse.")}
    draft = Draft(table, tuple(files), AlwaysTrue(), kept)
    publishing.publish(lake, publishing.propose(lake, [draft], "scatter"))


def files(lake: Lake, table: str = TABLE) -> list[str]:
    return sorted(t.file.file_path for t in lake.catalog.table(table).scan().plan_files())


def content(lake: Lake) -> list[str]:
    return sorted(map(str, lake.catalog.table(TABLE).scan().to_arrow().to_pylist()))


def compact(lake: Lake, **more: Any) -> maintenance.Compacted:
    return maintenance.compact(lake, run="compact", **more)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """One table: a partition of four files, one of three whose city is unknown, one of one."""
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    settings = {"LAKEHOUSE_PROJECT": str(tmp_path), "LAKEHOUSE_HOME": str(tmp_path / ".lake")}
    made = Lake(Settings.load({**settings, "LAKEHOUSE_THREADS": "2"}))
    made.catalog.ensure(TABLE, SCHEMA, SPEC)
    add(made, *(rows(n, n + 1) for n in range(4)))
    add(
        made, *(rows(n, n + 1, month=2, city=None) for n in range(3)), rows(9, month=3, city="Köln")
    )
    return made


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What happens once at each point of a compaction."""
    planned: dict[str, Any] = {}
    monkeypatch.setattr(
        compacting.faults, "reach", lambda point: planned.pop(point, lambda: None)()
    )
    yield planned
    assert planned == {}


def test_each_partition_gets_one_file_and_no_row_is_another(lake: Lake) -> None:
    before = content(lake)
    assert len(files(lake)) == 8
    (done,) = compact(lake).tables
    assert (done.table, done.partitions, done.files, done.files_now) == (TABLE, 2, 7, 2)
    assert len(files(lake)) == 3
    assert content(lake) == before
    assert compact(lake).tables == ()


def test_a_partition_larger_than_a_file_gets_as_many_as_it_needs(lake: Lake) -> None:
    numbers = [n * 7919 % 1_000_003 for n in range(60_000)]
    add(lake, *(rows(*numbers[first : first + 6_000]) for first in range(0, 60_000, 6_000)))
    size = sum(Path(local_path(file)).stat().st_size for file in files(lake))
    before = content(lake)
    compact(lake, target=size // 3)
    made = [Path(local_path(file)).stat().st_size for file in files(lake)]
    assert 4 <= len(made) <= 6
    assert max(made) < 1.3 * size / 3
    assert content(lake) == before


def test_the_snapshot_says_what_it_is_and_what_the_one_before_said(lake: Lake) -> None:
    base = lake.catalog.refs().snapshot(TABLE)
    compact(lake)
    table = lake.catalog.table(TABLE)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary.operation.value == "replace"
    noted = ("lakehouse.contract-version", catalog.SAME_ROWS, "total-records", "total-data-files")
    assert [snapshot.summary[name] for name in noted] == ["1.0.0", str(base), "15", "3"]
    assert snapshot.parent_snapshot_id == base
    assert table.refs().keys() == {"main"}


def test_what_stands_for_the_rows_stays_until_they_change(lake: Lake) -> None:
    before = lake.catalog.refs().content(TABLE)
    for number in (20, 21):
        compact(lake)
        refs = lake.catalog.refs()
        assert refs.content(TABLE) == before
        assert refs.snapshot(TABLE) != before
        add(lake, rows(number))
        before = lake.catalog.refs().content(TABLE)
        assert before == lake.catalog.refs().snapshot(TABLE)


def test_renamed_and_new_columns_are_what_readers_see(lake: Lake) -> None:
    with lake.catalog.table(TABLE).update_schema() as change:
        change.rename_column("n", "number")
        change.add_column("fare", LongType())
    before = content(lake)
    compact(lake)
    assert content(lake) == before
    assert before[0].startswith("{'number': 0, ")


def test_rows_that_differ_are_not_published(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = catalog.batches

    def another(table: Any, bundle: Any) -> Iterator[pa.RecordBatch]:
        for batch in whole(table, bundle):
            numbers = pa.compute.add(batch["n"], pa.scalar(1))
            yield batch.set_column(0, "n", numbers)

    monkeypatch.setattr(catalog, "batches", another)
    refs = lake.catalog.refs()
    with pytest.raises(ServiceFailed, match="do not hold the rows of the old ones; readers see"):
        compact(lake)
    assert lake.catalog.refs().snapshot(TABLE) == refs.snapshot(TABLE)
    assert lake.catalog.table(TABLE).refs().keys() == {"main"}


@pytest.mark.parametrize("named", [0, 50])
def test_a_row_in_another_partition_is_found(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    """Whether the partitions are named in the filter or the whole table is read."""
    monkeypatch.setattr(auditing, "_NAMED", named)
    table = lake.catalog.table(TABLE)
    todo = catalog.bundles(table, maintenance.TARGET)
    parts = {bundle.partition for bundle in todo}
    assert parts == {(516, "Bonn"), (517, None)}
    url = publishing.data_url(table, "other")
    pq.write_table(rows(*(n + k for n in range(4) for k in (0, 1)), month=4), local_path(url))
    moved = [bundle for bundle in todo if bundle.partition == (516, "Bonn")]
    lake.catalog.commit([catalog.compacted(table, "audit-x", moved, [url], {})])
    proposal = catalog.proposed(lake.catalog.table(TABLE), "audit-x")
    with lake.connect() as connection:
        assert not auditing.same_rows(connection, table, proposal, [(516, "Bonn")])
        assert auditing.same_rows(connection, table, proposal, [(517, None)]) == bool(named)


def test_a_publish_between_audit_and_publish_wins(lake: Lake, points: dict[str, Any]) -> None:
    points["compaction.audited"] = lambda: add(lake, rows(77, 78))
    before = content(lake)
    (done,) = compact(lake).tables
    assert content(lake) == sorted([*before, *map(str, rows(77, 78).to_pylist())])
    assert (len(files(lake)), done.left) == (3, 0)
    assert lake.catalog.table(TABLE).refs().keys() == {"main"}


def test_a_publish_while_files_are_written_wins(lake: Lake, points: dict[str, Any]) -> None:
    points["compaction.written"] = lambda: publishing.publish(
        lake, publishing.propose(lake, [Draft(TABLE, (), AlwaysTrue())], "empty")
    )
    compact(lake)
    assert content(lake) == []


def test_a_table_that_is_busy_all_the_time_is_left(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(lake: Lake, proposals: Any, **_: Any) -> None:
        raise PublishConflict([proposals[0].table], "another run published it during the audit")

    monkeypatch.setattr(compacting, "publish", busy)
    before = lake.catalog.refs().snapshot(TABLE)
    (left,) = compact(lake).tables
    assert (left.files, left.left) == (0, 2)
    assert lake.catalog.refs().snapshot(TABLE) == before


def test_files_of_an_earlier_partitioning_are_left(lake: Lake) -> None:
    with lake.catalog.table(TABLE).update_spec() as change:
        change.remove_field("in_city")
    add(lake, rows(30, month=5), rows(31, month=5))
    before = content(lake)
    (done,) = compact(lake).tables
    assert (done.files, done.files_now) == (2, 1)
    assert len(files(lake)) == 9
    assert content(lake) == before


def test_nothing_is_stale_after_it(make_data_lake: Any) -> None:
    """Gold, models, and a dataset whose rows refer to another one."""
    made = make_data_lake("cities", "visits")
    made.put("cities", "name,people\nBonn,330000\nKiel,240000\n")
    scatter(made.lake, "silver.cities", 2)
    made.put("visits", "id,day,city\n1,2013-01-05,Bonn\n2,2013-01-06,Rome\n")
    snapshot = made.snapshots()["silver.cities"]
    maintenance.maintain(made.lake, run="maintain")
    assert made.snapshots()["silver.cities"] != snapshot
    assert made.plan().steps == ()
    made.put("cities", "name,people\nBonn,330000\n")
    assert [step.asset for step in made.plan().steps] == ["silver/visits"]


def test_models_and_predictions_stay_up_to_date(model_lake: Any) -> None:
    scatter(model_lake.lake, "gold.departures", 3)
    training.train(model_lake.lake, "late", run="first")
    training.predict(model_lake.lake, "late", run="first")
    scatter(model_lake.lake, "gold.predictions_late", 3)
    compact(model_lake.lake)
    for table in ("gold.departures", "gold.predictions_late"):
        assert len(files(model_lake.lake, table)) == 1
    assert not training.train(model_lake.lake, "late", run="second").changed
    assert not training.predict(model_lake.lake, "late", run="second").changed


@pytest.mark.parametrize("cut", [DayTransform(), MonthTransform(), YearTransform()])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_partitions_at_the_ends_of_time_are_compacted(
    tmp_path: Path, cut: Transform[Any, int], day: str
) -> None:
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    settings = {"LAKEHOUSE_PROJECT": str(tmp_path), "LAKEHOUSE_HOME": str(tmp_path / ".lake")}
    made = Lake(Settings.load({**settings, "LAKEHOUSE_THREADS": "2"}))
    schema = Schema(NestedField(1, "n", LongType()), NestedField(2, "day", DateType()))
    made.catalog.ensure(TABLE, schema, PartitionSpec(PartitionField(2, 1000, cut, "cut")))
    when = date.fromisoformat(day)
    add(made, *(pa.table({"n": [n], "day": [when]}, schema=schema.as_arrow()) for n in range(3)))
    before = content(made)
    assert compact(made).tables[0].files_now == 1
    assert content(made) == before


@pytest.mark.parametrize("moment", ["compaction.written", "compaction.proposed"])
def test_what_is_compacted_while_a_person_is_forgotten_is_not_kept(
    lake: Lake, points: dict[str, Any], moment: str
) -> None:
    """Whatever becomes of the rows of the table itself."""
    steps: list[list[Path]] = []

    def forget() -> None:
        steps.append(new(lake))
        now = lake.settings.clock()
        lake.ledger.append([Erasure(1, "x", "n", "mark", "passed", 0, "dpo", "12", now)])

    def new(lake: Lake) -> list[Path]:
        return sorted((lake.settings.home / "warehouse").rglob("compacted-*.parquet"))

    points[moment] = forget
    before = content(lake)
    (done,) = compact(lake).tables
    assert (done.files_now, done.left) == (2, 0)
    assert content(lake) == before
    assert len(steps[0]) == 2
    assert {str(file) for file in new(lake)}.isdisjoint(map(str, steps[0]))
    assert len(new(lake)) == 2
    assert lake.catalog.table(TABLE).refs().keys() == {"main"}


@pytest.mark.parametrize("whole", [True, False])
def test_files_deleted_while_they_are_read_are_a_conflict(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """Before the first row is read, and between two files."""
    batches, gone = catalog.batches, []

    def deleting(table: Any, bundle: Any) -> Iterator[pa.RecordBatch]:
        read = batches(table, bundle)
        if not whole:
            yield next(read)
        if not gone:
            gone.extend(local_path(task.file.file_path) for task in bundle.tasks)
            publishing.publish(
                lake, publishing.propose(lake, [Draft(TABLE, (), AlwaysTrue())], "x")
            )
            for file in gone:
                Path(file).unlink()
        yield from read

    monkeypatch.setattr(catalog, "batches", deleting)
    (done,) = compact(lake).tables
    assert (done.files, done.left) == (0, 0)
    assert content(lake) == []
    assert list((lake.settings.home / "warehouse").rglob("compacted-*.parquet")) == []


def test_a_table_of_another_maker_with_required_columns_is_left_as_it_is(lake: Lake) -> None:
    """DuckDB cannot write such a column; the others are compacted all the same."""
    lake.catalog.ensure("gold.theirs", Schema(NestedField(1, "n", LongType(), required=True)))
    rows = pa.table({"n": [1]}, schema=pa.schema([pa.field("n", pa.int64(), nullable=False)]))
    for _ in range(3):
        lake.catalog.table("gold.theirs").append(rows)
    maintenance.maintain(lake, run="maintain", grace=timedelta(0))
    assert lake.catalog.table("gold.theirs").scan().to_arrow().num_rows == 3
