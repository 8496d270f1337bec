import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse import publishing
from lakehouse.connection import connect
from lakehouse.errors import QueryRefused, ServiceFailed, UnknownName, UsageError
from lakehouse.lake import Lake
from lakehouse.query import TABLE_FUNCTIONS, Session, query
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
        "from memory.silver.numbers",
        "from SILVER.Numbers",
        "with A as materialized (select 1 as x), b as (from a) select * from B as c, a",
        "with recursive r as (select 1 as i union select i + 1 from r where i < 3) from r",
        "with numbers as (select 1) from numbers",
        "from information_schema.tables",
        "from pg_catalog.pg_class",
        "from duckdb_columns",
        "from sqlite_master",
        f"select {'+'.join(['1'] * 200)}",
        f"select 1 where 1 in ({','.join(map(str, range(5000)))})",
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


SECRET = "536-22-8726"


@pytest.fixture(scope="module")
def raw(lake: Lake) -> Path:
    """A folder of raw deliveries in the warehouse."""
    folder = Path(local_path(lake.settings.warehouse)) / "bronze" / "patients"
    folder.mkdir(parents=True)
    for name in ("secret.csv", "recurring.csv"):
        (folder / name).write_text(f"ssn\n{SECRET}\n")
    (folder / "secret.json").write_text(f'[{{"ssn": "{SECRET}"}}]')
    pq.write_table(pa.table({"ssn": [SECRET]}), folder / "secret.parquet")
    return folder


@pytest.fixture(scope="module")
def unfenced(lake: Lake) -> Iterator[Session]:
    """A session in which DuckDB itself opens every file."""
    with mock.patch.object(Session, "_fence"), Session(lake) as session:
        yield session


NAMES = [
    'select * from "{raw}/secret"."csv"',
    'select * from "{raw}/secret"."json"',
    'select * from "{raw}/secret"."parquet"',
    'select * from "{raw}/*"."csv"',
    'select * from "{raw}/secret.csv"',
    'select * from secret."csv"',
    'select * from memory.secret."csv"',
    'describe "{raw}/secret"."csv"',
    'summarize "{raw}/secret"."csv"',
    'explain analyze from "{raw}/secret"."csv"',
    'select (from "{raw}/secret"."csv")',
    'select 1 where 1 in (table "{raw}/secret"."csv")',
    'pivot "{raw}/secret"."csv" on ssn in (1) using count(*)',
    'with a as (from "{raw}/secret"."csv") from a',
    'with "{raw}/secret.csv" as (from "{raw}/secret.csv") from "{raw}/secret.csv"',
    'with "secret.csv" as (select 1) from secret.csv',
    "with csv as (select 1) from secret.csv",
    "with recursive csv as (select 1 union from recurring.csv) from csv",
    "from recurring.csv",
    'from "{raw}/../patients/secret"."csv"',
    'from "s3://lake/silver/numbers/data/../../../bronze/secret"."csv"',
    "from histogram('{raw}/secret.csv', ssn)",
    "from histogram_values('{raw}/secret.csv', ssn)",
]


@pytest.mark.parametrize("sql", NAMES)
def test_no_name_of_a_table_is_a_file(
    unfenced: Session, raw: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    """The first rail, without the others: DuckDB joins the parts of a name to that of a file."""
    monkeypatch.chdir(raw)
    shown = unfenced._connection.execute("from secret.csv").fetchall()
    assert shown == [(SECRET,)]
    with pytest.raises((QueryRefused, UnknownName)):
        unfenced.query(sql.format(raw=raw))


def test_no_admitted_table_function_opens_a_file(unfenced: Session, raw: Path) -> None:
    """The second rail: a macro may look a table up by a text, which may be a path."""
    connection = unfenced._connection
    found = connection.execute("SELECT function_name, macro_definition FROM duckdb_functions()")
    macros = {name: str(text) for name, text in found.fetchall() if text}
    tables = connection.execute(
        "SELECT function_name FROM duckdb_functions() WHERE function_type LIKE 'table%'"
    )
    outside = {name for (name,) in tables.fetchall()} - TABLE_FUNCTIONS
    for name in TABLE_FUNCTIONS & set(macros):
        assert not outside & set(re.findall(r"\w+(?=\()", macros[name])), name
    for name in sorted(TABLE_FUNCTIONS):
        for more in ("", ", ssn", ", 1"):
            try:
                rows = connection.execute(f"from {name}('{raw}/secret.csv'{more})").fetchmany(9)
            except duckdb.Error:
                continue
            assert SECRET not in str(rows), name


@pytest.mark.parametrize(
    "place",
    ["/etc/passwd", "{home}/warehouse/bronze/patients/secret.csv", "{home}/warehouse/backups/x",
     "{home}/warehouse/erasing/x.key", "{home}/landing/x.csv", "{home}/tmp/scratch-1/x.csv",
     "{home}/catalog.db", "{home}/warehouse/silver/x.csv", "{home}/warehouse/silver/numbers/x.csv"],
)  # fmt: skip
def test_duckdb_itself_opens_nothing_beside_the_tables(
    lake: Lake, session: Session, raw: Path, place: str
) -> None:
    """The third rail, behind the admission of statements."""
    path = Path(place.format(home=lake.settings.home))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(SECRET)
    with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
        session._connection.execute(f"from read_text('{path}')")


def test_duckdb_itself_attaches_and_sets_nothing(session: Session) -> None:
    for sql in ("attach '/tmp/x.db'", "set threads=1", "reset allowed_directories"):
        with pytest.raises(duckdb.Error):
            session._connection.execute(sql)


def test_a_renamed_table_is_read_where_its_files_are(tmp_path: Path) -> None:
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))
    publishing.replace(lake, "gold.old", pa.table({"v": [1]}), run="run-1")
    lake.catalog.iceberg.rename_table("gold.old", "gold.new")
    assert query(lake, "select v from gold.new").table["v"].to_pylist() == [1]


def test_a_table_is_read_where_the_catalog_says_that_it_is(tmp_path: Path) -> None:
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(tmp_path / "lake")}))
    rows = pa.table({"v": [1]})
    publishing.replace(lake, "gold.near", rows, run="run-1")
    place = f"file://{tmp_path}/elsewhere/it's far"
    lake.catalog.iceberg.create_table("gold.far", rows.schema, location=place).append(rows)
    assert query(lake, "from gold.far, gold.near").table.num_rows == 1


def test_no_view_of_duckdb_tells_settings(session: Session) -> None:
    """Settings hold what a program was started with; a new DuckDB may have new views of them."""
    views = session._connection.execute(
        "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE internal"
    )
    telling = [
        f"{schema}.{name}"
        for schema, name, sql in views.fetchall()
        if re.search(r"duckdb_(settings|secrets|logs|variables)\(|query\(|read_|scan\(", sql)
    ]
    assert "pg_catalog.pg_settings" in telling
    for name in [*telling, "pg_settings", "PG_SETTINGS", "system.pg_catalog.pg_settings"]:
        with pytest.raises(QueryRefused, match="outside the fence"):
            session.query(f"from {name}")


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://l0vel:can@ry@127.0.0.1:9", "http://127.0.0.1:9"),
        ("l0vel:can@ry@127.0.0.1:9", "127.0.0.1:9"),
        ("l0vel:://can@ry@127.0.0.1:9", "127.0.0.1:9"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
    ],
)
def test_the_login_of_a_proxy_is_nowhere_in_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, told: str
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    for name, value in {**keys, "HTTP_PROXY": proxy}.items():
        monkeypatch.setenv(name, value)
    near = {"LAKEHOUSE_HOME": str(tmp_path)}
    with Session(Lake(Settings.load(near))) as session:
        answer = session.query("select current_setting('http_proxy') as v")
        assert answer.table["v"].to_pylist() == [told]
    far = {
        **near,
        "LAKEHOUSE_WAREHOUSE": "s3://lake",
        "LAKEHOUSE_S3_ENDPOINT": "http://127.0.0.1:9",
    }
    for settings in (near, far):
        with connect(Settings.load(settings), tables=False) as connection:
            shown = str(connection.execute("from duckdb_settings()").fetchall())
            assert ("ry@" in shown, "l0vel" in shown, told in shown) == (False, False, True)


@pytest.mark.parametrize("terms", [600, 950])
def test_a_statement_too_deep_to_be_looked_at_is_refused(session: Session, terms: int) -> None:
    with pytest.raises(QueryRefused, match="it is nested too deeply to be looked at"):
        session.query(f"select {'+'.join(['1'] * terms)}")


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
