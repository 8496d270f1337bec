"""A run that is killed anywhere leaves readers a complete state, and the next run completes."""

from collections.abc import Callable
from typing import Any

import pytest

from lakehouse import landing
from lakehouse.catalog import Catalog, moving
from lakehouse.ingestion import refreshing
from lakehouse.landing import taking
from lakehouse.ledger import Ledger
from lakehouse.storage import Storage

TRIPS = "id,start,price,city\n"
OLD = TRIPS + "1,2013-01-05T10:00:00Z,10,Bonn\n2,2013-01-05T10:00:00Z,999,Bonn\n"
NEW = (
    TRIPS
    + "3,2013-01-05T10:00:00Z,30,Bonn\n4,2013-02-05T10:00:00Z,999,Bonn\n"
    + ("5,2013-02-05T10:00:00Z,50,Bonn\n")
)
BEFORE = [1], [2]
AFTER = [1, 3, 5], [2, 4]

Kill = Callable[[object, str, int, str], None]


class Killed(BaseException):
    """Stands for the end of the process: nothing in the engine catches it."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """Ends the process before, or after, the n-th call of a function."""

    def at(owner: object, name: str, call: int, when: str) -> None:
        original, calls = getattr(owner, name), iter(range(1, 1000))

        def dying(*args: Any, **more: Any) -> Any:
            doomed = next(calls) == call
            if doomed and when == "before":
                raise Killed
            done = original(*args, **more)
            if doomed:
                raise Killed
            return done

        monkeypatch.setattr(owner, name, dying)

    return at


def seen(lake: Any) -> tuple[list[int], list[int]]:
    """Ids of the published trips, and of those in quarantine."""
    ids = [row[0] for row in lake.rows("silver.trips", "id")]
    return ids, sorted(int(row[0].split(",")[0]) for row in lake.rows("quarantine.trips", "raw"))


LANDING = [
    (Storage, "copy", 1, "before"),
    (Storage, "copy", 1, "after"),
    (Storage, "rename", 1, "before"),
    (Storage, "rename", 1, "after"),
    (Ledger, "number", 1, "before"),
    (Ledger, "number", 1, "after"),
    (taking, "read_new", 1, "before"),
    (taking, "read_new", 1, "after"),
]


@pytest.mark.parametrize(("owner", "name", "call", "when"), LANDING)
def test_landing_killed_anywhere_is_completed_by_the_next_run(
    data_lake: Any,
    kill: Kill,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    call: int,
    when: str,
) -> None:
    data_lake.drop("trips", NEW)
    kill(owner, name, call, when)
    with pytest.raises(Killed):
        landing.land(data_lake.lake, "trips", run="killed")
    monkeypatch.undo()
    landing.land(data_lake.open(), "trips", run="next")
    delivered = data_lake.lake.ledger.read().delivered("trips")
    assert [(d.number, d.size) for d in delivered] == [(1, len(NEW))]
    assert data_lake.state("trips").unread == ()


SILENT = [
    (refreshing, "read_new", 1, "before"),
    (refreshing, "write", 1, "before"),
    (refreshing, "write", 1, "after"),
    (refreshing, "propose", 1, "before"),
    (Catalog, "table", 2, "after"),
    (refreshing, "propose", 1, "after"),
    (refreshing, "audit", 1, "before"),
    (refreshing, "audit", 1, "after"),
    (refreshing, "publish", 1, "before"),
    (Catalog, "commit", 1, "before"),
    (moving, "_swap", 1, "after"),
    (moving, "_swap", 2, "after"),
    (moving, "_swap", 3, "after"),
    (moving, "_swap", 4, "after"),
    (moving, "_swap", 5, "after"),
    (moving, "_swap", 6, "after"),
]
SHOWN = [
    (refreshing, "publish", 1, "after"),
]


def killed_refresh(lake: Any, kill: Kill, monkeypatch: pytest.MonkeyPatch, *at: Any) -> None:
    lake.put("trips", OLD)
    lake.land("trips", NEW, "b.csv")
    kill(*at)
    with pytest.raises(Killed):
        lake.refresh("trips")
    monkeypatch.undo()


@pytest.mark.parametrize(("owner", "name", "call", "when"), SILENT)
def test_a_refresh_killed_before_it_publishes_shows_nothing(
    data_lake: Any,
    kill: Kill,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    call: int,
    when: str,
) -> None:
    killed_refresh(data_lake, kill, monkeypatch, owner, name, call, when)
    assert seen(data_lake) == BEFORE
    data_lake.refresh("trips")
    assert seen(data_lake) == AFTER


@pytest.mark.parametrize(("owner", "name", "call", "when"), SHOWN)
def test_a_refresh_killed_after_it_published_shows_all(
    data_lake: Any,
    kill: Kill,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    call: int,
    when: str,
) -> None:
    killed_refresh(data_lake, kill, monkeypatch, owner, name, call, when)
    assert seen(data_lake) == AFTER
    assert data_lake.state("trips").stale == {}


def test_the_first_refresh_killed_while_tables_are_made_is_completed(
    data_lake: Any, kill: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.land("trips", OLD)
    kill(Catalog, "ensure", 1, "after")
    with pytest.raises(Killed):
        data_lake.refresh("trips")
    monkeypatch.undo()
    data_lake.refresh("trips")
    assert seen(data_lake) == BEFORE
