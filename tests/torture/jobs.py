"""What child processes do: the verbs of the main job, readers, and whole command lines."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import seeing

from lakehouse import building, ingestion, landing, monitoring, training
from lakehouse.lake import Lake

Job = Callable[[Lake, Path, Mapping[str, Any]], int]


def silver(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Lands and refreshes datasets."""
    for dataset in said.get("datasets") or lake.contracts:
        landing.land(lake, dataset, run="torture")
        ingestion.refresh(lake, dataset, run="torture")
    return 0


def gold(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Builds gold."""
    return 1 if building.build(lake, run="torture").refusals() else 0


def model(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Trains, predicts and measures."""
    training.train(lake, "dear", run="torture")
    training.predict(lake, "dear", run="torture")
    monitoring.measure(lake, "dear", run="torture")
    return 0


def command(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Runs a command line as a person does."""
    from lakehouse.cli import main

    try:
        main(list(said["words"]))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def read(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Reads until it is told to stop, and writes down every answer that nobody published."""
    known: dict[str, list[str]] = said["known"]
    answers, wrong = 0, []
    while not (out / "stop").exists():
        try:
            now = seeing.seen(lake, known)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is told
            wrong.append(f"{type(error).__name__}: {error}")
            continue
        answers += 1
        wrong += [f"{group} showed {d}" for group, d in now.items() if d not in known[group]]
        time.sleep(float(said.get("pause", 0.1)))
    (out / "result.json").write_text(json.dumps({"answers": answers, "wrong": wrong}))
    return 0


def maintain(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Deletes what nothing needs, without grace."""
    from datetime import timedelta

    from lakehouse import maintenance

    maintenance.maintain(lake, run="torture", grace=timedelta(0))
    return 0


JOBS: dict[str, Job] = {
    "silver": silver,
    "gold": gold,
    "model": model,
    "command": command,
    "read": read,
}
if importlib.util.find_spec("lakehouse.maintenance"):
    JOBS["maintain"] = maintain
