"""Named points at which a test ends or stops the process, to see what is left behind.

A point stands at each boundary between two steps of which the second may never come. Outside a
test no point is armed, and reaching one costs a dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from threading import Lock

from lakehouse.errors import SettingsError, UnknownName
from lakehouse.settings import armed_fault

POINTS: dict[str, str] = {
    # landing
    "landing.part": "a file's bytes are in bronze under a passing name",
    "landing.renamed": "the object has its name, its delivery is not booked",
    "landing.copied": "all objects of the run are in bronze, no delivery is booked",
    "landing.booked": "deliveries are booked, their objects have not been looked at",
    "admitting.inspected": "what objects hold is booked, what cannot be read is not refused",
    "admitting.refused": "what cannot be read is refused, nothing of the rest is conformed",
    # silver
    "catalog.created": "a table is in the catalog, it has no snapshot to start from",
    "refresh.prepared": "the tables follow their contract, no row has been read",
    "conforming.written": "a partition's rows are in a file, nothing refers to it",
    "conforming.broken": "a delivery's broken rows are in a file, nothing refers to it",
    "refresh.written": "all files are in the tables' folders, no branch holds them",
    "refusing.excesses": "deliveries with too many broken rows are refused, the rest waits",
    "branch.written": "the branch of one table is made, that of the next is not",
    "refresh.proposed": "the branches of all tables are made, nobody has judged them",
    "refresh.audited": "the verdict is known to the process alone",
    "refusing.discarded": "the branches that failed are gone, why they failed is not booked",
    "refusing.judged": "the verdicts are booked, the refusals are not",
    "refusing.booked": "the refusals are booked, the partitions that passed are not published",
    "refresh.published": "readers see the new rows, the dataset's page does not tell of them",
    # every commit: of landing, of the ledger, of a publish, of a build
    "commit.staged": "the new metadata of all tables is written, the catalog knows none of it",
    "commit.moved": "one table has moved inside a transaction that is not committed",
    "commit.done": "all tables have moved, old metadata files are not deleted",
    # keeping
    "upgrade.staged": "the books of the new format are staged, all tables are as they were",
    "migration.copied": "a file is in the target and not yet compared",
    "migration.rewritten": "all metadata of a table is in the target, nothing refers to it",
    "migration.registered": "files and registry are in the target, its catalog is empty",
    "backup.copied": "the metadata of all tables is copied, no file of the backup is stored",
    "backup.stored": "a file of the backup is stored, the last of them tells of the others",
    "restore.checked": "the backup is whole, neither catalog nor registry are what it holds",
    "restore.moved": "catalog or registry are what the backup holds, the other is not",
    # rollback
    "rollback.resolved": "where readers go back to is known, nothing has moved",
    "rollback.moved": "readers see the earlier publish, nobody has been told",
    # gold
    "gold.built": "dbt has built and tested, nothing has left its scratch database",
    "gold.exported": "each gold table is in a file on the local disk",
    "replace.stored": "the new content of one table is in its folder, nothing refers to it",
    "gold.published": "readers see all tables of the build",
    # models
    "training.tagged": "the frame's snapshot is protected, nothing is fitted",
    "registry.opened": "MLflow has begun a run for a candidate, its files are not stored",
    "registry.stored": "a candidate's files are stored, their hash is not noted",
    "training.recorded": "all candidates are recorded, none is a version",
    "training.registered": "the best candidate is a version, nobody has judged it",
    "training.promoted": "the version is the champion, the history does not tell of it",
    "training.noted": "the history tells of the training, nothing is predicted by it",
    "predicting.scored": "the rows are scored, readers see the predictions before",
    "predicting.published": "readers see the predictions",
    "monitoring.measured": "drift is measured, readers see the measurement before",
    "monitoring.published": "readers see the measurement",
    # maintenance
    "compaction.written": "some partitions are in large files too, nothing refers to those",
    "compaction.proposed": "the large files are on a branch, nobody has compared their rows",
    "compaction.audited": "their rows are known to be the same, readers see the small files",
    "compaction.published": "readers of some partitions see the large files",
    "expiry.forgotten": "one table has forgotten snapshots, their files are there",
    "sweep.marked": "it is known to the process alone which files nothing refers to",
    "sweep.condemned": "they are listed with the time, none is deleted",
    "sweep.recorded": "raw files past retention are booked as gone and still there",
    "sweep.removed": "one file is deleted, the next is not",
    # forgetting a person
    "forgetting.begun": "it is booked that a person is to be forgotten, nothing is touched",
    "forgetting.copied": "objects without the person are in bronze, the books know none of them",
    "forgetting.booked": "the books name the new objects, the old ones are still there",
    "forgetting.landing": "the landing folder is without the person, the old objects are there",
    "forgetting.removed": "one of the old objects is gone",
    "forgetting.refreshed": "silver is published without the person, gold is not",
    "forgetting.built": "gold is built without the person, the books still quote their rows",
    "forgetting.blotted": "the books quote nothing of the person, tables still have their past",
    "forgetting.renewed": "one table has no past, its old files are still there",
    "forgetting.remade": "models and predictions are without the person, old files are there",
    "forgetting.swept": "one file of a table's past is deleted",
    "forgetting.cleared": "nothing is left of the person, that it is done is not booked",
    "forgetting.done": "it is booked that all is done, the key of its mark is still there",
}
"""What is done and what is not at each point, by its name."""

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_reached: Counter[str] = Counter()
_counting = Lock()


def reach(point: str) -> None:
    """Ends the process here if this point is armed.

    `LAKEHOUSE_FAULT` is `POINT`, `POINT:N` for the n-th time, or `POINT:N:stop` to have the process
    stopped there until it is sent SIGCONT.

    Args:
        point: A name in `POINTS`.

    Raises:
        UnknownName: There is no point of the name that is armed.
        SettingsError: What follows the name cannot be read.
    """
    armed, log = armed_fault()
    if not armed and not log:
        return
    name, turn, how = _parsed(armed)
    with _counting:
        _reached[point] += 1
        count = _reached[point]
        if log:
            with Path(log).open("a", encoding="utf-8") as stream:
                stream.write(f"{point}\n")
    if name == point and count == turn:
        os.kill(os.getpid(), how)


def _parsed(armed: str) -> tuple[str, int, signal.Signals]:
    """Returns the point that is armed, at which of its turns, and with which signal."""
    name, _, rest = armed.partition(":")
    turn, _, how = rest.partition(":")
    if name and name not in POINTS:
        raise UnknownName("fault point", name, POINTS)
    if not (turn or "1").isdigit() or (how or "kill") not in _SIGNALS:
        raise SettingsError("LAKEHOUSE_FAULT", armed, "use POINT, POINT:N or POINT:N:stop")
    return name, int(turn or 1), _SIGNALS[how or "kill"]
