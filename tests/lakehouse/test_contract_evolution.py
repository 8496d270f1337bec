"""Contracts that change after rows were published: the table follows, or the change is refused."""

import json
from datetime import date
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from lakehouse import ingestion, landing
from lakehouse.cli.contracts import check, diff
from lakehouse.connection import connect, quote_text
from lakehouse.errors import BreakingChange, UnknownName
from lakehouse.ingestion import evolving

CITIES = "name,people\n"
PEOPLE = {"name": "people", "logicalType": "integer", "logicalTypeOptions": {"minimum": 1}}
NAME = {"name": "name", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1}


def declare(lake: Any, *columns: dict[str, Any], **more: Any) -> None:
    lake.declare("cities", columns=[NAME, *columns], **{"version": "1.1.0", **more})


@pytest.fixture
def lake(data_lake: Any) -> Any:
    """A lake whose only published file has one city."""
    declare(data_lake, {**PEOPLE, "id": "people-id"}, version="1.0.0")
    data_lake.put("cities", CITIES + "Bonn,330000\n")
    return data_lake


def seen_by_duckdb(lake: Any, snapshot: int | None = None) -> tuple[list[str], list[Any]]:
    """Columns and rows that plain DuckDB reads, of the table as it is or of one snapshot."""
    at = f", snapshot_from_id={snapshot}" if snapshot else ""
    table = lake.lake.catalog.table("silver.cities")
    with connect(lake.lake.settings, tables=True) as connection:
        found = connection.execute(
            f"SELECT * FROM iceberg_scan({quote_text(table.metadata_location)}{at})"
        )
        return [column[0] for column in found.description or ()], found.fetchall()


def seen_by_pyiceberg(lake: Any, snapshot: int | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        lake.reader().load_table("silver.cities").scan(snapshot_id=snapshot).to_arrow().to_pylist()
    )
    return rows


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([], "column people is gone"),
        ([{"name": "people", "logicalType": "string"}], "INTEGER became VARCHAR"),
        ([PEOPLE, {"name": "area", "logicalType": "number", "required": True}], "required column"),
        ([{**PEOPLE, "primaryKey": True, "primaryKeyPosition": 2}], "the key name became name, pe"),
    ],
)
def test_breaking_changes_are_refused_before_a_row_is_read(
    lake: Any, column: list[dict[str, Any]], message: str
) -> None:
    lake.land("cities", CITIES + "Köln,1080000\n")
    before, inspected = lake.snapshots(), lake.lake.ledger.read().inspections
    declare(lake, *column, version="2.0.0")
    with pytest.raises(BreakingChange, match=message) as refused:
        lake.refresh("cities")
    assert "readers see 1 row of snapshot" in str(refused.value)
    assert "under contract 1.0.0" in str(refused.value)
    assert lake.snapshots() == before
    assert lake.lake.ledger.read().inspections == inspected
    assert seen_by_pyiceberg(lake) == [{"name": "Bonn", "people": 330000}]


def test_another_meaning_of_deliveries_is_breaking(lake: Any) -> None:
    declare(lake, {**PEOPLE, "id": "people-id"}, delivery="incremental")
    with pytest.raises(BreakingChange, match="delivery full became incremental"):
        lake.refresh("cities")


def test_a_renamed_column_keeps_its_rows_and_earlier_snapshots_their_name(lake: Any) -> None:
    old = lake.snapshots()["silver.cities"]
    declare(lake, {**PEOPLE, "name": "inhabitants", "id": "people-id"})
    # the file has the former name: it is refused, and what readers see stays
    lake.refresh("cities")
    assert seen_by_pyiceberg(lake) == [{"name": "Bonn", "inhabitants": 330000}]
    assert seen_by_duckdb(lake) == (["name", "inhabitants"], [("Bonn", 330000)])
    lake.put("cities", "name,inhabitants\nBonn,340000\n")
    assert seen_by_pyiceberg(lake) == [{"name": "Bonn", "inhabitants": 340000}]
    assert seen_by_duckdb(lake) == (["name", "inhabitants"], [("Bonn", 340000)])
    assert seen_by_pyiceberg(lake, old) == [{"name": "Bonn", "people": 330000}]
    assert seen_by_duckdb(lake, old) == (["name", "people"], [("Bonn", 330000)])


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_files_so_far_are_read_under_former_names_and_without_new_columns(
    data_lake: Any, format: str
) -> None:
    read = {"format": format}
    declare(data_lake, {**PEOPLE, "id": "people-id"}, version="1.0.0", read=read)
    content: str | bytes = CITIES + "Bonn,330000\n"
    if format == "parquet":
        file = BytesIO()
        pq.write_table(pa.table({"name": ["Bonn"], "people": [330000]}), file)
        content = file.getvalue()
    data_lake.put("cities", content, f"a.{format}")
    former = {"property": "fileNames", "value": ["people"]}
    renamed = {**PEOPLE, "name": "inhabitants", "id": "people-id", "customProperties": [former]}
    absent = {"property": "mayBeAbsent", "value": True}
    area = {"name": "area", "logicalType": "number", "customProperties": [absent]}
    declare(data_lake, area, renamed, read=read)
    result = data_lake.refresh("cities")
    assert result.refused == ()
    row = {"name": "Bonn", "inhabitants": 330000, "area": None}
    assert seen_by_pyiceberg(data_lake) == [row]
    assert seen_by_duckdb(data_lake) == (["name", "inhabitants", "area"], [("Bonn", 330000, None)])


def test_a_wider_type_and_a_new_column_change_the_table_in_place(lake: Any) -> None:
    old = lake.snapshots()["silver.cities"]
    wide = {**PEOPLE, "id": "people-id", "logicalTypeOptions": {"format": "i64"}}
    declare(lake, wide, {"name": "area", "logicalType": "number"})
    lake.put("cities", "name,people,area\nBonn,5000000000,141.1\n")
    assert seen_by_pyiceberg(lake) == [{"name": "Bonn", "people": 5000000000, "area": 141.1}]
    assert seen_by_duckdb(lake)[1] == [("Bonn", 5000000000, 141.1)]
    assert seen_by_pyiceberg(lake, old) == [{"name": "Bonn", "people": 330000}]
    assert seen_by_duckdb(lake, old) == (["name", "people"], [("Bonn", 330000)])


def test_the_plan_says_in_words_which_rule_changed(lake: Any) -> None:
    loose = {"name": "people", "logicalType": "integer", "logicalTypeOptions": {"minimum": 5}}
    declare(lake, {**loose, "id": "people-id"})
    [step] = [step for step in lake.plan().steps if step.asset == "silver/cities"]
    assert step.reason == "contract 1.0.0 → 1.1.0: people at least 1 became people at least 5"


def test_a_table_without_a_published_row_takes_any_shape(data_lake: Any) -> None:
    declare(data_lake, {"name": "people", "logicalType": "date"}, version="1.0.0")
    data_lake.put("cities", CITIES + "Bonn,330000\n")
    assert seen_by_pyiceberg(data_lake) == []
    declare(data_lake, PEOPLE)
    data_lake.refresh("cities")
    assert seen_by_pyiceberg(data_lake) == [{"name": "Bonn", "people": 330000}]


def test_a_table_that_another_run_publishes_just_then_keeps_its_shape(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That run began with the contract as it was, this one has a new one."""
    declare(data_lake, {"name": "people", "logicalType": "date"}, version="1.0.0")
    data_lake.put("cities", CITIES + "Bonn,many\n")
    other = data_lake.open()
    shape = evolving._shape

    def slow(*arguments: Any) -> object:
        monkeypatch.undo()
        data_lake.drop("cities", CITIES + "Ulm,2013-01-01\n", "b.csv")
        landing.land(other, "cities", run="other")
        ingestion.refresh(other, "cities", run="other")
        return shape(*arguments)

    assert other.contract("cities").column("people").type == "DATE"
    declare(data_lake, PEOPLE)
    monkeypatch.setattr(evolving, "_shape", slow)
    with pytest.raises(BreakingChange):
        data_lake.refresh("cities")
    assert seen_by_pyiceberg(data_lake) == [{"name": "Ulm", "people": date(2013, 1, 1)}]


def test_the_verb_compares_what_is_published_with_what_is_declared(
    lake: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(lake.folder))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(lake.folder / ".lake"))
    diff("cities")
    assert "Contract 1.0.0 → 1.0.0: no difference." in capsys.readouterr().out
    declare(lake, version="2.0.0")
    with pytest.raises(typer.Exit) as ended:
        diff("cities", as_json=True)
    assert ended.value.exit_code == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["old"], found["new"], found["breaking"]) == ("1.0.0", "2.0.0", 1)
    assert found["differences"][0]["what"] == "column people is gone"


def test_nothing_is_compared_before_anything_is_published(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(data_lake.folder))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(data_lake.folder / ".lake"))
    data_lake.land("cities", CITIES)
    with pytest.raises(UnknownName, match=r"There is no table 'silver\.cities'"):
        diff("cities")


def test_check_names_the_fault_of_every_contract(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(data_lake.folder))
    for dataset in ("cities", "trips"):
        data_lake.declare(dataset, limit=7)
    with pytest.raises(typer.Exit) as ended:
        check()
    assert ended.value.exit_code == 2
    told = capsys.readouterr().err
    assert "cities.odcs.yaml:1: customProperties[quarantineLimit].value: 7 is not" in told
    assert "trips.odcs.yaml:1: customProperties[quarantineLimit].value: 7 is not" in told


def test_a_former_name_is_not_given_to_another_column(lake: Any) -> None:
    renamed = {**PEOPLE, "name": "inhabitants", "id": "people-id"}
    declare(lake, renamed)
    lake.put("cities", "name,inhabitants\nBonn,340000\n")
    declare(lake, renamed, {"name": "people", "logicalType": "string"}, version="1.2.0")
    with pytest.raises(BreakingChange, match="keep the values of inhabitants"):
        lake.refresh("cities")
