"""PostgreSQL goes away in the middle of a run: each commit is made once, or told as not made."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lakes
import pytest
import seeing
from harness import Nursery
from psycopg2.extensions import TRANSACTION_STATUS_INTRANS as INTRANS
from servers import Postgres
from sqlalchemy import Connection, event
from tallying import Tally

from lakehouse import landing
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long


class Shared:
    """A lake whose catalog is in PostgreSQL; each run brings one more file."""

    def __init__(self, root: Path, nursery: Nursery, postgres: Postgres) -> None:
        self.root, self.nursery, self.postgres, self.count = root, nursery, postgres, 0
        lakes.declare(root / "project")
        uri = postgres.create("torture")
        more = {"LAKEHOUSE_CATALOG_URI": uri, "LAKEHOUSE_TIMEOUT": "5"}
        self.environment = lakes.environment(root, more.items())

    @property
    def lake(self) -> Lake:
        """A new handle."""
        return Lake(Settings.load(self.environment))

    def deliver(self) -> None:
        """A producer replaces the cities."""
        self.count += 1
        text = f"name,people\nBonn,{self.count}\n".encode()
        lakes.deliver(self.root / "lake" / "landing", {"cities": {f"{self.count:03}.csv": text}})

    def hold(self) -> None:
        """Readers see the newest file, booked once, with nothing left to do."""
        lake = self.lake
        refs = lake.catalog.refs(["silver.cities"])
        rows = refs.tables["silver.cities"].scan().to_arrow().to_pylist()
        assert [row["people"] for row in rows] == [self.count]
        books = seeing.booked(lake)["cities"]
        assert [row[0] for row in books["deliveries"]] == list(range(1, self.count + 1))
        assert (books["stale"], books["unread"]) == ({}, [])


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, nursery: Nursery, postgres: Postgres
) -> Iterator[Shared]:
    made = Shared(tmp_path_factory.mktemp("shared"), nursery, postgres)
    made.deliver()
    made.nursery.start("silver", made.environment, datasets=["cities"]).done()
    made.hold()
    yield made
    shutil.rmtree(made.root)


POINTS = [
    "landing.copied:1",
    "commit.staged:1",
    "commit.moved:1",
    "commit.done:1",
    "refresh.audited:1",
    "commit.moved:4",
    "commit.done:3",
]
BRIEF = ("commit.moved:4",)


@pytest.mark.parametrize("point", POINTS)
def test_a_run_outlasts_a_restart(
    point: str, shared: Shared, tally: Tally, postgres: Postgres, long: bool
) -> None:
    if not long and point not in BRIEF:
        pytest.skip("only in `make torture`")
    shared.deliver()
    armed = {**shared.environment, "LAKEHOUSE_FAULT": f"{point}:stop"}
    child = shared.nursery.start("silver", armed, datasets=["cities"])
    _stopped(child.pid)
    postgres.restart()
    os.kill(child.pid, signal.SIGCONT)
    tally.injected("PostgreSQL restarted")
    child.done()
    shared.hold()


def test_a_commit_whose_answer_is_lost_is_made_once(shared: Shared, tally: Tally) -> None:
    """The server commits, and the connection breaks before it says so."""
    shared.deliver()
    lake, lost = shared.lake, []
    landing.land(lake, "cities", (), run="before")
    shared.deliver()
    engine = lake.catalog.iceberg.engine

    def lose(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        if not lost and raw.info.transaction_status == INTRANS:
            lost.append(raw)
            raw.commit()
            connection.connection.dbapi_connection.close()  # type: ignore[union-attr]

    event.listen(engine, "commit", lose)
    landing.land(lake, "cities", (), run="lost")
    event.remove(engine, "commit", lose)
    assert lost
    tally.injected("PostgreSQL answer lost")
    shared.nursery.start("silver", shared.environment, datasets=["cities"]).done()
    shared.hold()


def test_a_database_that_is_away_is_told(shared: Shared, tally: Tally, postgres: Postgres) -> None:
    shared.deliver()
    postgres.stop("immediate")
    try:
        child = shared.nursery.start("command", shared.environment, words=["land", "cities"])
        code, told = child.wait(), child.told()
    finally:
        postgres.start()
    tally.injected("PostgreSQL away")
    assert code == 3, told
    assert "lakehouse doctor" in told
    assert postgres.password not in told
    shared.nursery.start("silver", shared.environment, datasets=["cities"]).done()
    shared.hold()


def _stopped(pid: int) -> None:
    """Waits until a process has stopped."""
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        assert time.monotonic() < until, "the run did not come to the point"
        time.sleep(0.01)
