"""The only module that reads the environment.

Settings come, in this order, from environment variables `LAKEHOUSE_*`, from
`<home>/lakehouse.toml`, and from defaults that need no service at all.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlparse

from lakehouse.errors import SettingsError, did_you_mean

CONFIG_FILE = "lakehouse.toml"
KEY_SETTING = "LAKEHOUSE_HASH_KEY_FILE"


@dataclass(frozen=True)
class Secret:
    """A value that is not shown wherever it is printed."""

    value: str = field(default="", repr=False)

    def __str__(self) -> str:
        return "set, not shown" if self.value else ""


@dataclass(frozen=True)
class Settings:
    """Where the lake is and how it runs.

    Attributes:
        project: Folder with `assets/` and `dbt_project/`: what is declared.
        home: Folder of the embedded lake; default `<project>/.lake`.
        warehouse: URL of bronze and the tables; default a folder in `home`.
        landing: URL where producers drop files; default a folder in `home`.
        catalog_uri: SQLAlchemy URL of the Iceberg catalog; default SQLite in `home`.
        s3_endpoint: Endpoint of an S3 service other than AWS, or None.
        tracking_uri: MLflow's store; default SQLite in `home`.
        now: The clock for freshness; None means the machine's clock.
        memory: DuckDB's memory limit.
        threads: DuckDB's threads; 0 means one per core.
        hash_key_file: File with the key of hashed columns, or empty.
        hash_key: The key itself, from the environment only; never shown.
        dagster_uri: PostgreSQL for Dagster's runs, events and schedules; empty means SQLite in
            `home`.
        grace_hours: How long a file stays that nothing refers to any more: for readers that have
            it open, and for runs that are about to refer to it.
        executor: How Dagster runs the steps of a run that a person starts, as `module:name`.
        spill: How much a query of a person may spill to disk, in `home`.
        query_seconds: How long a query of a person may take; 0 means for ever.
        query_rows: How many rows a query of a person may answer; 0 means any number.
    """

    project: Path
    home: Path
    warehouse: str
    landing: str
    catalog_uri: str
    s3_endpoint: str | None
    tracking_uri: str
    now: datetime | None
    memory: str
    threads: int
    hash_key_file: str = ""
    hash_key: Secret = Secret()
    dagster_uri: str = ""
    grace_hours: int = 24
    executor: str = "dagster:in_process_executor"
    spill: str = "10GB"
    query_seconds: int = 300
    query_rows: int = 1_000_000

    @classmethod
    def load(cls, environment: dict[str, str] | None = None) -> Settings:
        """Reads the environment and `lakehouse.toml`.

        Raises:
            SettingsError: A value cannot be used, or the TOML file has an unknown key.
        """
        env = dict(os.environ) if environment is None else environment
        project = Path(env.get("LAKEHOUSE_PROJECT") or _find_project()).resolve()
        home = Path(env.get("LAKEHOUSE_HOME") or project / ".lake").expanduser().resolve()
        stored = _read_toml(home / CONFIG_FILE)

        def value(name: str, default: str) -> str:
            return env.get(f"LAKEHOUSE_{name.upper()}") or str(stored.get(name, default))

        return cls(
            project=project,
            home=home,
            warehouse=_url("warehouse", value("warehouse", str(home / "warehouse"))),
            landing=_url("landing", value("landing", str(home / "landing"))),
            catalog_uri=_database(value("catalog_uri", f"sqlite:///{home / 'catalog.db'}")),
            s3_endpoint=value("s3_endpoint", "") or None,
            tracking_uri=_database(value("tracking_uri", f"sqlite:///{home / 'mlflow.db'}")),
            dagster_uri=_postgresql("dagster_uri", value("dagster_uri", "")),
            grace_hours=_count("grace_hours", value("grace_hours", "24")),
            executor=value("executor", cls.executor),
            spill=_amount("spill", value("spill", cls.spill)),
            query_seconds=_count("query_seconds", value("query_seconds", str(cls.query_seconds))),
            query_rows=_count("query_rows", value("query_rows", str(cls.query_rows))),
            now=_clock(value("now", "")),
            memory=_amount("memory", value("memory", "1GB")),
            threads=_count("threads", value("threads", "0")),
            hash_key_file=value("hash_key_file", ""),
            hash_key=Secret(env.get("LAKEHOUSE_HASH_KEY") or ""),
        )

    @property
    def cores(self) -> int:
        """How many threads may work at a time."""
        return self.threads or os.cpu_count() or 1

    @property
    def grace(self) -> timedelta:
        """How long a file stays that nothing refers to any more."""
        return timedelta(hours=self.grace_hours)

    def clock(self) -> datetime:
        """Returns the lake's current time in UTC: `now` if set, else the machine's clock."""
        return self.now or datetime.now(UTC)

    def read_hash_key(self) -> bytes | None:
        """Returns the key of hashed columns without the white space around it, None if none is set.

        Raises:
            SettingsError: Its file cannot be read.
        """
        if not self.hash_key_file:
            return self.hash_key.value.strip().encode() or None
        try:
            return Path(self.hash_key_file).expanduser().read_bytes().strip() or None
        except OSError as error:
            why = f"the file cannot be read ({error.strerror})"
            raise SettingsError(KEY_SETTING, self.hash_key_file, why) from error


def machine_environment(extra: dict[str, str]) -> dict[str, str]:
    """Returns the environment for a child process: this one's plus `extra`."""
    return {**os.environ, **extra}


def hand_down(name: str, value: str) -> None:
    """Sets a variable for this process and its children, which some libraries read themselves."""
    os.environ[name] = value


def armed_fault() -> tuple[str, str]:
    """Returns the armed fault point and the file that lists those reached; empty outside tests."""
    return os.environ.get("LAKEHOUSE_FAULT", ""), os.environ.get("LAKEHOUSE_FAULT_LOG", "")


def _find_project() -> Path:
    """The working folder if it declares a lake, else the checkout this package lies in."""
    here = Path.cwd()
    if (here / "assets" / "contracts").is_dir():
        return here
    return Path(__file__).resolve().parent.parent


def _read_toml(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    try:
        stored = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(file), "", f"it is not valid TOML ({error})") from error
    known = {f.name for f in fields(Settings)} - {"project", "home", "hash_key"}
    for key in stored:
        if key not in known:
            raise SettingsError(
                key, str(stored[key]), f"{file} has an unknown key" + did_you_mean(key, known)
            )
    return stored


def _url(name: str, value: str) -> str:
    """Returns a `file://` or `s3://` URL without a trailing slash."""
    parsed = urlparse(value)
    if parsed.scheme in ("file", "s3"):
        return value.rstrip("/")
    if parsed.scheme == "":
        return "file://" + str(Path(value).expanduser().resolve())
    raise SettingsError(
        f"LAKEHOUSE_{name.upper()}", value, "use a file:// or s3:// URL or a folder"
    )


def _database(value: str) -> str:
    """Names the driver where a PostgreSQL URL leaves it open: SQLAlchemy would take another."""
    for scheme in ("postgresql://", "postgres://"):
        if value.startswith(scheme):
            return "postgresql+psycopg2://" + value.removeprefix(scheme)
    return value


def _postgresql(name: str, value: str) -> str:
    """Returns a PostgreSQL URL, or an empty text."""
    found = _database(value)
    if found and not found.startswith("postgresql"):
        shown = value.split(":", 1)[0] + ":…"  # the rest may hold a password
        raise SettingsError(f"LAKEHOUSE_{name.upper()}", shown, "use a postgresql:// URL")
    return found


def _clock(value: str) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise SettingsError(
            "LAKEHOUSE_NOW", value, "use ISO 8601, e.g. 2014-01-01T00:00:00Z"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _count(name: str, value: str) -> int:
    if value.isdigit():
        return int(value)
    raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, "use a whole number")


def _amount(name: str, value: str) -> str:
    """Returns an amount of memory or disk as DuckDB reads it."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)? *([KMGT]i?)?B", value, re.IGNORECASE):
        return value
    raise SettingsError(f"LAKEHOUSE_{name.upper()}", value, "use an amount, e.g. 4GB")


def without_telemetry() -> None:
    """Switches off what MLflow would report or advertise; call it before its first import."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_DISABLE_AGENT_HINT"] = "true"
    os.environ.setdefault("DO_NOT_TRACK", "true")


def share_cores() -> None:
    """Lets OpenMP threads sleep while they wait; call it before scikit-learn or torch is imported.

    They spin by default, which makes training ten times slower as soon as anything else is running.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
