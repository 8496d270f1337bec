"""An earlier snapshot of a table that is written as a whole reads as it did, come what may."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse import catalog, maintenance, publishing
from lakehouse.catalog import numbering
from lakehouse.lake import Lake
from lakehouse.storage import local_path

TABLE = "gold.things"
FIRST = pa.table({"k": [1, 2], "n": [10, 20]})
LATER = {
    "dropped": [pa.table({"k": [1, 2]})],
    "dropped and back": [pa.table({"k": [1, 2]}), pa.table({"k": [1, 2], "n": [7, 8]})],
    "renamed": [pa.table({"k": [1, 2], "m": [30, 40]})],
    "renamed and another": [pa.table({"k": [1], "m": [3]}), pa.table({"m": [1], "n": ["x"]})],
    "a text": [pa.table({"k": [1, 2], "n": ["x", "y"]})],
    "a fraction and back": [
        pa.table({"k": [1, 2], "n": [1.5, 2.5]}),
        pa.table({"n": [5], "k": [6]}),
    ],
    "swapped": [pa.table({"n": [1, 2], "k": ["a", "b"]})],
}


def publish(lake: Lake, data: pa.Table) -> int:
    return publishing.replace(lake, TABLE, data, run="r").snapshot


def seen(lake: Lake, snapshot: int | None = None) -> list[list[dict[str, Any]]]:
    """What PyIceberg and DuckDB read."""
    table = lake.catalog.table(TABLE)
    plain = table.scan(snapshot_id=snapshot).to_arrow().to_pylist()
    at = f", snapshot_from_id={snapshot}" if snapshot else ""
    with lake.connect() as connection:
        source = f"iceberg_scan('{local_path(table.metadata_location)}'{at})"
        return [plain, connection.execute(f"FROM {source}").to_arrow_table().to_pylist()]


def both(data: pa.Table) -> list[list[dict[str, Any]]]:
    return [data.to_pylist()] * 2


@pytest.fixture(params=["as written", "compacted"])
def tagged(request: pytest.FixtureRequest, data_lake: Any) -> tuple[Lake, int]:
    """A lake with a tagged snapshot, as it was written or as it was compacted."""
    lake = data_lake.lake
    snapshot = publish(lake, FIRST)
    if request.param == "compacted":
        table, folder = lake.catalog.table(TABLE), data_lake.folder
        urls = [publishing.data_url(table, "piece") for _ in range(2)]
        for place, url in enumerate(urls):
            pq.write_table(FIRST.slice(place, 1), folder / "piece.parquet")
            numbering.number(folder / "piece.parquet", Path(local_path(url)), table.schema())
        change, _ = catalog.rewrite(table, FIRST.schema, urls, {})
        lake.catalog.commit([change])
        maintenance.compact(lake, run="m")
        snapshot = lake.catalog.refs().snapshot(TABLE) or 0
    lake.catalog.commit([catalog.tag(lake.catalog.table(TABLE), "train-x", snapshot)])
    return lake, snapshot


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_a_tagged_snapshot_keeps_its_values_and_comes_back(
    tagged: tuple[Lake, int], later: list[pa.Table]
) -> None:
    lake, snapshot = tagged
    for data in later:
        publish(lake, data)
    now = {column: later[-1][column].to_pylist() for column in later[-1].column_names}
    assert [pa.Table.from_pylist(rows).to_pydict() for rows in seen(lake)] == [now] * 2
    assert seen(lake, snapshot) == both(FIRST)
    lake.catalog.commit([catalog.back(lake.catalog.table(TABLE), snapshot, columns=True)])
    assert seen(lake) == both(FIRST)
    maintenance.compact(lake, run="m")
    assert seen(lake) == both(FIRST)
    publish(lake, later[-1])
    assert [pa.Table.from_pylist(rows).to_pydict() for rows in seen(lake)] == [now] * 2
    assert seen(lake, snapshot) == both(FIRST)


@pytest.mark.parametrize("name", ["dropped", "renamed"])
def test_files_from_before_ids_are_found_by_the_names_of_columns_that_are_gone(
    data_lake: Any, name: str
) -> None:
    lake = data_lake.lake
    publish(lake, FIRST)
    table = lake.catalog.table(TABLE)
    url = publishing.data_url(table, "old")
    pq.write_table(FIRST, local_path(url))
    change, snapshot = catalog.rewrite(table, FIRST.schema, [url], {})
    lake.catalog.commit([change])
    for data in LATER[name]:
        publish(lake, data)
    assert seen(lake, snapshot) == both(FIRST)
    lake.catalog.commit([catalog.back(lake.catalog.table(TABLE), snapshot, columns=True)])
    assert seen(lake) == both(FIRST)


def test_columns_within_columns_have_ids_too(data_lake: Any) -> None:
    lake = data_lake.lake
    rows = [
        {"k": 1, "l": [1, None], "s": {"a": "x", "b": [{"c": 2}]}},
        {"k": 2, "l": [], "s": None},
    ]
    first = pa.Table.from_pylist(rows)
    snapshot = publish(lake, first)
    publish(lake, pa.table({"k": [1], "l": ["x"], "s": ["y"]}))
    assert seen(lake, snapshot) == both(first)
