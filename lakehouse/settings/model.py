"""All settings of a lake, and how they are found."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lakehouse.errors import SettingsError, did_you_mean
from lakehouse.settings.hiding import remember
from lakehouse.settings.values import (
    MOST_HOURS,
    amount,
    clock,
    count,
    database,
    endpoint,
    folder,
    postgresql,
    resolved,
    style,
    url,
)

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
        s3_region: Region of the buckets; empty means as the standard AWS chain finds it.
        s3_url_style: Where the bucket's name stands: `path` or `virtual` (host name); empty means
            as usual, in the path for another service than AWS.
        retries: How often S3 and PostgreSQL are asked again before that is an error.
        timeout: Seconds that they have for an answer.
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
        sources: Where each setting that is not the default comes from: `environment` or `file`.
    """

    project: Path
    home: Path
    warehouse: str
    landing: str
    catalog_uri: str = field(repr=False)  # these URLs may hold a password
    s3_endpoint: str | None
    tracking_uri: str = field(repr=False)
    now: datetime | None
    memory: str
    threads: int
    hash_key_file: str = ""
    hash_key: Secret = Secret()
    s3_region: str = ""
    s3_url_style: str = ""
    retries: int = 4
    timeout: int = 30
    dagster_uri: str = field(default="", repr=False)
    grace_hours: int = 24
    executor: str = "dagster:in_process_executor"
    spill: str = "10GB"
    query_seconds: int = 300
    query_rows: int = 1_000_000
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, environment: dict[str, str] | None = None) -> Settings:
        """Reads the environment and `lakehouse.toml`.

        Raises:
            SettingsError: A value cannot be used, or the TOML file has an unknown key.
        """
        env = dict(os.environ) if environment is None else environment
        project = resolved("project", env.get("LAKEHOUSE_PROJECT") or _find_project())
        home = folder("home", env.get("LAKEHOUSE_HOME") or project / ".lake")
        stored = _read_toml(home / CONFIG_FILE)

        sources = dict.fromkeys(stored, "file")
        sources |= {
            f.name: "environment" for f in fields(cls) if env.get(f"LAKEHOUSE_{f.name.upper()}")
        }

        def value(name: str, default: str) -> str:
            found = env.get(f"LAKEHOUSE_{name.upper()}") or str(stored.get(name, default))
            remember(found)
            return found

        return cls(
            project=project,
            home=home,
            warehouse=url("warehouse", value("warehouse", str(home / "warehouse"))),
            landing=url("landing", value("landing", str(home / "landing"))),
            catalog_uri=database(
                "catalog_uri", value("catalog_uri", f"sqlite:///{home / 'catalog.db'}")
            ),
            s3_endpoint=endpoint(value("s3_endpoint", "")),
            s3_region=value("s3_region", ""),
            s3_url_style=style(value("s3_url_style", "")),
            retries=count("retries", value("retries", str(cls.retries))),
            timeout=count("timeout", value("timeout", str(cls.timeout))),
            tracking_uri=database(
                "tracking_uri", value("tracking_uri", f"sqlite:///{home / 'mlflow.db'}")
            ),
            dagster_uri=postgresql("dagster_uri", value("dagster_uri", "")),
            grace_hours=count("grace_hours", value("grace_hours", "24"), MOST_HOURS),
            executor=value("executor", cls.executor),
            spill=amount("spill", value("spill", cls.spill)),
            query_seconds=count("query_seconds", value("query_seconds", str(cls.query_seconds))),
            query_rows=count("query_rows", value("query_rows", str(cls.query_rows))),
            now=clock(value("now", "")),
            memory=amount("memory", value("memory", "1GB")),
            threads=count("threads", value("threads", "0")),
            hash_key_file=value("hash_key_file", ""),
            hash_key=Secret(env.get("LAKEHOUSE_HASH_KEY") or ""),
            sources=sources,
        )

    def other(self, file: Path) -> Settings:
        """Returns the settings of another lake of this project, from a TOML file.

        Args:
            file: It has the keys of `lakehouse.toml`, and `home`.

        Raises:
            SettingsError: It cannot be read, lacks the home, or a value in it cannot be used.
        """
        if not file.is_file():
            raise SettingsError("--to", str(file), "there is no such file")
        stored = _read_toml(file, "home")
        if "home" not in stored:
            raise SettingsError("home", "", f"{file} does not say where the other lake's home is")
        found = {f"LAKEHOUSE_{name.upper()}": str(value) for name, value in stored.items()}
        return Settings.load({**found, "LAKEHOUSE_PROJECT": str(self.project)})

    @property
    def remote(self) -> bool:
        """Whether any of the lake's files is on S3."""
        return any(url.startswith("s3://") for url in (self.warehouse, self.landing))

    @property
    def cores(self) -> int:
        """How many threads may work at a time."""
        return self.threads or os.cpu_count() or 1

    @property
    def grace(self) -> timedelta:
        """How long a file stays that nothing refers to any more."""
        return timedelta(hours=self.grace_hours)

    def reaching(self) -> dict[str, str]:
        """Returns the variables with which a child process reaches the same files."""
        names = ("project", "home", "warehouse", "landing", "s3_endpoint", "s3_region")
        found = {name: getattr(self, name) for name in (*names, "s3_url_style")}
        found |= {"retries": self.retries, "timeout": self.timeout}
        shown = {name: "" if value is None else str(value) for name, value in found.items()}
        return {f"LAKEHOUSE_{name.upper()}": value for name, value in shown.items()}

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
        except (OSError, RuntimeError) as error:  # the latter: `~name` is nobody's folder
            why = f"the file cannot be read ({getattr(error, 'strerror', error)})"
            raise SettingsError(KEY_SETTING, self.hash_key_file, why) from error


def _find_project() -> Path:
    """The working folder if it declares a lake, else the checkout this package lies in."""
    here = Path.cwd()
    if (here / "assets" / "contracts").is_dir():
        return here
    return Path(__file__).resolve().parent.parent.parent


def _read_toml(file: Path, *more: str) -> dict[str, object]:
    try:
        stored = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except OSError as error:
        raise SettingsError(str(file), "", f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 (byte {error.start + 1}), as TOML must be"
        raise SettingsError(str(file), "", why) from error
    except (ValueError, RecursionError) as error:  # also a number or a nesting without end
        raise SettingsError(str(file), "", f"it is not valid TOML ({error})") from error
    known = {f.name for f in fields(Settings)} - {"project", "home", "hash_key", "sources"}
    known |= set(more)
    for key in stored:
        if key not in known:
            raise SettingsError(key, "…", f"{file} has an unknown key" + did_you_mean(key, known))
    return stored
