"""DuckDB connections: limits, UTC, and the extensions that are needed from their wheels."""

from pathlib import Path

import duckdb
import pytest

from lakehouse.connection import connect, extension_file, quote_name, quote_table, quote_text
from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    return Settings.load(
        {"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_MEMORY": "512MiB", "LAKEHOUSE_THREADS": "1"}
    )


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    found = connection.execute(f"SELECT current_setting('{name}')").fetchone()
    assert found is not None
    return found[0]


def loaded(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "SELECT extension_name FROM duckdb_extensions() WHERE loaded"
    return {row[0] for row in connection.execute(query).fetchall()}


def test_limits_are_those_of_the_settings(lake: Settings) -> None:
    with connect(lake, tables=False) as connection:
        assert setting(connection, "memory_limit") == "512.0 MiB"
        assert setting(connection, "threads") == 1
        assert str(setting(connection, "temp_directory")).startswith(str(lake.home))


def test_times_are_in_utc_wherever_the_machine_is(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    with connect(lake, tables=False) as connection:
        found = connection.execute("SELECT CAST(TIMESTAMPTZ '2013-01-01 02:00:00Z' AS DATE)::TEXT")
        assert found.fetchone() == ("2013-01-01",)


def test_nothing_is_installed_from_outside(lake: Settings) -> None:
    with connect(lake, tables=False) as connection:
        assert setting(connection, "autoinstall_known_extensions") is False


def test_tables_need_iceberg_and_no_service(lake: Settings) -> None:
    with connect(lake) as connection:
        found = loaded(connection)
    assert {"avro", "iceberg"} <= found
    assert "httpfs" not in found


def test_files_alone_need_no_extension(lake: Settings) -> None:
    with connect(lake, tables=False) as connection:
        assert not {"avro", "iceberg", "httpfs"} & loaded(connection)


def test_a_bucket_needs_httpfs_and_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ada")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "it's")
    remote = Settings.load(
        {
            "LAKEHOUSE_HOME": str(tmp_path),
            "LAKEHOUSE_WAREHOUSE": "s3://lake",
            "LAKEHOUSE_S3_ENDPOINT": "http://127.0.0.1:9",
        }
    )
    with connect(remote, tables=False) as connection:
        assert "httpfs" in loaded(connection)
        secret = connection.execute("SELECT name, secret_string FROM duckdb_secrets()").fetchone()
    assert secret is not None
    assert secret[0] == "lake"
    assert "endpoint=127.0.0.1:9" in secret[1]
    assert "use_ssl=false" in secret[1]


def test_a_missing_extension_is_a_failed_service() -> None:
    with pytest.raises(ServiceFailed, match="loading extension spatial: its wheel is not inst"):
        extension_file("spatial")


@pytest.mark.parametrize("text", ["plain", "it's", "'; DROP TABLE t; --", 'a"b', "é\n"])
def test_a_quoted_text_is_itself(lake: Settings, text: str) -> None:
    with connect(lake, tables=False) as connection:
        assert connection.execute(f"SELECT {quote_text(text)}").fetchone() == (text,)


@pytest.mark.parametrize("name", ["plain", "select", 'a"b', "a b", "Ä"])
def test_a_quoted_name_is_itself(lake: Settings, name: str) -> None:
    with connect(lake, tables=False) as connection:
        described = connection.execute(f"SELECT 1 AS {quote_name(name)}").description
    assert described is not None
    assert described[0][0] == name


def test_a_table_is_quoted_in_its_parts() -> None:
    assert quote_table("gold.a.b") == '"gold"."a.b"'
