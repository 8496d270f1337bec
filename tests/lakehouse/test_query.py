from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from lakehouse import publishing
from lakehouse.errors import QueryRefused, ServiceFailed, UnknownName, UsageError
from lakehouse.lake import Lake
from lakehouse.query import Session, query
from lakehouse.settings import Settings
from lakehouse.storage import local_path


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    home = tmp_path_factory.mktemp("home")
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(home)}))
    publishing.replace(lake, "silver.numbers", pa.table({"n": [1, 2, 3]}), run="run-1")
    publishing.replace(lake, "gold.sums", pa.table({"s": [6]}), run="run-1")
    return lake


@pytest.fixture(scope="module")
def session(lake: Lake) -> Iterator[Session]:
    with Session(lake) as session:
        yield session


def test_answers_with_rows_and_time(lake: Lake) -> None:
    answer = query(lake, "select n * 2 as twice from silver.numbers order by n")
    assert answer.table.to_pydict() == {"twice": [2, 4, 6]}
    assert answer.facts()["rows"] == 3
    assert answer.summary().startswith("3 rows in ")


def test_joins_tables_of_several_schemas(session: Session) -> None:
    sql = "select s, count(*) as c from gold.sums, silver.numbers group by s"
    assert session.query(sql).table.to_pylist() == [{"s": 6, "c": 3}]


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (select 1 as x) select * from a",
        "from silver.numbers",
        "select * from numbers",
        "show tables",
        "show all tables",
        "describe silver.numbers",
        "summarize silver.numbers",
        "explain select * from silver.numbers",
        "EXPLAIN ANALYZE select * from silver.numbers",
        "explain (format json) select 1",
        "pivot silver.numbers on n in (1, 2) using count(*)",
        "select * from range(3), unnest([1, 2])",
        "select 1;",
    ],
)
def test_admits_what_reads(session: Session, sql: str) -> None:
    assert session.query(sql).table.num_rows > 0


WRITES = [
    "copy (select 1) to '{folder}/x.csv'",
    "explain copy (select 1) to '{folder}/x.csv'",
    "explain analyze copy (select 1) to '{folder}/x.csv'",
    "explain (analyze) copy (select 1) to '{folder}/x.csv'",
    "from enable_logging(storage='file', storage_path='{folder}/log')",
    "select * from silver.numbers; copy (select 1) to '{folder}/x.csv'",
    "create table silver.more as select 1",
    "create view v as select 1",
    "create macro m() as table from read_text('/etc/passwd')",
    "insert into silver.numbers values (4)",
    "delete from silver.numbers",
    "update silver.numbers set n = 0",
    "drop view silver.numbers",
    "attach '{folder}/other.db'",
    "export database '{folder}/all'",
    "install httpfs",
    "load httpfs",
    "set lock_configuration=false",
    "set enable_external_access=true",
    "reset enable_external_access",
    "pragma enable_logging",
    "pragma database_list",
    "call enable_logging()",
    "prepare p as select 1",
    "use silver",
    "begin",
    "checkpoint",
    "select 1; select 2",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("sql", WRITES)
def test_refuses_what_does_more_than_read(lake: Lake, session: Session, sql: str) -> None:
    folder = Path(local_path(lake.settings.warehouse))
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError):
        session.query(sql.format(folder=folder))
    assert sorted(folder.rglob("*")) == before


READS = [
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "describe select * from read_blob('/etc/passwd')",
    "select (select count(*) from glob('/*'))",
    "with a as (from glob('{folder}/**')) select * from a",
    "select * from read_parquet('{folder}/silver/numbers/data/*.parquet')",
    "select * from '{folder}/silver/numbers/data/*.parquet'",
    'select * from "x.parquet"',
    "summarize 'x.parquet'",
    "select * from iceberg_scan('{folder}/silver/numbers')",
    "select * from iceberg_snapshots('{folder}/silver/numbers')",
    "from query('from read_text(''/etc/passwd'')')",
    "from query_table('/etc/passwd')",
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "explain analyze select * from read_text('/etc/passwd')",
    "from json_execute_serialized_sql('x')",
]


@pytest.mark.parametrize("sql", READS)
def test_refuses_files_and_secrets(lake: Lake, session: Session, sql: str) -> None:
    with pytest.raises(QueryRefused, match=r"Refused: .* only reads the lake's own tables"):
        session.query(sql.format(folder=local_path(lake.settings.warehouse)))


def test_duckdb_itself_opens_nothing_outside_the_warehouse(session: Session) -> None:
    """The second rail, behind the admission of statements."""
    for sql in ("from read_text('/etc/passwd')", "attach '/tmp/x.db'", "set threads=1"):
        with pytest.raises(duckdb.Error):
            session._connection.execute(sql)


def test_no_variable_of_the_program_is_a_table(session: Session) -> None:
    secrets = pa.table({"key": ["s3cr3t"]})
    with pytest.raises(UnknownName):
        session.query("select * from secrets")
    assert secrets.num_rows == 1


def test_an_unpublished_branch_does_not_show(lake: Lake) -> None:
    table = lake.catalog.table("silver.numbers")
    table.manage_snapshots().create_branch(
        table.current_snapshot().snapshot_id, "audit-run-2"
    ).commit()
    lake.catalog.table("silver.numbers").append(pa.table({"n": [99]}), branch="audit-run-2")
    answer = query(lake, "select count(*) as n, max(n) as most from silver.numbers")
    assert answer.table.to_pylist() == [{"n": 3, "most": 3}]


def test_a_session_keeps_what_it_first_saw(lake: Lake) -> None:
    publishing.replace(lake, "gold.moving", pa.table({"v": [1]}), run="run-1")
    with Session(lake) as session:
        publishing.replace(lake, "gold.moving", pa.table({"v": [2]}), run="run-2")
        assert session.query("select v from gold.moving").table["v"].to_pylist() == [1]
    assert query(lake, "select v from gold.moving").table["v"].to_pylist() == [2]


@pytest.mark.parametrize("name", ["x'; drop", "a b", "sélect"])
def test_hostile_table_names_are_only_names(lake: Lake, name: str) -> None:
    publishing.replace(lake, f"monitoring.{name}", pa.table({"v": [1]}), run="run-1")
    quoted = name.replace('"', '""')
    assert query(lake, f'select v from monitoring."{quoted}"').table["v"].to_pylist() == [1]


@pytest.mark.parametrize("wrong", ["silver.nubmers", "nubmers"])
def test_an_unknown_table_brings_the_nearest_name(session: Session, wrong: str) -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'silver\.numbers'"):
        session.query(f"select * from {wrong}")


def test_an_unknown_column_brings_the_candidates(session: Session) -> None:
    with pytest.raises(UsageError, match='Candidate bindings: "n"'):
        session.query("select m from silver.numbers")


def test_an_empty_lake_answers(tmp_path: Path) -> None:
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))
    assert query(lake, "select 1 as one").table["one"].to_pylist() == [1]


def test_a_damaged_table_leaves_the_others_readable(tmp_path: Path) -> None:
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))
    publishing.replace(lake, "gold.good", pa.table({"v": [1]}), run="run-1")
    publishing.replace(lake, "gold.lost", pa.table({"v": [1]}), run="run-1")
    Path(local_path(lake.catalog.locations()["gold.lost"])).unlink()
    assert query(lake, "select v from gold.good").table["v"].to_pylist() == [1]
    with pytest.raises(ServiceFailed, match=r"reading gold\.lost"):
        query(lake, "select v from gold.lost")


@pytest.mark.parametrize("place", [-3, -9, 0.5], ids=["magic", "footer", "page"])
def test_a_damaged_data_file_is_told_as_the_storage_that_it_is(
    place: float, tmp_path: Path
) -> None:
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))
    rows = pa.table({"v": [f"row {n * n}" for n in range(9000)]})
    publishing.replace(lake, "gold.bad", rows, run="run-1")
    (file,) = (tmp_path / "warehouse").rglob("gold*/bad/data/*.parquet")
    content = bytearray(file.read_bytes())
    at = int(len(content) * place) if place > 0 else int(place)
    content[at : at + 2] = b"\xff\xff"
    file.write_bytes(content)
    with pytest.raises(ServiceFailed, match="Storage failed while reading"):
        query(lake, "select max(v) from gold.bad")
