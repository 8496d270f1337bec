"""DuckDB connections with the lake's extensions, limits and clock zone."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import duckdb

from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings

EXTENSIONS = ("avro", "iceberg", "httpfs")
"""In load order: iceberg needs avro."""


@cache
def extension_file(name: str) -> Path:
    """Returns the extension binary inside its wheel, so that nothing is downloaded or installed.

    Raises:
        ServiceFailed: The wheel is not there.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("missing")
    found = list(folder.glob(f"extensions/*/{name}.duckdb_extension"))
    if not found:
        raise ServiceFailed("DuckDB", f"loading extension {name}", "its wheel is not installed")
    return found[0]


def connect(
    settings: Settings, database: str = ":memory:", *, tables: bool = True, share: int = 1
) -> duckdb.DuckDBPyConnection:
    """Returns a connection with the lake's limits that spills to its home and runs in UTC.

    Args:
        settings: The lake's.
        database: A DuckDB file, or `:memory:`.
        tables: Whether Iceberg tables are read, too. DuckDB checks the signature of each extension
            for every connection, so those not needed are left out.
        share: How many connections share memory and cores.
    """
    connection = duckdb.connect(database)
    remote = bool(settings.s3_endpoint) or settings.warehouse.startswith("s3://")
    needed = {"avro": tables, "iceberg": tables, "httpfs": remote}
    for name in (name for name in EXTENSIONS if needed[name]):
        connection.execute(f"LOAD {quote_text(str(extension_file(name)))}")
    spill = settings.home / "tmp"
    connection.execute(f"SET memory_limit={quote_text(settings.memory)}")
    connection.execute(f"SET temp_directory={quote_text(str(spill))}")
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET autoinstall_known_extensions=false")
    connection.execute("SET enable_progress_bar=false")
    if settings.threads:
        connection.execute(f"SET threads={settings.threads}")
    if share > 1:
        _share(connection, share)
    if remote:
        _add_s3(connection, settings)
    return connection


def _share(connection: duckdb.DuckDBPyConnection, share: int) -> None:
    """Leaves the other connections their part."""
    found = connection.execute("SELECT current_setting('threads'), current_setting('memory_limit')")
    threads, memory = found.fetchall()[0]
    amount, unit = str(memory).split()
    connection.execute(f"SET threads={max(int(threads) // share, 1)}")
    connection.execute(f"SET memory_limit='{float(amount) / share} {unit}'")


def _add_s3(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Gives the connection the S3 endpoint and the standard AWS variables as a secret."""
    from botocore.session import (
        get_session,  # the standard AWS chain; only service mode pays for it
    )

    found = get_session().get_credentials()
    options = ["TYPE s3"]
    if found is not None:
        options += [
            f"KEY_ID {quote_text(found.access_key)}",
            f"SECRET {quote_text(found.secret_key)}",
        ]
    if settings.s3_endpoint:
        host = settings.s3_endpoint.split("://", 1)[-1].rstrip("/")
        secure = settings.s3_endpoint.startswith("https://")
        options += [f"ENDPOINT {quote_text(host)}", f"USE_SSL {secure}", "URL_STYLE 'path'"]
    connection.execute(f"CREATE SECRET lake ({', '.join(options)})")


def quote_text(value: str) -> str:
    """Returns `value` as a SQL string literal.

    >>> quote_text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Returns `name` as a SQL identifier.

    >>> quote_name('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_table(name: str) -> str:
    """Returns `namespace.table` with both parts quoted.

    >>> quote_table("silver.flights")
    '"silver"."flights"'
    """
    return ".".join(quote_name(part) for part in name.split(".", 1))
