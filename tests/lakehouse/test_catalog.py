"""The catalog: consistent reads, commits of several tables that all happen or none."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import AlwaysTrue, EqualTo, visitors
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, LongType, NestedField, StringType

from lakehouse import catalog
from lakehouse.catalog import Catalog, Change, evolve, merging, retrying, rewrite
from lakehouse.errors import BreakingChange, LakeFormatError, PublishConflict, UnknownName
from lakehouse.settings import Settings

NUMBERS = Schema(NestedField(1, "n", LongType(), required=False))


def opened(folder: Path, **more: str) -> Catalog:
    return Catalog(Settings.load({"LAKEHOUSE_HOME": str(folder), **more}))


@pytest.fixture
def lake(tmp_path: Path) -> Catalog:
    """A catalog with tables x.a and x.b."""
    made = opened(tmp_path)
    for name in ("x.a", "x.b"):
        made.ensure(name, NUMBERS)
    return made


def appended(lake: Catalog, name: str, number: int) -> Change:
    """An append of one row, staged on the table as it is now."""
    table = lake.table(name)
    transaction = table.transaction()
    transaction.append(pa.table({"n": [number]}))
    return catalog.staged(transaction, table)


def numbers(lake: Catalog, name: str) -> list[int]:
    return sorted(lake.table(name).scan().to_arrow()["n"].to_pylist())


def test_a_new_table_has_an_empty_snapshot(lake: Catalog) -> None:
    assert lake.refs().snapshot("x.a") is not None
    assert numbers(lake, "x.a") == []


def test_a_table_carries_the_format_of_the_lake(lake: Catalog) -> None:
    assert lake.table("x.a").properties["lakehouse.format"] == catalog.FORMAT_VERSION


def test_a_table_of_a_newer_format_is_refused(lake: Catalog) -> None:
    newer = {"lakehouse.format": str(int(catalog.FORMAT_VERSION) + 1)}
    lake.table("x.a").transaction().set_properties(newer).commit_transaction()
    for look in (lambda: lake.refs(["x.a"]), lambda: lake.table("x.a")):
        with pytest.raises(
            LakeFormatError, match=r"has format (\d+), this version knows up to \d+"
        ):
            look()
    assert list(lake.refs(["x.b"]).tables) == ["x.b"]


def test_ensuring_a_table_again_adds_no_snapshot(lake: Catalog) -> None:
    before = lake.locations()
    lake.ensure("x.a", NUMBERS)
    assert lake.locations() == before


def field(name: str, type: IcebergType, id: int = 1) -> NestedField:
    return NestedField(id, name, type, required=False)


def test_a_new_column_is_added_and_old_rows_stay(lake: Catalog) -> None:
    lake.commit([appended(lake, "x.a", 1)])
    evolve(lake.table("x.a"), Schema(*NUMBERS.fields, field("s", StringType(), 2)), {}, "")
    assert lake.table("x.a").scan().to_arrow().to_pylist() == [{"n": 1, "s": None}]


def test_a_column_that_a_contract_drops_stays_for_its_readers(lake: Catalog) -> None:
    lake.commit([appended(lake, "x.a", 1)])
    evolve(lake.table("x.a"), Schema(field("m", LongType())), {}, "")
    assert lake.table("x.a").scan().to_arrow().to_pylist() == [{"n": 1, "m": None}]


def test_a_column_of_another_type_is_refused_before_anything_changes(lake: Catalog) -> None:
    before = lake.locations()
    with pytest.raises(BreakingChange, match=r"column n is published as long, .* says string"):
        evolve(lake.table("x.a"), Schema(field("n", StringType())), {}, "readers see 1 row")
    assert lake.locations() == before


def test_a_table_that_is_as_it_should_be_is_not_touched(lake: Catalog) -> None:
    evolve(lake.table("x.a"), NUMBERS, {"n": "number"}, "")
    before = lake.locations()
    evolve(lake.table("x.a"), NUMBERS, {"n": "number"}, "")
    assert lake.locations() == before


def test_a_column_is_renamed_by_its_id_and_back(lake: Catalog) -> None:
    lake.commit([appended(lake, "x.a", 1)])
    for name in ("n", "m", "n"):
        evolve(lake.table("x.a"), Schema(field(name, LongType())), {name: "number"}, "")
        assert lake.table("x.a").scan().to_arrow().to_pylist() == [{name: 1}]


def test_a_table_that_another_run_has_changed_meanwhile_is_looked_at_again(lake: Catalog) -> None:
    stale = lake.table("x.a")
    evolve(lake.table("x.a"), Schema(*NUMBERS.fields, field("t", StringType(), 2)), {}, "")
    evolve(stale, Schema(*NUMBERS.fields, field("s", StringType(), 2)), {"s": "text"}, "")
    assert [column.name for column in lake.table("x.a").schema().fields] == ["n", "t", "s"]


def test_rewriting_brings_rows_and_columns_at_the_same_moment(
    lake: Catalog, tmp_path: Path
) -> None:
    lake.commit([appended(lake, "x.a", 1)])
    old, data = lake.refs().snapshot("x.a"), pa.table({"n": ["one"], "m": [2]})
    pq.write_table(data, tmp_path / "new.parquet")
    file = f"file://{tmp_path}/new.parquet"
    change, snapshot = rewrite(lake.table("x.a"), data.schema, [file], {})
    assert lake.table("x.a").scan().to_arrow().to_pylist() == [{"n": 1}]
    lake.commit([change])
    table = lake.table("x.a")
    assert table.scan().to_arrow().to_pylist() == [{"n": "one", "m": 2}]
    assert lake.refs().snapshot("x.a") == snapshot
    assert table.scan(snapshot_id=old).to_arrow().to_pylist() == [{"n": 1}]


def test_an_unknown_table_is_refused_with_the_nearest(lake: Catalog) -> None:
    with pytest.raises(UnknownName, match=r"There is no table 'x\.aa'\. Did you mean 'x\.a'\?"):
        lake.table("x.aa")


def test_names_are_sorted(lake: Catalog) -> None:
    lake.ensure("a.z", NUMBERS)
    assert lake.names() == ("a.z", "x.a", "x.b")


def test_refs_leave_out_what_is_not_there(lake: Catalog) -> None:
    refs = lake.refs(["x.a", "x.c"])
    assert (list(refs.tables), refs.snapshot("x.c")) == (["x.a"], None)


def test_refs_stay_at_their_moment(lake: Catalog) -> None:
    refs = lake.refs()
    lake.commit([appended(lake, "x.a", 1)])
    assert refs.tables["x.a"].scan().to_arrow().num_rows == 0


def test_a_commit_moves_all_tables(lake: Catalog) -> None:
    lake.commit([appended(lake, "x.a", 1), appended(lake, "x.b", 2)])
    assert (numbers(lake, "x.a"), numbers(lake, "x.b")) == ([1], [2])


@pytest.mark.parametrize("moved", ["x.a", "x.b"])
def test_a_commit_that_lost_one_table_moves_none(lake: Catalog, moved: str) -> None:
    changes = [appended(lake, "x.a", 1), appended(lake, "x.b", 2)]
    lake.commit([appended(lake, moved, 9)])
    before = lake.locations()
    with pytest.raises(PublishConflict, match=moved):
        lake.commit(changes)
    assert lake.locations() == before


def test_of_two_commits_on_one_base_the_second_loses(lake: Catalog, tmp_path: Path) -> None:
    first, second = appended(lake, "x.a", 1), appended(opened(tmp_path), "x.a", 2)
    opened(tmp_path).commit([second])
    with pytest.raises(PublishConflict, match="another run committed at the same time"):
        lake.commit([first])
    assert numbers(lake, "x.a") == [2]


def test_main_must_still_be_what_was_judged(lake: Catalog) -> None:
    table = lake.table("x.a")
    base = table.metadata.current_snapshot_id
    lake.commit([appended(lake, "x.a", 1)])
    change = appended(lake, "x.a", 2)
    judged = Change(change.table, change.updates, (catalog.still_at(base),))
    with pytest.raises(PublishConflict, match=r"x\.a"):
        lake.commit([judged])
    assert numbers(lake, "x.a") == [1]


def test_a_proposal_is_accepted_only_onto_the_main_it_was_made_from(lake: Catalog) -> None:
    proposal = catalog.propose(lake, "x.a", "audit", [], AlwaysTrue(), properties={})
    table = lake.table("x.a")
    table.append(pa.table({"n": [1]}))
    with pytest.raises(PublishConflict, match=r"x\.a"):
        lake.commit([catalog.accept(lake.table("x.a"), proposal)])
    assert numbers(lake, "x.a") == [1]


def test_a_commit_of_nothing_changes_nothing(lake: Catalog) -> None:
    before = lake.locations()
    lake.commit([Change(lake.table("x.a"), ())])
    assert lake.locations() == before


@pytest.mark.parametrize(("hours", "left"), [("0", 4), ("24", 9)])
def test_old_metadata_files_are_limited_once_no_reader_can_have_them_open(
    lake: Catalog, tmp_path: Path, hours: str, left: int
) -> None:
    lake = opened(tmp_path, LAKEHOUSE_GRACE_HOURS=hours)
    lake.table("x.a").transaction().set_properties(
        {"write.metadata.previous-versions-max": "3"}
    ).commit_transaction()
    for number in range(6):
        lake.commit([appended(lake, "x.a", number)])
    files = list((tmp_path / "warehouse" / "x" / "a" / "metadata").glob("*.metadata.json"))
    assert len(files) == left


def test_a_manifest_is_judged_by_its_own_partitions_whoever_asks_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyIceberg asks from several threads at once, and answered at times for another's manifest."""
    lake = opened(tmp_path)
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "by_name"))
    lake.ensure("x.p", Schema(NestedField(1, "name", StringType(), required=False)), spec)
    for name in ("a", "b"):
        table = lake.table("x.p")
        transaction = table.transaction()
        transaction.append(pa.table({"name": [name]}))
        lake.commit([catalog.staged(transaction, table)])
    table = lake.table("x.p")
    change = merging.overwrite(table.transaction(), table)
    for task in table.scan(row_filter=EqualTo("name", "a")).plan_files():
        change.delete_data_file(task.file)
    change._build_delete_files_partition_predicate()
    holds = change._build_manifest_evaluator(table.spec().spec_id)
    head = table.current_snapshot()
    assert head is not None
    of_b, of_a, *_ = head.manifests(table.io)
    assert (holds(of_a), holds(of_b)) == (True, False)
    visit = visitors.visit

    def overtaken(expression: object, visitor: object) -> object:
        monkeypatch.setattr(visitors, "visit", visit)
        holds(of_b)
        return visit(expression, visitor)

    monkeypatch.setattr(visitors, "visit", overtaken)
    assert holds(of_a)


def test_pauses_grow_until_many_runs_have_had_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert list(retrying.attempts(20)) == [False] * 19 + [True]
    assert pauses[0] < 0.05
    assert max(pauses) <= 5
    assert sum(pauses) > 25
