"""Names that others choose are only names: of files, datasets, columns, models, folders."""

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse import contract as contracts
from lakehouse import landing, quality
from lakehouse.cli import main
from lakehouse.errors import (
    ContractError,
    DraftRefused,
    LakehouseError,
    ModelSpecError,
    QueryRefused,
    SettingsError,
)
from lakehouse.model_spec import ModelSpec
from lakehouse.query import Session, query
from lakehouse.settings import Settings

MADE = Path("/tmp/lakehouse-was-here")
"""What the hostile names would make if one reached a shell, an interpreter or COPY."""
# fmt: off
WORDS = [
    "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "..", ".", "", " ", "a b", "a-b", "a.b",
    "a'b", 'a"b', "a;drop table x", "a--", "a/*", "a*", "a?", "a[b]", "a%2e", "$(touch x)",
    "`touch x`", "a\nb", "a\n", "a\0b", "a\x1b[2J", "naïve", "ａ", "1a", "a" * 64, "{a}", "%s", "~",
    "-rf",
]
# fmt: on


@pytest.fixture(autouse=True)
def _nothing_was_made() -> Iterator[None]:
    yield
    assert not MADE.exists()


# --- names in declarations -----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["dataset", "column", "partner", "source column"])
@pytest.mark.parametrize("name", WORDS)
def test_a_contract_with_another_name_than_a_name_is_refused(
    make_data_lake: Callable[..., Any], tmp_path: Path, name: str, place: str
) -> None:
    contract = json.loads(CONTRACT)
    table = contract["schema"][0]
    if place == "dataset":
        table["name"] = name
    elif place == "column":
        table["properties"][0]["name"] = name
    elif place == "partner":
        table["properties"][1]["relationships"] = [{"to": f"{name}.name"}]
    else:
        table["properties"][1] |= {"transformLogic": "name", "transformSourceObjects": [name]}
    file = tmp_path / "cities.odcs.yaml"
    file.write_text(json.dumps(contract), encoding="utf-8")
    with pytest.raises(ContractError) as refused:
        contracts.load_all(tmp_path)
    assert refused.value.line >= 1


@pytest.mark.parametrize("name", WORDS)
def test_no_draft_is_written_under_another_name_than_a_name(tmp_path: Path, name: str) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text("id,word\n1,a\n2,b\n")
    settings = {"LAKEHOUSE_HOME": str(tmp_path / "lake"), "LAKEHOUSE_PROJECT": str(tmp_path)}
    from lakehouse.drafting import draft

    with pytest.raises(DraftRefused, match="is not a name"):
        draft(Settings.load(settings), name, str(sample))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["sample.csv"]


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("part", ["name", "table", "feature", "key"])
def test_a_model_with_another_name_than_a_name_is_refused(
    tmp_path: Path, name: str, part: str
) -> None:
    spec = dict(yaml.safe_load((Path(__file__).parents[1] / MODEL).read_text()))
    if part == "name":
        spec["name"] = name
    elif part == "table":
        spec["table"] = f"gold.{name}"
    elif part == "key":
        spec["key"] = [name]
    else:
        spec["features"][0]["name"] = name
    file = tmp_path / "m.yaml"
    file.write_text(yaml.safe_dump(spec), encoding="utf-8")
    with pytest.raises(ModelSpecError):
        ModelSpec.load(file)


@pytest.mark.parametrize(
    "text",
    [
        f"!!python/object/apply:os.system ['touch {MADE}']",
        f"name: !!python/object/new:subprocess.Popen [['touch', '{MADE}']]",
        "name: !!python/name:os.system",
        "name: !!python/module:os",
        "<<: !!python/object/apply:os.getcwd []",
    ],
)
def test_yaml_makes_no_objects(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cities.odcs.yaml"
    file.write_text(text)
    with pytest.raises(
        ContractError, match=r"could not determine a constructor|not a mapping|YAML"
    ):
        contracts.load(file)
    with pytest.raises(ModelSpecError):
        ModelSpec.load(file)


def test_words_of_sql_are_names_too(make_data_lake: Callable[..., Any]) -> None:
    """Nothing works on them unquoted: rules, expectations, keys, partitions, history, queries."""
    column: dict[str, Any] = {"logicalType": "integer", "logicalTypeOptions": {"minimum": 0}}
    lake = make_data_lake()
    lake.declare(
        "select",
        delivery="incremental",
        month="2013-01",
        limit=1,
        columns=[
            {"name": "order", "logicalType": "integer", "primaryKey": True,
             "primaryKeyPosition": 1},
            {"name": "from", "logicalType": "date", "partitioned": True, "primaryKey": True,
             "primaryKeyPosition": 2},
            {"name": "group", **column},
            {"name": "table", "logicalType": "string"},
            {"name": "NULL", **column},
        ],
        rowRules=[{"name": "where' OR 1=1 --", "sql": '"group" < 100'}],
    )  # fmt: skip
    lake.put("select", "order,from,group,table,NULL\n1,2013-01-02,5,x,1\n2,2013-01-03,-1,y,\n"
             "3,2013-01-03,100,y,\n")  # fmt: skip
    assert [row[0] for row in lake.rows("silver.select", "order")] == [1]
    assert len(lake.rows("quarantine.select", "rules")) == 2
    answer = query(lake.lake, 'select "order", "NULL" from silver."select"').table.to_pylist()
    assert answer == [{"order": 1, "NULL": 1}]


# --- names of files ------------------------------------------------------------------------------

FILES = [
    "plain.csv", "a'b;drop table x;--.csv", 'quo"te.csv', "back\\slash.csv", "star*.csv", "*.csv",
    "[ab].csv", "a.csv", "q?.csv", "x.[ab].csv", "x.*.csv", "x.{a,b}.csv", "%2e%2e%2fetc.csv",
    "up..%2f..%2fup.csv", "a..csv", "line\nbreak.csv", "tab\t.csv", "esc\x1b[2J.csv",
    "$(touch x).csv", f"`touch {MADE.name}`.csv", "<script>alert(1)<\u2215script>.csv",
    "[red]markup[!red].csv", "ünï.csv", "u\u202ertl.csv", "-rf.csv", " space .csv", "{}.csv",
    "%s.csv", "=cmd()|x.csv", "x" * 200 + ".csv", "y." + "z" * 200, "year=2012.csv",
    "sub folder/in.csv", "s'ub/../in.csv",
]  # fmt: skip
"""The last is no path above its folder: `drop` makes it as the system does."""


def rows(number: int) -> bytes:
    return f"name,people\ncity {number},{number + 1}\nbad {number},-1\n".encode()


@pytest.fixture(scope="module")
def hostile(make_data_lake: Callable[..., Any]) -> Any:
    """A lake in a folder with a hostile name, which took in every hostile file."""
    lake = make_data_lake()
    home = lake.folder / "we'ird; $(x) `y` & ü <b>=1" / ".lake"
    home.mkdir(parents=True)
    (lake.folder / ".lake").symlink_to(home)
    lake.environment["LAKEHOUSE_HOME"] = str(home)
    lake.declare("cities", delivery="incremental", columns=CITIES, limit=1)
    for number, name in enumerate(FILES):
        lake.drop("cities", rows(number), name)
    raw = os.fsencode(home / "landing" / "cities") + b"/no\xfftext.csv"
    Path(os.fsdecode(raw)).write_bytes(rows(len(FILES)))
    landing.land(lake.lake, "cities", run="land")
    lake.refresh("cities")
    return lake


@pytest.mark.parametrize("setting", ["HOME", "WAREHOUSE", "LANDING"])
@pytest.mark.parametrize("character", "*?[]{}#%\\\n\0\x1b")
def test_a_folder_that_libraries_read_in_different_ways_is_refused(
    tmp_path: Path, setting: str, character: str
) -> None:
    """PyIceberg ends a path at `?` or `#`, DuckDB takes `*` and brackets for a pattern."""
    for folder in (f"{tmp_path}/a{character}b", f"file://{tmp_path}/a{character}b"):
        with pytest.raises(SettingsError, match="may not have the character"):
            Settings.load({f"LAKEHOUSE_{setting}": folder})


def test_every_file_is_taken_in_once_whatever_it_is_called(hostile: Any) -> None:
    found = query(hostile.lake, "select name from silver.cities").table["name"].to_pylist()
    assert sorted(found) == sorted(f"city {n}" for n in range(len(FILES) + 1))
    told = query(hostile.lake, "select count(*) as n from quarantine.cities").table["n"].to_pylist()
    assert told == [len(FILES) + 1]


def test_bronze_lies_where_it_belongs(hostile: Any) -> None:
    home = hostile.lake.settings.home
    objects = [file for file in (home / "warehouse" / "bronze").rglob("*") if file.is_file()]
    assert len(objects) == len(FILES) + 1
    assert {file.parent.parent for file in objects} == {home / "warehouse" / "bronze" / "cities"}


def test_a_name_neither_steers_the_terminal_nor_breaks_json(
    hostile: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(hostile.lake.settings.home))
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(hostile.folder))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    statement = "select source_key from quarantine.cities"
    verbs = (["status"], ["quarantine", "cities"], ["sql", statement], ["land", "cities"])
    for words in (*verbs, *([*words, "--json"] for words in verbs)):
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        assert ended.value.code in (0, None), (words, err)
        assert [c for c in out + err if not c.isprintable() and c != "\n"] == [], words
        if "--json" in words:
            json.loads(out)


def test_a_name_or_value_is_only_text_on_the_quality_page(
    make_data_lake: Callable[..., Any],
) -> None:
    lake = make_data_lake()
    evil = "<img src=x onerror=alert(1)>"
    counts = "SELECT count(*) FROM {object} WHERE people > 1"
    expectation = {"type": "sql", "name": evil, "description": evil, "query": counts, "mustBe": 99}
    expectation["severity"] = "warning"
    columns = [{**CITIES[0], "description": evil}, CITIES[1]]
    lake.declare("cities", delivery="full", columns=columns, limit=1, quality=[expectation])
    lake.put("cities", f"name,people\n{evil},5\n{evil}2,-1\n", f"{evil}.csv")
    page = quality.page(lake.lake.settings.home, "cities")
    text = page.read_text(encoding="utf-8")
    assert "&lt;img src=x onerror" in text
    assert "<img src=x" not in text


def test_a_link_that_leads_out_of_the_landing_folder_is_left_alone(
    make_data_lake: Callable[..., Any], tmp_path: Path
) -> None:
    lake = make_data_lake()
    lake.declare("cities", delivery="incremental", columns=CITIES, limit=1)
    secret = tmp_path / "secret.csv"
    secret.write_text("name,people\nsecret,1\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "deep.csv").write_text("name,people\ndeep,1\n")
    inside = lake.drop("cities", "name,people\nown,1\n")
    inside.with_name("link.csv").symlink_to(secret)
    inside.with_name("passwd.csv").symlink_to("/etc/passwd")
    inside.with_name("folder").symlink_to(tmp_path / "more")
    inside.with_name("nowhere.csv").symlink_to(tmp_path / "nothing")
    receipt = landing.land(lake.lake, "cities", run="land")
    lake.refresh("cities")
    assert [delivery.source_key for delivery in receipt.deliveries] == ["a.csv"]
    assert lake.rows("silver.cities", "name") == [("own",)]


@pytest.mark.parametrize("member", ["../up.csv", "/abs.csv", "a/b.csv", "..\\up.csv", "C:\\x.csv"])
def test_a_member_of_an_archive_has_no_path(
    make_data_lake: Callable[..., Any], member: str
) -> None:
    lake = make_data_lake()
    lake.declare("cities", delivery="incremental", columns=CITIES, limit=1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = member
        archive.writestr(info, "name,people\nup,1\n")
    receipt = lake.land("cities", packed.getvalue(), "a.zip")
    assert "one file without a path is expected" in receipt.refused[0]
    assert list(lake.folder.rglob("*up.csv")) == []


def test_a_dataset_is_no_path_for_land(make_data_lake: Callable[..., Any], tmp_path: Path) -> None:
    lake = make_data_lake("cities")
    for name in ("../cities", "cities/../cities", "/cities", "cities\0", "cities'"):
        with pytest.raises(LakehouseError, match="no dataset"):
            landing.land(lake.lake, name, run="land")


# --- the fence of sessions on S3 -----------------------------------------------------------------

S3_READS = [
    "select * from read_text('s3://{other}/x.csv')",
    "select * from 's3://{other}/x.csv'",
    "select * from read_csv('{beside}/x.csv')",
    "select * from '{inside}/x.parquet'",
    "select * from read_blob('{endpoint}/x')",
    "select * from 'https://example.org/x.csv'",
    "select * from glob('s3://{other}/*')",
    "copy (select 1) to 's3://{other}/y.csv'",
    "copy (select 1) to '{inside}/y.csv'",
    "attach 'postgresql://u:p@h/db' as pg (type postgres)",
    "attach 's3://{other}/x.db'",
    "create secret (type s3)",
    "select * from duckdb_secrets()",
    "from which_secret('s3://{other}/x', 's3')",
    "select getenv('AWS_SECRET_ACCESS_KEY')",
    "pragma database_list",
    "select 1; select 2",
    "select 1; -- \n copy (select 1) to 's3://{other}/y.csv'",
    "/* select */ copy (select 1) to 's3://{other}/y.csv'",
    "select\u00a0*\u00a0from\u00a0read_text('s3://{other}/x.csv')",
    "select * from \uff52ead_text('s3://{other}/x.csv')",
    "with t as (select * from read_text('s3://{other}/x.csv')) select * from t",
    "select (select content from read_text('s3://{other}/x.csv'))",
    "select * from iceberg_metadata('{inside}/silver/cities')",
    "set s3_endpoint='example.org'",
    "from histogram_values('{inside}/x.parquet', secret)",
    "load postgres",
]


@pytest.fixture(scope="module")
def remote(
    make_service_lake: Callable[..., Any], services: Any
) -> Iterator[tuple[Session, dict[str, str]]]:
    lake = make_service_lake("cities")
    lake.put("cities", "name,people\nUtrecht,5\n")
    warehouse = lake.environment["LAKEHOUSE_WAREHOUSE"]
    bucket = warehouse.removeprefix("s3://").split("/")[0]
    other = lake.environment["LAKEHOUSE_LANDING"].removeprefix("s3://").split("/")[0]
    places = {"inside": warehouse, "beside": f"{warehouse}-2", "other": other,
              "endpoint": services.s3.endpoint, "bucket": bucket}  # fmt: skip
    for url in (f"s3://{other}/x.csv", f"{warehouse}-2/x.csv", f"{warehouse}/x.parquet"):
        services.s3.files.pipe(url, b"secret\n1\n")
    with Session(lake.lake) as session:
        yield session, places


def test_the_lake_on_s3_answers(remote: tuple[Session, dict[str, str]]) -> None:
    answer = remote[0].query("select name from silver.cities").table.to_pylist()
    assert answer == [{"name": "Utrecht"}]


@pytest.mark.parametrize("sql", S3_READS)
def test_a_session_on_s3_reaches_nothing_else(
    remote: tuple[Session, dict[str, str]], sql: str
) -> None:
    with pytest.raises(LakehouseError):
        remote[0].query(sql.format(**remote[1]))


@pytest.mark.parametrize(
    "name",
    ["s3://{other}/x", "{beside}/x", "{inside}/x", "{inside}/../../{other}/x",
     "{inside}/silver/cities/data/../../../../../{other}/x", "{endpoint}/{other}/x"],
)  # fmt: skip
def test_no_name_of_a_table_is_a_key(remote: tuple[Session, dict[str, str]], name: str) -> None:
    """What DuckDB's own rail cannot see, for it compares texts, never gets there."""
    path = name.format(**remote[1])
    for sql in (f'from "{path}"."csv"', f'describe "{path}.csv"', f'from s."{path}"."parquet"'):
        with pytest.raises(QueryRefused, match="looks like a file"):
            remote[0].query(sql)


@pytest.mark.parametrize(
    "place",
    ["s3://{other}/x.csv", "{beside}/x.csv", "{inside}/../x.csv", "{inside}/x.parquet",
     "{inside}/bronze/cities/x.csv", "{inside}/silver/cities/x.csv"],
)  # fmt: skip
def test_duckdb_itself_opens_nothing_beside_the_tables(
    remote: tuple[Session, dict[str, str]], place: str
) -> None:
    """The third rail, behind the admission of statements."""
    import duckdb

    with pytest.raises(duckdb.PermissionException):
        remote[0]._connection.execute(f"from read_text('{place.format(**remote[1])}')")


@pytest.mark.parametrize(
    "name", ["s3_secret_access_key", "s3_access_key_id", "s3_session_token", "s3_endpoint"]
)
def test_no_setting_of_a_session_holds_a_credential(
    remote: tuple[Session, dict[str, str]], services: Any, name: str
) -> None:
    shown = remote[0].query(f"select current_setting('{name}') as v").table["v"].to_pylist()
    assert shown[0] in (None, "", "s3.amazonaws.com")


CITIES: list[dict[str, Any]] = [
    {"name": "name", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "people", "logicalType": "integer", "logicalTypeOptions": {"minimum": 1}},
]
CONTRACT = json.dumps(
    {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "cities", "version": "1.0.0",
        "status": "active", "team": {"name": "tests"},
        "customProperties": [{"property": "delivery", "value": "incremental"}],
        "schema": [{"name": "cities", "properties": CITIES}],
    }
)  # fmt: skip
MODEL = "torture/project/assets/models/dear.yaml"
