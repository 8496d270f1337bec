"""Any number of runs at once, in processes of their own, on files and on servers."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import racing
from pyiceberg.expressions import AlwaysFalse

from lakehouse import registry, training
from lakehouse.admitting import look
from lakehouse.catalog import Catalog
from lakehouse.lake import Lake
from lakehouse.publishing import Draft, propose
from lakehouse.settings import Settings

pytestmark = pytest.mark.long

TRIPS = "id,start,price,city\n"
MONTHS = [f"2013-{month:02}" for month in range(1, 7)]
PUBLISHES = {"embedded": 200, "service": 40}


def trip(number: int, month: str = "2013-01", price: object = 5) -> str:
    return f"{number},{month}-05T10:00:00Z,{price},Bonn\n"


@pytest.fixture(params=["embedded", pytest.param("service", marks=pytest.mark.long)])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(backend: str, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a lake on files and SQLite, or on S3 and PostgreSQL."""
    name = "make_data_lake" if backend == "embedded" else "make_service_lake"
    found: Callable[..., Any] = request.getfixturevalue(name)
    return found


def environment(lake: Any) -> dict[str, str]:
    """What another process needs to open the same lake."""
    return {
        "LAKEHOUSE_PROJECT": str(lake.folder),
        "LAKEHOUSE_HOME": str(lake.folder / ".lake"),
        "LAKEHOUSE_NOW": lake.now,
        "LAKEHOUSE_THREADS": "1",
        **lake.environment,
    }


def ids(lake: Any) -> list[int]:
    return sorted(row[0] for row in lake.rows("silver.trips", "id"))


@pytest.mark.long
def test_first_runs_on_an_empty_lake_all_land(make: Callable[..., Any]) -> None:
    lake = make("trips", "readings", "cities")
    lake.drop("trips", TRIPS + trip(1))
    lake.drop("readings", "station,time,temp\nA,2013-02-05T12:00:00Z,1\n")
    lake.drop("cities", "name,people\nBonn,1\n")
    env = environment(lake)
    told = racing.race([(racing.take, (env, name)) for name in ("trips", "readings", "cities")])
    assert [one.split(":")[1] for one in told] == [" 1 row in 1 partition published"] * 3
    books = lake.lake.ledger.read()
    assert sorted(delivery.number for delivery in books.deliveries) == [1, 2, 3]
    assert sorted(account.published for account in books.accounts) == [1, 1, 1]


def test_runs_on_different_partitions_all_land(make: Callable[..., Any]) -> None:
    lake = make("trips")
    rows = "".join(trip(n, month) + trip(100 + n, month, 999) for n, month in enumerate(MONTHS))
    lake.land("trips", TRIPS + rows)
    env = environment(lake)
    told = racing.race([(racing.refresh, (env, "trips", month)) for month in MONTHS])
    ending = "1 row in 1 partition published, 1 quarantined"
    assert told == [f"silver/trips: {ending}"] * 6
    assert ids(lake) == [0, 1, 2, 3, 4, 5]
    assert len(lake.rows("quarantine.trips")) == 6
    assert lake.state("trips").stale == {}
    names = [
        list(lake.lake.catalog.table(f"{layer}.trips").refs()) for layer in ("silver", "quarantine")
    ]
    assert names == [["main"], ["main"]]


def test_runs_on_one_partition_give_one_complete_result(make: Callable[..., Any]) -> None:
    lake = make("trips")
    lake.land("trips", TRIPS + trip(1) + trip(2) + trip(3, price=999))
    told = racing.race([(racing.refresh, (environment(lake), "trips", "2013-01"))] * 3)
    assert sorted(told) == [
        "silver/trips: 2 rows in 1 partition published, 1 quarantined",
        *["silver/trips: up to date"] * 2,
    ]
    assert (ids(lake), len(lake.rows("quarantine.trips"))) == ([1, 2], 1)
    assert len(look(lake.lake, lake.lake.contract("trips")).books.accounts) == 1


@pytest.mark.long
def test_readers_see_whole_publishes_while_there_are_many(
    make: Callable[..., Any], backend: str
) -> None:
    env, times = environment(make("trips")), PUBLISHES[backend]
    _, answers = racing.race(
        [(racing.write_pairs, (env, times)), (racing.read_pairs, (env, times))]
    )
    assert {answer[:2] for answer in answers} <= {(0, 0), (3, 3)}
    assert [answer for answer in answers if answer[2] != answer[3]] == []
    seen = [answer[2] for answer in answers]
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_a_branch_has_all_rows_though_others_commit_while_it_is_made(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_lake.put("trips", TRIPS + trip(1) + trip(2, "2013-02"))
    lake, other, commit = data_lake.lake, data_lake.open(), Catalog.commit

    def late(self: Catalog, changes: Any) -> None:
        monkeypatch.setattr(Catalog, "commit", commit)
        propose(other, [Draft("silver.trips", (), AlwaysFalse())], "other")
        commit(self, changes)

    monkeypatch.setattr(Catalog, "commit", late)
    made = propose(lake, [Draft("silver.trips", (), AlwaysFalse())], "mine")[0]
    table = lake.catalog.table("silver.trips")
    assert len(table.refs()) == 3
    rows = table.scan(snapshot_id=made.snapshot).to_arrow()
    assert sorted(rows["id"].to_pylist()) == [1, 2]


def test_no_training_loses_its_row(model_lake: Any, flights: pl.DataFrame) -> None:
    first = model_lake.lake
    training.train(first, "late", run="first")
    base = first.catalog.refs(["models.late"])
    model_lake.publish(flights.head(flights.height - 1))
    training.train(model_lake.lake, "late", run="second")
    assert base.snapshot("models.late") != model_lake.lake.catalog.refs().snapshot("models.late")
    rows = model_lake.lake.catalog.table("models.late").scan().to_arrow()
    assert sorted(rows["run"].to_pylist()) == ["first", "second"]


@pytest.mark.long
def test_trainings_at_once_on_a_new_store_leave_one_champion(
    model_lake: Any,
) -> None:
    (model_lake.folder / ".lake" / "mlflow.db").unlink()
    env = {
        "LAKEHOUSE_PROJECT": str(model_lake.folder),
        "LAKEHOUSE_HOME": str(model_lake.folder / ".lake"),
        "LAKEHOUSE_NOW": model_lake.now,
    }
    racing.race([(racing.train, (env, "late"))] * 2)
    lake = Lake(Settings.load(env))
    rows = lake.catalog.table("models.late").scan().to_arrow()
    assert rows["training"].to_pylist() == [1]
    champion, left = registry.champion(lake, "late"), registry.standing(lake, "late")
    assert champion is not None
    assert left is not None
    assert champion.version == left.champion == 1
