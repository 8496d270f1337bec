"""Settings: the environment before the file before the defaults, and errors that name the value."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings


def load(folder: Path, toml: str = "", **environment: str) -> Settings:
    """Settings of a lake in `folder`."""
    (folder / "lakehouse.toml").write_text(toml, encoding="utf-8")
    return Settings.load({"LAKEHOUSE_HOME": str(folder), **environment})


def test_by_default_all_is_in_one_folder_and_no_service_is_needed(tmp_path: Path) -> None:
    settings = Settings.load({"LAKEHOUSE_PROJECT": str(tmp_path)})
    home = tmp_path / ".lake"
    assert settings == Settings(
        project=tmp_path,
        home=home,
        warehouse=f"file://{home}/warehouse",
        landing=f"file://{home}/landing",
        catalog_uri=f"sqlite:///{home}/catalog.db",
        s3_endpoint=None,
        tracking_uri=f"sqlite:///{home}/mlflow.db",
        now=None,
        memory="1GB",
        threads=0,
    )


def test_loading_writes_nothing(tmp_path: Path) -> None:
    Settings.load({"LAKEHOUSE_PROJECT": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_with_contracts_is_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert Settings.load({}).project == tmp_path


def test_elsewhere_the_checkout_is_the_project(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.load({}).project == project


def test_home_moves_everything(tmp_path: Path) -> None:
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path)})
    assert settings.catalog_uri == f"sqlite:///{tmp_path}/catalog.db"
    assert settings.warehouse == f"file://{tmp_path}/warehouse"


def test_the_file_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, "memory = '3GB'\nthreads = 2").memory == "3GB"
    assert load(tmp_path, "memory = '3GB'\nthreads = 2").threads == 2


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "memory = '3GB'", LAKEHOUSE_MEMORY="2GB").memory == "2GB"


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, "memory = '3GB'", LAKEHOUSE_MEMORY="").memory == "3GB"


def test_the_environment_of_the_process_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    assert Settings.load().home == tmp_path


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("s3://lake/warehouse/", "s3://lake/warehouse"),
        ("S3://Lake/warehouse", "s3://Lake/warehouse"),
        ("FILE:///data/Lake", "file:///data/Lake"),
        ("file:///data/lake/", "file:///data/lake"),
        ("/data/lake", "file:///data/lake"),
    ],
)
def test_a_warehouse_is_a_url_or_a_folder(tmp_path: Path, written: str, url: str) -> None:
    assert load(tmp_path, LAKEHOUSE_WAREHOUSE=written).warehouse == url


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2014-01-01T00:00:00Z", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014-01-01T02:00:00+02:00", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014-01-01", datetime(2014, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_clock_can_be_set(tmp_path: Path, written: str, moment: datetime) -> None:
    assert load(tmp_path, LAKEHOUSE_NOW=written).clock() == moment


def test_the_machine_clock_is_in_utc(tmp_path: Path) -> None:
    assert load(tmp_path).clock().tzinfo is UTC


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "LAKEHOUSE_NOW",
            "noon",
            "Setting LAKEHOUSE_NOW='noon' cannot be used: use ISO 8601, e.g. 2014-01-01T00:00:00Z.",
        ),
        (
            "LAKEHOUSE_THREADS",
            "two",
            "Setting LAKEHOUSE_THREADS='two' cannot be used: use a whole number.",
        ),
        (
            "LAKEHOUSE_LANDING",
            "http://x/y",
            "Setting LAKEHOUSE_LANDING='http://x/y' cannot be used: "
            "use a file:// or s3:// URL or a folder.",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, **{variable: value})
    assert str(refused.value) == message


@pytest.mark.parametrize("value", ["²", "٣", "-1", "1.5", " 1", "9" * 5000, "1000000001", "1e3"])
@pytest.mark.parametrize("name", ["THREADS", "QUERY_ROWS", "GRACE_HOURS", "RETRIES", "TIMEOUT"])
def test_a_number_is_digits_and_not_beyond_all_use(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(
        SettingsError, match=f"LAKEHOUSE_{name}=.*: use a(t most| whole)"
    ) as refused:
        load(tmp_path, **{f"LAKEHOUSE_{name}": value})
    assert len(str(refused.value)) < 120


def test_the_largest_numbers_are_taken(tmp_path: Path) -> None:
    settings = load(tmp_path, LAKEHOUSE_QUERY_ROWS="1000000000", LAKEHOUSE_GRACE_HOURS="1000000")
    assert settings.query_rows == 1_000_000_000
    assert (datetime(2014, 1, 1, tzinfo=UTC) - settings.grace).year == 1899


@pytest.mark.parametrize(
    "value",
    [
        "s3:///nobucket",
        "s3://",
        "file://host/x",
        "file:x",
        "s3:x",
        " s3://b/c",
        "s3://[b/c",
        "~nobody-here/x",
    ],
)
def test_a_place_that_no_library_finds_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="LAKEHOUSE_WAREHOUSE"):
        load(tmp_path, LAKEHOUSE_WAREHOUSE=value)


@pytest.mark.parametrize("name", ["HOME", "PROJECT", "LANDING"])
def test_links_in_a_circle_are_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(SettingsError, match=f"LAKEHOUSE_{name}='.*it is no folder"):
        Settings.load({f"LAKEHOUSE_{name}": str(tmp_path / "a")})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAKEHOUSE_S3_ENDPOINT", "http://[x"),
        ("LAKEHOUSE_S3_ENDPOINT", "http://x:port"),
        ("LAKEHOUSE_S3_ENDPOINT", "http://"),
        ("LAKEHOUSE_NOW", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load(tmp_path, **{variable: value})


def test_a_key_in_a_folder_of_nobody_is_refused(tmp_path: Path) -> None:
    settings = load(tmp_path, LAKEHOUSE_HASH_KEY_FILE="~nobody-here/key")
    with pytest.raises(SettingsError, match="LAKEHOUSE_HASH_KEY_FILE='~nobody-here/key'"):
        settings.read_hash_key()


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"unknown key.* Did you mean 'warehouse'\?"):
        load(tmp_path, "warehuose = '/data'")


@pytest.mark.parametrize("key", ["home", "project"])
def test_the_file_cannot_move_itself(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match="unknown key"):
        load(tmp_path, f"{key} = '/data'")


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="it is not valid TOML"):
        load(tmp_path, "memory 3GB")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("# caf\xe9\n".encode("latin-1"), r"it is not UTF-8 \(byte 6\)"),
        (b"query_rows = " + b"9" * 5000, "it is not valid TOML"),
        (b"memory = " + b"[" * 5000, "it is not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_read_as_toml_is_named(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "lakehouse.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=f"lakehouse.toml='' cannot be used: {why}"):
        Settings.load({"LAKEHOUSE_HOME": str(tmp_path)})


def test_a_home_whose_name_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="it cannot be read"):
        Settings.load({"LAKEHOUSE_HOME": str(tmp_path / ("x" * 5000))})


def test_a_postgresql_url_gets_the_driver_that_is_installed(tmp_path: Path) -> None:
    url = "postgresql://ann:word@db:5433/books?sslmode=require"
    settings = load(
        tmp_path,
        LAKEHOUSE_CATALOG_URI=url,
        LAKEHOUSE_TRACKING_URI=url.replace("postgresql", "postgres"),
        LAKEHOUSE_DAGSTER_URI=url.replace("postgresql", "postgresql+pg8000"),
    )
    expected = "postgresql+psycopg2://ann:word@db:5433/books?sslmode=require"
    assert (settings.catalog_uri, settings.tracking_uri) == (expected, expected)
    assert settings.dagster_uri == url.replace("postgresql", "postgresql+pg8000")


def test_dagster_runs_are_kept_in_postgresql_or_in_the_home(tmp_path: Path) -> None:
    assert load(tmp_path).dagster_uri == ""
    with pytest.raises(SettingsError, match="LAKEHOUSE_DAGSTER_URI") as refused:
        load(tmp_path, LAKEHOUSE_DAGSTER_URI="mysql://ann:word@db/books")
    assert "word" not in str(refused.value)
