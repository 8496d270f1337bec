"""The door: all proposals at once, only onto what was judged, and equal rows add no snapshot."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import AlwaysTrue

from lakehouse import publishing
from lakehouse.catalog import moving
from lakehouse.errors import PublishConflict

ONE = pa.table({"n": [1]})
TWO = pa.table({"n": [1, 2]})


def rows(lake: Any, table: str) -> list[int]:
    return [row[0] for row in lake.rows(table)]


def proposed(lake: Any, table: str, data: pa.Table) -> Any:
    """A proposal that replaces a table's rows."""
    target = lake.lake.catalog.ensure(table, data.schema)
    url = publishing.data_url(target, "part")
    written = lake.folder / "part.parquet"
    pq.write_table(data, written)
    lake.lake.storage.copy(f"file://{written}", url)
    draft = publishing.Draft(table, (url,), AlwaysTrue())
    return publishing.propose(lake.lake, [draft], "run")[0]


def test_a_table_is_made_and_shown(data_lake: Any) -> None:
    written = publishing.replace(data_lake.lake, "x.a", TWO, run="r")
    assert (written.rows, written.changed) == (2, True)
    assert written.snapshot == data_lake.snapshots()["x.a"]
    assert rows(data_lake, "x.a") == [1, 2]


def test_a_table_is_replaced_as_a_whole(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", TWO, run="r")
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    assert rows(data_lake, "x.a") == [1]


def test_equal_rows_add_no_snapshot_and_no_file(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", TWO, run="first")
    before = data_lake.snapshots(), sorted(data_lake.folder.rglob("*.parquet"))
    written = publishing.replace(data_lake.lake, "x.a", TWO, run="second")
    assert (written.changed, written.snapshot) == (False, before[0]["x.a"])
    assert (data_lake.snapshots(), sorted(data_lake.folder.rglob("*.parquet"))) == before


def test_equal_rows_under_other_properties_are_shown_anew(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r", properties={"lakehouse.frame": "1"})
    written = publishing.replace(
        data_lake.lake, "x.a", ONE, run="r", properties={"lakehouse.frame": "2"}
    )
    summary = data_lake.reader().load_table("x.a").current_snapshot().summary
    assert (written.changed, summary["lakehouse.frame"]) == (True, "2")


def test_a_new_column_comes_with_the_rows(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    publishing.replace(data_lake.lake, "x.a", pa.table({"n": [1], "s": ["x"]}), run="r")
    assert data_lake.rows("x.a") == [(1, "x")]


def test_no_rows_are_rows_too(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    written = publishing.replace(data_lake.lake, "x.a", ONE.slice(0, 0), run="r")
    assert (written.rows, rows(data_lake, "x.a")) == (0, [])


def test_several_tables_are_shown_at_once(data_lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, tables = data_lake.lake, {"x.a": ONE, "x.b": ONE}
    publishing.replace_many(lake, tables, run="r")
    swap, seen = moving._swap, []

    def watched(*args: Any) -> None:
        swap(*args)
        seen.append((rows(data_lake, "x.a"), rows(data_lake, "x.b")))

    monkeypatch.setattr(moving, "_swap", watched)
    publishing.replace_many(lake, {"x.a": TWO, "x.b": TWO}, run="r")
    assert seen == [([1], [1])] * 2
    assert (rows(data_lake, "x.a"), rows(data_lake, "x.b")) == ([1, 2], [1, 2])


def test_of_several_tables_the_unchanged_keep_their_snapshot(data_lake: Any) -> None:
    publishing.replace_many(data_lake.lake, {"x.a": ONE, "x.b": ONE}, run="r")
    before = data_lake.snapshots()
    written = publishing.replace_many(data_lake.lake, {"x.a": ONE, "x.b": TWO}, run="r")
    assert [one.changed for one in written] == [False, True]
    assert data_lake.snapshots()["x.a"] == before["x.a"]


def test_a_proposal_is_on_a_branch_that_readers_do_not_see(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    proposal = proposed(data_lake, "x.a", TWO)
    table = data_lake.reader().load_table("x.a")
    assert rows(data_lake, "x.a") == [1]
    assert table.scan(snapshot_id=proposal.snapshot).to_arrow()["n"].to_pylist() == [1, 2]


def test_a_published_proposal_is_main_and_its_branch_is_gone(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    proposal = proposed(data_lake, "x.a", TWO)
    done = publishing.publish(data_lake.lake, [proposal])
    assert done.snapshots == {"x.a": proposal.snapshot}
    assert list(data_lake.reader().load_table("x.a").refs()) == ["main"]
    assert rows(data_lake, "x.a") == [1, 2]


def test_a_discarded_proposal_leaves_nothing_to_see(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    publishing.discard(data_lake.lake, [proposed(data_lake, "x.a", TWO)])
    assert list(data_lake.reader().load_table("x.a").refs()) == ["main"]
    assert rows(data_lake, "x.a") == [1]


def test_discarding_twice_equals_once(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    proposal = proposed(data_lake, "x.a", TWO)
    publishing.discard(data_lake.lake, [proposal, proposal])
    assert rows(data_lake, "x.a") == [1]


def test_a_proposal_on_an_older_main_is_refused(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    proposal = proposed(data_lake, "x.a", TWO)
    publishing.replace(data_lake.lake, "x.a", pa.table({"n": [3]}), run="other")
    with pytest.raises(PublishConflict, match="another run published it during the audit"):
        publishing.publish(data_lake.lake, [proposal])
    assert rows(data_lake, "x.a") == [3]


def test_a_rollback_is_not_undone_by_a_publish_in_flight(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    first = data_lake.snapshots()["x.a"]
    publishing.replace(data_lake.lake, "x.a", TWO, run="r")
    proposal = proposed(data_lake, "x.a", pa.table({"n": [3]}))
    data_lake.reader().load_table("x.a").manage_snapshots().rollback_to_snapshot(first).commit()
    with pytest.raises(PublishConflict):
        publishing.publish(data_lake.lake, [proposal])
    assert rows(data_lake, "x.a") == [1]


def test_if_one_of_several_has_moved_none_is_published(data_lake: Any) -> None:
    publishing.replace_many(data_lake.lake, {"x.a": ONE, "x.b": ONE}, run="r")
    proposals = [proposed(data_lake, "x.a", TWO), proposed(data_lake, "x.b", TWO)]
    publishing.replace(data_lake.lake, "x.b", pa.table({"n": [3]}), run="other")
    with pytest.raises(PublishConflict, match=r"^x\.b was not published"):
        publishing.publish(data_lake.lake, proposals)
    assert (rows(data_lake, "x.a"), rows(data_lake, "x.b")) == ([1], [3])


def test_another_branch_does_not_stop_a_publish(data_lake: Any) -> None:
    publishing.replace(data_lake.lake, "x.a", ONE, run="r")
    proposal = proposed(data_lake, "x.a", TWO)
    proposed(data_lake, "x.a", pa.table({"n": [3]}))
    publishing.publish(data_lake.lake, [proposal])
    assert rows(data_lake, "x.a") == [1, 2]
