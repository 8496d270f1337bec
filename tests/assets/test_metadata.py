"""The engine's facts as Dagster's metadata."""

from datetime import date

import dagster as dg

from assets import metadata
from lakehouse.lake import Lake

MONTH = date(2013, 1, 1)


def test_metadata_leaves_out_what_has_no_value_and_keeps_structure() -> None:
    found = metadata.metadata({"rows": 3, "none": None, "list": [1, {2}], "map": {1: MONTH}})
    assert found["rows"] == 3
    assert "none" not in found
    assert found["list"] == dg.MetadataValue.json([1, [2]])
    assert found["map"] == dg.MetadataValue.json({"1": "2013-01-01"})


def test_the_page_of_a_check_is_a_path() -> None:
    found = metadata.metadata({"data_docs": "/lake/docs/quality/trips/index.html"})
    assert found["data_docs"] == dg.MetadataValue.path("/lake/docs/quality/trips/index.html")


def test_a_list_of_mappings_is_a_table_and_numbers_in_it_stay_numbers() -> None:
    rows = [{"name": "a", "auc": 0.7, "on": MONTH}, {"name": "b", "auc": None}]
    found = metadata.metadata({"candidates": rows})["candidates"]
    assert [(column.name, column.type) for column in found.schema.columns] == [
        ("name", "string"),
        ("auc", "float"),
        ("on", "string"),
    ]
    assert [record.data for record in found.records] == [
        {"name": "a", "auc": 0.7, "on": "2013-01-01"},
        {"name": "b", "auc": "", "on": ""},
    ]


def test_the_version_of_data_is_the_snapshot_that_brought_its_rows() -> None:
    assert metadata.version({metadata.CONTENT: "7"}) == dg.DataVersion("7")
    assert metadata.version({}) is None


def test_a_table_that_is_not_there_has_no_metadata() -> None:
    assert metadata.published(Lake(), dg.AssetKey(["silver", "nowhere"])) == {}
