"""What child processes do: the verbs of the main job, readers, and whole command lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import lakes
import seeing
from pyiceberg.table.snapshots import Snapshot

from lakehouse import (
    backup,
    building,
    ingestion,
    landing,
    maintenance,
    migration,
    monitoring,
    rollback,
    training,
)
from lakehouse.errors import RollbackRefused
from lakehouse.lake import Lake

_NOTHING_TO_DO = 2
"""The code of `forget` where no record is the person's."""

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
    """Makes few large files, and deletes what nothing needs, without grace."""
    maintenance.maintain(lake, run="torture", grace=timedelta(0))
    return 0


def back(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Lets readers of trips see the first rows that were published, if they do not already."""
    first = sorted(lake.catalog.table("silver.trips").snapshots(), key=_sequence)[1]
    with suppress(RollbackRefused):
        to = str(first.snapshot_id)
        rollback.rollback(lake, "silver.trips", to, by="torture", note="as it was")
    return 0


def _sequence(snapshot: Snapshot) -> int:
    return snapshot.sequence_number or 0


def save(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Takes a backup, if there is none."""
    if "saved" not in [one.name for one in backup.listed(lake).backups]:
        backup.save(lake, name="saved")
    return 0


def restore(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Goes back to the backup, and so to before the deliveries since."""
    backup.restore(lake, "saved", replace=True)
    return 0


def move(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Moves the lake, and holds the copy to showing the same."""
    folder = lake.settings.home / "moved"
    folder.mkdir(exist_ok=True)
    (folder / "target.toml").write_text(f"home = '{folder / 'home'}'\nnow = '{lakes.NOW}'\n")
    target = migration.open_target(lake, folder / "target.toml")
    migration.migrate(lake, target)
    return 0 if seeing.seen(target) == seeing.seen(lake) else 1


def forget(lake: Lake, out: Path, said: Mapping[str, Any]) -> int:
    """Forgets a person; that nothing is left of them is no failure if it was done before."""
    words = ["forget", "trips", "--key", "id=1001", "--by", "torture", "--note", "asked", "--yes"]
    done = any(step.kind == "done" for step in lake.ledger.read().erasures)
    code = command(lake, out, {"words": words})
    return 0 if code == _NOTHING_TO_DO and done else code


JOBS: dict[str, Job] = {
    "silver": silver,
    "gold": gold,
    "model": model,
    "command": command,
    "read": read,
    "maintain": maintain,
    "rollback": back,
    "backup": save,
    "restore": restore,
    "migrate": move,
    "forget": forget,
}
