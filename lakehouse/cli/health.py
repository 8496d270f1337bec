"""Tests of each part that a lake needs."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from lakehouse.errors import LakehouseError
from lakehouse.lake import Lake
from lakehouse.settings import Settings

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


def settings_shown(settings: Settings) -> Mapping[str, str]:
    """Returns every setting as text, passwords in URLs left out."""
    found = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        text = "" if value is None else str(value)
        found[field.name] = _without_password(text) if "_uri" in field.name else text
    return found


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Tests every part; one that fails does not hide the others."""
    lake = Lake(settings)
    tests: Mapping[str, Callable[[Lake], str]] = {
        "versions": _versions,
        "contracts": lambda lake: f"{len(lake.contracts)} in order: {', '.join(lake.contracts)}",
        "models": lambda lake: f"{len(lake.models)} in order: {', '.join(lake.models)}",
        "home": _home,
        "warehouse": lambda lake: _storage(lake, lake.settings.warehouse),
        "landing": lambda lake: _storage(lake, lake.settings.landing),
        "catalog": _catalog,
        "tracking": _tracking,
        "duckdb": _duckdb,
    }
    return tuple(_tested(part, test, lake) for part, test in tests.items())


def _tested(part: str, test: Callable[[Lake], str], lake: Lake) -> Finding:
    try:
        return Finding(part, True, test(lake))
    except LakehouseError as error:
        return Finding(part, False, str(error), error.exit_code)
    except ImportError as error:
        return Finding(part, False, f"a driver is not installed: {error}", 2)
    except (OSError, SQLAlchemyError) as error:
        return Finding(part, False, " ".join(str(error).split())[:300], 3)


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


def _storage(lake: Lake, url: str) -> str:
    found = lake.storage.filesystem(url).exists(url)
    return f"{url}: {'answers' if found else 'empty, made when first needed'}"


def _catalog(lake: Lake) -> str:
    if not _there(lake.settings.catalog_uri):
        return "no catalog yet, made by the first run"
    return f"{len(lake.catalog.names())} tables"


def _tracking(lake: Lake) -> str:
    uri = lake.settings.tracking_uri
    if not _there(uri):
        return "no registry yet, made by the first training"
    if uri.startswith(("http://", "https://")):
        return f"{_without_password(uri)}: an MLflow server, asked at training"
    with create_engine(uri).connect():
        return f"{_without_password(uri)}: answers"


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


def _without_password(uri: str) -> str:
    if "://" not in uri:
        return uri
    try:
        return make_url(uri).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "(not a database URL)"
