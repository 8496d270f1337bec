"""Dagster's own storage: in the lake's home, or in the PostgreSQL that a setting names."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from lakehouse.errors import SettingsError
from lakehouse.locking import exclusive
from lakehouse.settings import Settings, hand_down

URI = "LAKEHOUSE_DAGSTER_URI"
REFRESH = {"lakehouse/refresh": "true"}
"""Tag of the runs that take turns."""
_HEADER = "# Written anew at each start. Sections of yours go into own.yaml beside it.\n"
_BEFORE = "# Written by lakehouse; what is changed here is kept."
"""First line of the files that were written once and then left to their reader."""
_SECTIONS = {
    "telemetry": "telemetry:\n  enabled: false\n",
    "nux": "nux:\n  enabled: false\n",
    "compute_logs": """\
# What a run has to say is in its event log. Capturing the output of each step as well would start
# two processes per step, and come between the command line and its terminal.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
""",
    "concurrency": """\
# Refreshes take turns: two at once would do the same work twice.
concurrency:
  runs:
    tag_concurrency_limits:
      - key: lakehouse/refresh
        limit: 1
""",
}
_SQLITE = "storage:\n  sqlite:\n    base_dir: {folder}\n"
_POSTGRESQL = f"""\
# The URL, which may hold a password, comes from the environment and is not written down.
storage:
  postgres:
    postgres_url:
      env: {URI}
"""
_STORAGE = {"storage", "run_storage", "event_log_storage", "schedule_storage"}


def home(settings: Settings) -> Path:
    """Returns the folder with `dagster.yaml`, brought in line with the settings.

    Raises:
        SettingsError: The person's own sections cannot be used.
    """
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "dagster.yaml"
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    own = folder / "own.yaml"
    if there.startswith(_BEFORE) and not own.exists():
        _set_aside(there, own)
    wanted = _document(settings, own)
    if wanted != there:
        written = folder / f"dagster.yaml.{os.getpid()}.tmp"
        written.write_text(wanted, encoding="utf-8")
        written.replace(file)
    if settings.dagster_uri:
        hand_down(URI, settings.dagster_uri)
    return folder


def instance(settings: Settings) -> dg.DagsterInstance:
    """Returns the instance that the web UI shows too.

    Raises:
        ServiceFailed: PostgreSQL does not answer.
    """
    folder = home(settings)
    with exclusive(folder / "making.lock", settings.dagster_uri, settings.retries):
        return dg.DagsterInstance.from_config(str(folder))


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Returns what runs the steps of a run, e.g. each in a process or a pod of its own.

    Raises:
        SettingsError: There is no such executor in this installation.
    """
    module, _, name = settings.executor.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError("LAKEHOUSE_EXECUTOR", settings.executor, str(error)) from error
    if not isinstance(found, dg.ExecutorDefinition):
        raise SettingsError("LAKEHOUSE_EXECUTOR", settings.executor, "it is no Dagster executor")
    return found


def _document(settings: Settings, own: Path) -> str:
    """Returns all of dagster.yaml: a section of the person's own takes the place of ours."""
    text = own.read_text(encoding="utf-8") if own.exists() else ""
    theirs = _sections(own, text)
    if _STORAGE & theirs.keys():
        raise SettingsError(str(own), "storage", f"where runs are kept is said by {URI}")
    folder = settings.home / "dagster" / "storage"
    storage = _POSTGRESQL if settings.dagster_uri else _SQLITE.format(folder=folder)
    ours = [section for name, section in _SECTIONS.items() if name not in theirs]
    return "".join([_HEADER, storage, *ours, text])


def _sections(file: Path, text: str) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise SettingsError(str(file), "", f"it is not valid YAML ({error})") from error
    if not isinstance(found, Mapping):
        raise SettingsError(str(file), "", "it must hold sections of dagster.yaml")
    return found


def _set_aside(text: str, own: Path) -> None:
    """Keeps what a person changed in a file that was theirs; its storage is a setting now."""
    ours = yaml.safe_load("".join(_SECTIONS.values()))
    found = _sections(own.with_name("dagster.yaml"), text)
    changed = {n: s for n, s in found.items() if n not in _STORAGE and ours.get(n) != s}
    if changed:
        own.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
