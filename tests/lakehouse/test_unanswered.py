"""Commits that were done but whose answer was lost: what is published stays, and is told so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.expressions import AlwaysFalse
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError

from lakehouse import catalog, outage, publishing, rollback
from lakehouse.catalog import moving
from lakehouse.errors import PublishConflict, Unanswered
from lakehouse.ledger import Rollback

TRIPS = "id,start,price,city\n"
ONE, TWO = pa.table({"n": [1]}), pa.table({"n": [1, 2]})


def trip(number: int) -> str:
    return f"{number},2013-01-05T10:00:00Z,5,Bonn\n"


def lose(lake: Any, meanwhile: Callable[[], object], *, done: bool = True) -> list[int]:
    """Lets the connection go at the next commit, which is done or not, before something else."""
    lost: list[int] = []

    def commit(connection: Any) -> None:
        if lost:
            return
        lost.append(1)
        raw = connection.connection.dbapi_connection
        raw.commit() if done else raw.rollback()
        meanwhile()
        why = Exception("server closed the connection unexpectedly")
        raise DBAPIError("COMMIT", None, why, connection_invalidated=True)

    event.listen(lake.catalog.iceberg.engine, "commit", commit)
    return lost


def tagging(data_lake: Any, name: str) -> Callable[[], object]:
    """Another run's commit to a table, which leaves its rows."""
    other = data_lake.open()

    def tag() -> None:
        table = other.catalog.table(name)
        number = table.current_snapshot().snapshot_id
        other.catalog.commit([catalog.tag(table, "train-late-1", number)])

    return tag


def test_files_that_readers_need_stay(data_lake: Any) -> None:
    lake = data_lake.lake
    publishing.replace(lake, "gold.t", ONE, run="one")
    base = lake.catalog.refs(["gold.t"])
    lost = lose(lake, tagging(data_lake, "gold.t"))
    written = publishing.replace(lake, "gold.t", TWO, run="two", base=base)
    assert lost
    assert written.snapshot == data_lake.snapshots()["gold.t"]
    assert sorted(data_lake.rows("gold.t")) == [(1,), (2,)]


def test_one_table_tells_for_all_that_moved_with_it(data_lake: Any) -> None:
    lake = data_lake.lake
    publishing.replace_many(lake, {"gold.s": ONE, "gold.t": ONE}, run="one")
    base = lake.catalog.refs(["gold.s", "gold.t"])
    lose(lake, tagging(data_lake, "gold.s"))
    publishing.replace_many(lake, {"gold.s": TWO, "gold.t": TWO}, run="two", base=base)
    assert len(data_lake.rows("gold.s")) == len(data_lake.rows("gold.t")) == 2


def test_a_commit_that_was_not_done_and_came_too_late_is_a_conflict(data_lake: Any) -> None:
    lake, other = data_lake.lake, data_lake.open()
    publishing.replace(lake, "gold.t", ONE, run="one")
    base = lake.catalog.refs(["gold.t"])
    lose(lake, lambda: publishing.replace(other, "gold.t", TWO, run="other"), done=False)
    with pytest.raises(PublishConflict, match="another run published it in the meantime"):
        publishing.replace(lake, "gold.t", pa.table({"n": [3]}), run="two", base=base)
    assert sorted(data_lake.rows("gold.t")) == [(1,), (2,)]


def test_a_rollback_that_was_done_is_told_as_done(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1))
    first = str(data_lake.snapshots()["silver.trips"])
    data_lake.put("trips", TRIPS + trip(2), "b.csv")
    data_lake.lake.ledger.table(Rollback)
    lose(data_lake.lake, tagging(data_lake, "silver.trips"))
    done = rollback.rollback(data_lake.lake, "silver.trips", first, by="ada", note="wrong")
    assert done.tables["silver.trips"].snapshot == int(first)
    assert [row[0] for row in data_lake.rows("silver.trips", "id")] == [1]


def test_a_branch_that_was_committed_keeps_its_manifests(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1))
    lake = data_lake.lake
    lose(lake, tagging(data_lake, "silver.trips"))
    publishing.propose(lake, [publishing.Draft("silver.trips", (), AlwaysFalse())], "mine")
    table = data_lake.open().catalog.table("silver.trips")
    for known in table.snapshots():
        listed = [known.manifest_list, *(one.manifest_path for one in known.manifests(table.io))]
        assert all(Path(path.removeprefix("file://")).exists() for path in listed)


def test_what_nobody_can_tell_is_not_called_unchanged(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = data_lake.lake
    publishing.replace(lake, "gold.t", ONE, run="one")

    def away(_: object) -> None:
        raise OperationalError("SELECT", None, Exception("connection refused"))

    lose(lake, lambda: monkeypatch.setattr(moving, "rows", away))
    with pytest.raises(Unanswered, match="may or may not be published") as failed:
        publishing.replace(lake, "gold.t", TWO, run="two")
    assert failed.value.exit_code == 3
    assert outage.told(failed.value) is failed.value
    assert sorted(data_lake.rows("gold.t")) == [(1,), (2,)]
