"""The Iceberg shape of a dataset's tables, as any reader finds it."""

from datetime import date
from typing import Any

import duckdb
import pytest
from pyiceberg.expressions import AlwaysFalse, AlwaysTrue

from lakehouse import tables
from lakehouse.connection import extension_file

KINDS: list[tuple[dict[str, Any], str]] = [
    ({"logicalType": "string"}, "string"),
    ({"logicalType": "integer"}, "int"),
    ({"logicalType": "integer", "logicalTypeOptions": {"format": "i64"}}, "long"),
    ({"logicalType": "number"}, "double"),
    ({"logicalType": "number", "logicalTypeOptions": {"format": "f32"}}, "float"),
    ({"logicalType": "number", "physicalType": "DECIMAL(9,2)"}, "decimal(9, 2)"),
    ({"logicalType": "boolean"}, "boolean"),
    ({"logicalType": "date"}, "date"),
    ({"logicalType": "timestamp"}, "timestamptz"),
    ({"logicalType": "time"}, "time"),
]


@pytest.mark.parametrize(("column", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_a_column_keeps_its_type_in_iceberg(
    data_lake: Any, column: dict[str, Any], kind: str
) -> None:
    data_lake.declare("cells", delivery="full", columns=[{"name": "c", **column}])
    schema = tables.silver_schema(data_lake.lake.contract("cells"))
    assert str(schema.find_field("c").field_type) == kind


def test_descriptions_are_in_the_table(data_lake: Any) -> None:
    column = {"name": "c", "logicalType": "string", "description": "What it is."}
    data_lake.declare("cells", delivery="full", columns=[column])
    assert tables.silver_schema(data_lake.lake.contract("cells")).find_field("c").doc == (
        "What it is."
    )


def test_a_partitioned_table_is_cut_by_its_column(data_lake: Any) -> None:
    spec = tables.silver_spec(data_lake.lake.contract("readings"))
    assert str(spec.fields[0]) == "1000: day_month: month(4)"


def test_a_table_that_is_one_whole_has_no_cut(data_lake: Any) -> None:
    assert tables.silver_spec(data_lake.lake.contract("cities")).is_unpartitioned()


def test_the_filter_of_no_partition_takes_nothing(data_lake: Any) -> None:
    for dataset in ("trips", "cities"):
        assert tables.silver_rows(data_lake.lake.contract(dataset), []) == AlwaysFalse()


def test_the_filter_of_the_whole_takes_everything(data_lake: Any) -> None:
    assert tables.silver_rows(data_lake.lake.contract("cities"), ["all"]) == AlwaysTrue()


def test_the_filter_of_neighbouring_months_is_one_span(data_lake: Any) -> None:
    contract = data_lake.lake.contract("readings")
    months = [f"{year}-{month:02}" for year in (2013, 2014) for month in range(1, 13)]
    told = str(tables.silver_rows(contract, months))
    assert str(date(2013, 1, 1)) in told
    assert str(date(2015, 1, 1)) in told
    assert "Or(" not in told


def test_a_file_lies_in_one_partition(data_lake: Any) -> None:
    data_lake.put(
        "trips", "id,start,price,city\n1,2013-01-31T23:59:59Z,1,\n2,2013-02-01T00:00:00Z,1,\n"
    )
    files = data_lake.reader().load_table("silver.trips").inspect.files()
    assert sorted(p["start_month"] for p in files["partition"].to_pylist()) == [516, 517]


def test_a_published_table_opens_in_plain_duckdb(data_lake: Any) -> None:
    data_lake.put("trips", "id,start,price,city\n1,2013-01-31T23:59:59Z,1,Bonn\n")
    location = data_lake.reader().load_table("silver.trips").metadata_location
    with duckdb.connect() as plain:
        for name in ("avro", "iceberg"):
            plain.execute(f"LOAD '{extension_file(name)}'")
        found = plain.execute(f"SELECT id, city FROM iceberg_scan('{location}')").fetchall()
    assert found == [(1, "Bonn")]


def test_every_quarantine_has_one_shape(data_lake: Any) -> None:
    names = [field.name for field in tables.quarantine_schema().fields]
    assert names == [
        *("dataset", "delivery", "partition", "source_key", "line", "byte_offset"),
        *("raw", "rules", "contract_version", "run"),
    ]
