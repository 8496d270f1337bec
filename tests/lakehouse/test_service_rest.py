"""Any Iceberg REST catalog: the same promises where its server can, a plain refusal where not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.exceptions import RESTError
from requests import ReadTimeout, Session
from restcatalog import RestServer
from servers import free_port

from lakehouse import backup, catalog, maintenance, migration, outage, publishing
from lakehouse.catalog import remote, staged
from lakehouse.errors import PublishConflict, Unanswered, UsageError
from lakehouse.lake import Lake
from lakehouse.settings import Settings

CITIES = "name,people\nUtrecht,5\n"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., RestServer]]:
    started = []

    def start(**options: Any) -> RestServer:
        settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path / f"server-{len(started)}")})
        started.append(RestServer(settings, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def lake(make_data_lake: Callable[..., Any], serve: Callable[..., RestServer]) -> Any:
    made = make_data_lake("cities", "visits")
    made.server = serve()
    made.environment["LAKEHOUSE_CATALOG_URI"] = made.server.uri
    return made


def rows(lake: Any, table: str) -> list[tuple[Any, ...]]:
    found = lake.lake.catalog.table(table).scan().to_arrow().to_pylist()
    return sorted(tuple(row.values()) for row in found)


def test_a_lake_publishes_through_a_rest_catalog(lake: Any) -> None:
    lake.put("cities", CITIES + "Bonn,x\n")
    lake.put("cities", CITIES + "Essen,7\n", "b.csv")
    assert rows(lake, "silver.cities") == [("Essen", 7), ("Utrecht", 5)]
    assert not (lake.folder / ".lake" / "catalog.db").exists()
    assert "POST /v1/transactions/commit" in lake.server.requests
    refs = lake.lake.catalog.refs()
    assert set(refs.tables) == set(lake.lake.catalog.names())


def test_a_dataset_with_its_quarantine_is_published_in_one_request(lake: Any) -> None:
    lake.put("cities", CITIES)
    lake.land("cities", "name,people\nBonn,2\nKiel,x\n", "b.csv")
    del lake.server.requests[:]
    lake.refresh("cities")
    together = [one for one in lake.server.requests if one.endswith("transactions/commit")]
    assert len(together) >= 1
    assert len(rows(lake, "quarantine.cities")) == 1


def test_what_another_run_committed_first_is_a_conflict(lake: Any) -> None:
    lake.put("cities", CITIES)
    refs = lake.lake.catalog.refs()
    tables = [refs.tables[name] for name in ("silver.cities", "quarantine.cities")]
    changes = []
    for table in tables:
        transaction = table.transaction()
        transaction.append(table.schema().as_arrow().empty_table())
        changes.append(staged(transaction, table))
    tables[1].append(tables[1].schema().as_arrow().empty_table())
    before = lake.snapshots()
    with pytest.raises(PublishConflict, match="another run committed"):
        lake.lake.catalog.commit(changes)
    assert lake.snapshots() == before


def test_a_table_that_another_run_has_committed_to_is_not_dropped(lake: Any) -> None:
    columns = pa.schema([("n", pa.int64())])
    read = lake.lake.catalog.ensure("gold.things", columns)
    publishing.replace(lake.lake, "gold.things", pa.table({"n": [1]}), run="another")
    with pytest.raises(PublishConflict, match="another run committed"):
        lake.lake.catalog.drop(read)
    assert rows(lake, "gold.things") == [(1,)]
    lake.lake.catalog.drop(lake.lake.catalog.table("gold.things"))
    assert "gold.things" not in lake.lake.catalog.names()


def test_a_server_that_cannot_publish_together_is_refused_before_anything_is_published(
    make_data_lake: Callable[..., Any], serve: Callable[..., RestServer]
) -> None:
    lake = make_data_lake("cities")
    lake.environment["LAKEHOUSE_CATALOG_URI"] = serve(together=False).uri
    with pytest.raises(UsageError, match="cannot commit several tables together") as caught:
        lake.put("cities", CITIES)
    assert "postgresql://" in str(caught.value)
    refs = lake.lake.catalog.refs()
    shown = [name for name in refs.tables if name.startswith(("silver.", "quarantine."))]
    assert all(rows(lake, name) == [] for name in shown)


def test_a_server_that_is_busy_is_asked_again(lake: Any) -> None:
    lake.put("cities", CITIES)
    lake.server.busy = 2
    assert rows(lake, "silver.cities") == [("Utrecht", 5)]


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    environment = {
        "LAKEHOUSE_HOME": str(tmp_path),
        "LAKEHOUSE_CATALOG_URI": f"http://127.0.0.1:{free_port()}",
        "LAKEHOUSE_RETRIES": "1",
    }
    with pytest.raises(OSError, match="refused") as failed:
        Lake(Settings.load(environment)).catalog.names()
    assert str(outage.told(failed.value)).startswith("The REST catalog failed while answering")


@pytest.mark.parametrize("code", [401, 403, 500])
def test_a_server_that_does_not_do_it_is_named(lake: Any, code: int) -> None:
    lake.put("cities", CITIES)
    lake.server.refused = code
    with pytest.raises(RESTError) as failed:
        lake.lake.catalog.refs()
    told = outage.told(failed.value)
    assert told is not None
    assert str(told).startswith("The REST catalog failed while answering")
    assert told.exit_code == 3


def test_a_server_that_wants_to_be_left_alone_for_hours_is_not(
    lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("cities", CITIES)
    monkeypatch.setattr(remote, "_LONGEST", 0.1)
    lake.server.busy, lake.server.wait = 1, "7200"
    assert rows(lake, "silver.cities") == [("Utrecht", 5)]


def test_history_is_bounded_and_counted_as_it_is(lake: Any) -> None:
    for number in range(25):
        publishing.replace(lake.lake, "gold.things", pa.table({"n": [number]}), run=f"r{number}")
    table = lake.lake.catalog.table("gold.things")
    before = len(table.snapshots())
    assert before <= 21
    found = maintenance.expire(lake.lake, run="m")
    table = lake.lake.catalog.table("gold.things")
    assert len(table.snapshots()) == 20
    told = {one.table: one.snapshots for one in found.tables}
    assert told.get("gold.things", 0) == before - 20
    assert rows(lake, "gold.things") == [(24,)]


def test_a_table_can_lose_its_past(lake: Any) -> None:
    for number in range(25):
        publishing.replace(lake.lake, "gold.things", pa.table({"n": [number]}), run=f"r{number}")
    lake.lake.catalog.commit([catalog.renewed(lake.lake.catalog.table("gold.things"))])
    assert len(lake.lake.catalog.table("gold.things").snapshots()) == 1
    assert rows(lake, "gold.things") == [(24,)]


def test_restore_and_migrate_need_a_database(lake: Any, make_data_lake: Any) -> None:
    """They say so first: neither a file nor a model is changed."""
    own = "only be moved by its own server"
    lake.put("cities", CITIES)
    backup.save(lake.lake, "friday")
    with pytest.raises(UsageError, match=own):
        backup.restore(lake.lake, "friday", replace=True)
    source = make_data_lake("cities")
    source.put("cities", CITIES)
    lake.environment["LAKEHOUSE_WAREHOUSE"] = f"file://{lake.folder}/elsewhere"
    with pytest.raises(UsageError, match=own):
        migration.migrate(source.lake, lake.open())
    assert not (lake.folder / "elsewhere").exists()


def test_a_commit_that_was_done_though_a_gateway_said_503_is_no_conflict(lake: Any) -> None:
    publishing.replace(lake.lake, "gold.t", pa.table({"n": [1]}), run="one")
    base = lake.lake.catalog.refs(["gold.t"])
    lake.server.lost = 1
    written = publishing.replace(lake.lake, "gold.t", pa.table({"n": [1, 2]}), run="two", base=base)
    assert written.changed
    assert rows(lake, "gold.t") == [(1,), (2,)]


def test_a_commit_that_a_server_does_not_answer_may_have_been_done(
    lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.replace(lake.lake, "gold.t", pa.table({"n": [1]}), run="one")
    post = Session.post

    def silent(self: Session, url: str, **more: Any) -> Any:
        post(self, url, **more)
        raise ReadTimeout("read timed out")

    monkeypatch.setattr(Session, "post", silent)
    publishing.replace(lake.lake, "gold.t", pa.table({"n": [1, 2]}), run="two")
    assert rows(lake, "gold.t") == [(1,), (2,)]
    monkeypatch.setattr(remote, "_done", lambda *_: False)
    with pytest.raises(Unanswered, match=r"read timed out.* may or may not be published"):
        publishing.replace(lake.lake, "gold.t", pa.table({"n": [3]}), run="three")


def test_whether_a_table_is_there_is_asked_of_that_table_alone(lake: Any) -> None:
    made = lake.lake.catalog.ensure("gold.t", pa.schema([("n", pa.int64())]))
    del lake.server.requests[:]
    lake.lake.catalog.ensure("gold.t", made.schema())
    assert set(lake.server.requests) == {"GET /v1/namespaces/gold/tables/t"}
