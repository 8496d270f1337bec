"""DuckDB connections with the lake's extensions, limits and clock zone."""

from __future__ import annotations

import importlib.util
import re
import secrets
from functools import cache
from pathlib import Path

import duckdb

from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings, certificates

EXTENSIONS = ("avro", "iceberg", "httpfs")
"""In load order: iceberg needs avro."""
_LOGIN = re.compile(r"^(\w+://)?.*@", re.DOTALL)
"""Scheme and login of a URL; a password may hold an `@`."""


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
    equip(connection, settings, tables=tables)
    connection.execute(f"SET memory_limit={quote_text(settings.memory)}")
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET enable_progress_bar=false")
    if settings.threads:
        connection.execute(f"SET threads={settings.threads}")
    if share > 1:
        _share(connection, share)
    return connection


def equip(
    connection: duckdb.DuckDBPyConnection, settings: Settings, *, tables: bool = True
) -> None:
    """Gives a connection, whoever has opened it, what it needs to reach the lake's files.

    Args:
        connection: The connection.
        settings: The lake's.
        tables: Whether Iceberg tables are read, too.
    """
    needed = {"avro": tables, "iceberg": tables, "httpfs": settings.remote}
    for name in (name for name in EXTENSIONS if needed[name]):
        connection.execute(f"LOAD {quote_text(str(extension_file(name)))}")
    connection.execute(f"SET temp_directory={quote_text(str(settings.home / 'tmp'))}")
    connection.execute("SET autoinstall_known_extensions=false")
    _forget_login(connection)
    if settings.remote:
        _reach_s3(connection, settings)


def _forget_login(connection: duckdb.DuckDBPyConnection) -> None:
    """Leaves the user and password of `HTTP_PROXY` out: DuckDB shows settings to every query.

    It could not read a proxy's URL with them anyway, and no secret of DuckDB brings them to S3.
    """
    found = connection.execute("SELECT current_setting('http_proxy')").fetchone()
    proxy = str(found[0] or "") if found else ""
    bare = _LOGIN.sub(r"\1", proxy)
    if bare != proxy:
        connection.execute(f"SET http_proxy={quote_text(bare)}")


def _share(connection: duckdb.DuckDBPyConnection, share: int) -> None:
    """Leaves the other connections their part."""
    found = connection.execute("SELECT current_setting('threads'), current_setting('memory_limit')")
    threads, memory = found.fetchall()[0]
    amount, unit = str(memory).split()
    connection.execute(f"SET threads={max(int(threads) // share, 1)}")
    connection.execute(f"SET memory_limit='{float(amount) / share} {unit}'")


def _reach_s3(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tells the connection where S3 is, with which credentials and how patiently to ask it."""
    # DuckDB would take the credentials as settings, too, which every query could show
    connection.execute("SET enable_global_s3_configuration=false")
    for name in ("s3_access_key_id", "s3_secret_access_key", "s3_session_token"):
        connection.execute(f"RESET {name}")
    # a name in a URL is a name, never a pattern
    connection.execute("SET s3_url_compatibility_mode=true")
    connection.execute(f"SET http_retries={settings.retries}")
    connection.execute(f"SET http_timeout={settings.timeout}")
    # many processes that failed together must not ask again together
    connection.execute(f"SET http_retry_wait_ms={secrets.SystemRandom().randint(100, 400)}")
    connection.execute("SET http_retry_backoff=2")
    if certificates():
        connection.execute(f"SET ca_cert_file={quote_text(certificates())}")
    options = ", ".join(f"{name} {value}" for name, value in _secret(settings).items())
    connection.execute(f"CREATE OR REPLACE TEMPORARY SECRET lake (TYPE s3, {options})")


def _secret(settings: Settings) -> dict[str, str]:
    """Returns endpoint and credentials, these from the standard AWS chain, as SQL by option."""
    from botocore.session import get_session  # only service mode pays for it

    session = get_session()
    region = settings.s3_region or session.get_config_variable("region") or "us-east-1"
    found = {"REGION": quote_text(region)}
    credentials = session.get_credentials()
    if credentials is not None:
        frozen = credentials.get_frozen_credentials()  # one moment's, where they are renewed
        found["KEY_ID"] = quote_text(frozen.access_key)
        found["SECRET"] = quote_text(frozen.secret_key)
        if frozen.token:
            found["SESSION_TOKEN"] = quote_text(frozen.token)
    style = settings.s3_url_style or ("path" if settings.s3_endpoint else "virtual")
    found["URL_STYLE"] = "'path'" if style == "path" else "'vhost'"
    if settings.s3_endpoint:
        scheme, _, host = settings.s3_endpoint.partition("://")
        found["ENDPOINT"] = quote_text(host)
        found["USE_SSL"] = str(scheme == "https").lower()
    return found


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
