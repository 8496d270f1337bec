"""Dagster's own storage, kept in the lake's home."""

from pathlib import Path

import dagster as dg
from filelock import FileLock

from lakehouse.settings import Settings

_YAML = """\
# Written by lakehouse; what is changed here is kept.
telemetry:
  enabled: false
nux:
  enabled: false
storage:
  sqlite:
    base_dir: {base}
# What a run has to say is in its event log. Capturing the output of each step as well would start
# two processes per step, and come between the command line and its terminal.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
# Refreshes take turns: two at once would do the same work twice.
concurrency:
  runs:
    tag_concurrency_limits:
      - key: lakehouse/refresh
        limit: 1
"""
REFRESH = {"lakehouse/refresh": "true"}
"""Tag of the runs that take turns."""


def home(settings: Settings) -> Path:
    """Returns the folder with `dagster.yaml`, which is written if it is not there."""
    folder = settings.home / "dagster"
    file = folder / "dagster.yaml"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(_YAML.format(base=folder / "storage"), encoding="utf-8")
    return folder


def instance(settings: Settings) -> dg.DagsterInstance:
    """Returns the instance that the web UI shows too.

    Two processes that make its database at the same moment would trip over each other.
    """
    folder = home(settings)
    with FileLock(folder / "making.lock"):
        return dg.DagsterInstance.from_config(str(folder))
