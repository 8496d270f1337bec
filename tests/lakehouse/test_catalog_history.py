"""How much of a table's history its metadata keeps."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import AlwaysFalse
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from lakehouse import catalog
from lakehouse.catalog import Catalog
from lakehouse.settings import Settings
from lakehouse.storage import local_path

NUMBERS = Schema(NestedField(1, "n", LongType(), required=False))


@pytest.fixture
def lake(tmp_path: Path) -> Catalog:
    made = Catalog(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))
    made.ensure("x.a", NUMBERS)
    return made


def append(lake: Catalog, number: int) -> None:
    table = lake.table("x.a")
    transaction = table.transaction()
    transaction.append(pa.table({"n": [number]}))
    lake.commit([catalog.staged(transaction, table)])


def test_metadata_does_not_grow_with_every_commit(lake: Catalog) -> None:
    sizes = []
    for number in range(60):
        append(lake, number)
        sizes.append(len(lake.table("x.a").metadata.model_dump_json()))
    assert sizes[59] <= 1.05 * sizes[39]
    assert sorted(lake.table("x.a").scan().to_arrow()["n"].to_pylist()) == list(range(60))


def test_the_newest_snapshots_stay_readable(lake: Catalog) -> None:
    for number in range(40):
        append(lake, number)
    table = lake.table("x.a")
    at = table.current_snapshot()
    for count in range(40, 21, -1):
        assert at is not None
        assert table.scan(snapshot_id=at.snapshot_id).to_arrow().num_rows == count
        assert at.parent_snapshot_id is not None
        at = table.snapshot_by_id(at.parent_snapshot_id)


def test_a_tagged_snapshot_stays_however_old(lake: Catalog) -> None:
    append(lake, 0)
    table = lake.table("x.a")
    tagged = table.current_snapshot()
    assert tagged is not None
    table.manage_snapshots().create_tag(tagged.snapshot_id, "frame").commit()
    for number in range(1, 50):
        append(lake, number)
    assert lake.table("x.a").scan(snapshot_id=tagged.snapshot_id).to_arrow().num_rows == 1


def test_many_proposals_leave_few_manifests_and_all_rows(lake: Catalog, tmp_path: Path) -> None:
    table = lake.table("x.a")
    for number in range(40):
        file = Path(f"{local_path(table.location())}/data/{number}.parquet")
        file.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"n": [number]}), file)
        proposal = catalog.propose(
            lake, "x.a", f"audit-{number}", [f"file://{file}"], AlwaysFalse(), properties={}
        )
        lake.commit([catalog.accept(lake.table("x.a"), proposal, {})])
    table = lake.table("x.a")
    head = table.current_snapshot()
    assert head is not None
    assert len(head.manifests(table.io)) <= 17
    assert sorted(table.scan().to_arrow()["n"].to_pylist()) == list(range(40))
