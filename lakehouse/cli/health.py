"""Tests of each part that a lake needs."""

from __future__ import annotations

import os
import platform
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from lakehouse import outage
from lakehouse.connection import quote_text
from lakehouse.database import engine
from lakehouse.errors import LakehouseError, ServiceFailed
from lakehouse.lake import Lake
from lakehouse.results import counted
from lakehouse.settings import Settings, hidden, without_passwords
from lakehouse.storage import local_path

_PACKAGES = (
    "dagster",
    "duckdb",
    "pyiceberg",
    "dbt-duckdb",
    "great-expectations",
    "mlflow",
    "torch",
)


@dataclass(frozen=True)
class Finding:
    """What a test of one part found.

    Attributes:
        part: What was tested.
        ok: Whether it works.
        finding: Evidence, or what went wrong.
        exit_code: What the command line ends with if it does not work.
    """

    part: str
    ok: bool
    finding: str
    exit_code: int = 0


@dataclass(frozen=True)
class Shown:
    """A setting as it may be shown.

    Attributes:
        name: Its name in `lakehouse.toml`; its variable is `LAKEHOUSE_<NAME>`.
        value: Its value, passwords in URLs left out.
        source: `environment`, `file` or `default`.
    """

    name: str
    value: str
    source: str


def settings_shown(settings: Settings) -> tuple[Shown, ...]:
    """Returns every setting and where it comes from."""
    found = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name != "sources":
            text = without_passwords("" if value is None else str(value))
            found.append(Shown(field.name, text, settings.sources.get(field.name, "default")))
    return tuple(found)


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Tests every part; one that fails does not hide the others."""
    lake = Lake(settings)
    tests: Mapping[str, Callable[[Lake], str]] = {
        "versions": _versions,
        "contracts": lambda lake: f"{len(lake.contracts)} in order: {', '.join(lake.contracts)}",
        "models": lambda lake: f"{len(lake.models)} in order: {', '.join(lake.models)}",
        "home": _home,
        "warehouse": _warehouse,
        "landing": _landing,
        "catalog": _catalog,
        "tracking": _tracking,
        "dagster": _dagster,
        "duckdb": _duckdb,
    }
    return tuple(_tested(part, test, lake) for part, test in tests.items())


def _tested(part: str, test: Callable[[Lake], str], lake: Lake) -> Finding:
    try:
        return Finding(part, True, test(lake))
    except ImportError as error:
        return Finding(part, False, f"a driver is not installed: {error}", 2)
    except Exception as error:
        known = error if isinstance(error, LakehouseError) else outage.told(error)
        if known is None:
            raise
        return Finding(part, False, hidden(str(known)), known.exit_code)


def _versions(_: Lake) -> str:
    found = [f"python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} MISSING")
    return ", ".join(found)


def _home(lake: Lake) -> str:
    home = lake.settings.home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{there} cannot be written")
    free = shutil.disk_usage(there).free / 1e9
    made = "" if there == home else ", made by the first run"
    return f"{home}: {free:,.0f} GB free{made}"


def _warehouse(lake: Lake) -> str:
    """Writes a file, reads it back and removes it, as a run does."""
    url = lake.settings.warehouse
    if url.startswith("file://") and not Path(local_path(url)).exists():
        return f"{url}: not there yet, made by the first run"
    content, probe = uuid.uuid4().hex.encode(), f"{url}/.doctor-{uuid.uuid4().hex}"
    with lake.scratch() as scratch:
        near = scratch / "probe"
        near.write_bytes(content)
        lake.storage.copy(f"file://{near}", probe)
    try:
        lake.storage.fetch(probe, f"{probe}.copy", sha256(content).hexdigest())
        with lake.connect(tables=False) as connection:
            read = f"SELECT content FROM read_text({quote_text(local_path(probe))})"
            found = connection.execute(read).fetchall()
    finally:
        for made in (f"{probe}.copy", probe):
            if lake.storage.exists(made):
                lake.storage.remove(made)
    if found != [(content.decode(),)]:
        raise ServiceFailed("Storage", f"reading {probe}", "DuckDB reads other bytes")
    return f"{url}: a file was written, copied, read by DuckDB and removed{_unsafe(lake.settings)}"


def _unsafe(settings: Settings) -> str:
    """Says what an unencrypted connection to another machine does not give."""
    asked = urlsplit(settings.s3_endpoint or "")
    near = (asked.hostname or "").startswith("127.") or asked.hostname in ("localhost", "::1")
    if not settings.remote or asked.scheme != "http" or near:
        return ""
    return (
        f". {settings.s3_endpoint} is not encrypted: bytes of Parquet files that change on the way "
        "to DuckDB may not be noticed. Use https."
    )


def _landing(lake: Lake) -> str:
    url = lake.settings.landing
    if url.startswith("file://") and not Path(local_path(url)).exists():
        return f"{url}: not there yet, made by the first run"
    if url.startswith("s3://"):  # a folder on S3 is there as soon as a file is in it
        lake.storage.filesystem(url).ls("/".join(url.split("/")[:3]))
    return f"{url}: answers, {counted(len(lake.storage.list(url)), 'file')}"


def _catalog(lake: Lake) -> str:
    uri = lake.settings.catalog_uri
    if not _there(uri):
        return "no catalog yet, made by the first run"
    tables = lake.catalog.locations()
    gone = [name for name, url in sorted(tables.items()) if not lake.storage.exists(url)]
    if gone:
        more = f" and of {counted(len(gone) - 1, 'more table')}" if gone[1:] else ""
        why = f"{tables[gone[0]]} is missing. `lakehouse restore` brings a backup's back"
        raise ServiceFailed("Storage", f"looking for the metadata of {gone[0]}{more}", why)
    return f"{without_passwords(uri)}: answers, {counted(len(tables), 'table')}"


def _tracking(lake: Lake) -> str:
    uri = lake.settings.tracking_uri
    if not _there(uri):
        return "no registry yet, made by the first training"
    if uri.startswith(("http://", "https://")):
        return f"{without_passwords(uri)}: an MLflow server, asked at training"
    return _connected(lake, uri)


def _dagster(lake: Lake) -> str:
    uri = lake.settings.dagster_uri
    return _connected(lake, uri) if uri else "SQLite in the home"


def _connected(lake: Lake, uri: str) -> str:
    patience = lake.settings
    with engine(uri, retries=patience.retries, timeout=patience.timeout).connect():
        return f"{without_passwords(uri)}: answers"


def _duckdb(lake: Lake) -> str:
    with lake.connect() as connection:
        rows = connection.execute(
            "SELECT string_agg(extension_name, ', ' ORDER BY extension_name) "
            "FROM duckdb_extensions() WHERE loaded"
        ).fetchone()
    return f"extensions loaded: {rows[0] if rows else 'none'}; memory {lake.settings.memory}"


def _there(uri: str) -> bool:
    """A SQLite file that is not there must not be made by looking for it."""
    path = uri.removeprefix("sqlite:///")
    return path == uri or os.path.exists(path)  # noqa: PTH110  a database URL, not a path
