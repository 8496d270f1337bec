"""Runs jobs in children that are killed, and holds what they leave against two known states."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lakes
import seeing
from tallying import Tally

from lakehouse.lake import Lake
from lakehouse.settings import Settings, machine_environment

_PATIENCE = 600.0
PUBLISHES = ("refresh.published", "gold.published", "predicting.published", "monitoring.published")


@dataclass(frozen=True)
class Stage:
    """A job that takes the lake from one station of its life to another.

    Attributes:
        name: The station that it leads to.
        job: The job.
        start: The station before it.
        floor: The station whose deliveries must all be there whenever it ends.
    """

    name: str
    job: str
    start: str
    floor: str


STAGES = (
    Stage("silver", "silver", "new", "new"),
    Stage("gold", "gold", "silver", "silver"),
    Stage("model", "model", "gold", "silver"),
    Stage("maintained", "maintain", "model", "silver"),
    Stage("back", "rollback", "model", "silver"),
    Stage("saved", "backup", "new", "new"),
    Stage("ahead", "silver", "saved", "new"),
    Stage("restored", "restore", "ahead", "new"),
    Stage("moved", "migrate", "silver", "silver"),
    Stage("forgotten", "forget", "model", ""),
)
BRIEF = STAGES[:1]
"""What the short suite goes through."""


class Child:
    """A job in a process of its own."""

    def __init__(self, out: Path, tally: Tally) -> None:
        self.out, self._tally = out, tally

    @property
    def pid(self) -> int:
        """Its process."""
        return int(_awaited(self.out / "pid"))

    def wait(self, patience: float = _PATIENCE) -> int:
        """Its exit code; negative for the signal that ended it."""
        code = int(_awaited(self.out / "status", patience))
        log = self.out / "reached"
        self.reached = log.read_text().split() if log.exists() else []
        self._tally.publishes += sum(1 for point in self.reached if point in PUBLISHES)
        self._tally.reached.update(self.reached)
        return code

    def told(self) -> str:
        """What it wrote."""
        return "".join((self.out / name).read_text() for name in ("stdout", "stderr"))

    def done(self) -> None:
        """Waits, and holds it to success."""
        code = self.wait()
        assert code == 0, f"exit code {code}\n{self.told()[-3000:]}"


def _awaited(file: Path, patience: float = _PATIENCE) -> str:
    end = time.monotonic() + patience
    while not file.exists() or not file.stat().st_size:
        assert time.monotonic() < end, f"{file.name} of {file.parent} did not come"
        time.sleep(0.005)
    return file.read_text()


class Nursery:
    """Starts children from a process that has imported everything already."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        self._folder, self._tally, self._count = folder, tally, 0
        folder.mkdir(parents=True)
        here = Path(__file__).parent
        paths = {"PYTHONPATH": f"{here}:{lakes.CHECKOUT}"}
        self._log = (folder / "nursery.log").open("w")
        self._server = subprocess.Popen(
            [sys.executable, str(here / "nursery.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=machine_environment(paths),
            text=True,
        )
        self._ready = False

    def start(self, job: str, environment: Mapping[str, str], **more: Any) -> Child:
        """Starts a job; whatever else a job is told goes with it."""
        assert self._server.stdin
        assert self._server.stdout
        if not self._ready:
            assert self._server.stdout.readline() == "ready\n", "see nursery.log"
            self._ready = True
        self._count += 1
        out = self._folder / f"{self._count:04}-{job}"
        out.mkdir()
        armed = {"LAKEHOUSE_FAULT_LOG": str(out / "reached"), **environment}
        line = {"job": job, "out": str(out), "environment": armed, **more}
        self._server.stdin.write(json.dumps(line) + "\n")
        self._server.stdin.flush()
        self._tally.runs += job != "read"
        return Child(out, self._tally)

    def stop(self) -> None:
        """Ends the server, and with it every child."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.wait(30)
        self._server.stdout.close()
        self._log.close()


@dataclass(frozen=True)
class Case:
    """A point at which a job is killed."""

    stage: Stage
    point: str
    turn: int

    def __str__(self) -> str:
        return f"{self.stage.name} at {self.point}:{self.turn}"


class Bench:
    """One lake that is set back, tortured and looked at, over and over."""

    def __init__(self, root: Path, nursery: Nursery, tally: Tally) -> None:
        self.root, self.nursery, self.tally = root, nursery, tally
        self.environment = lakes.environment(root)
        self.known: dict[str, dict[str, str]] = {}
        self.books: dict[str, dict[str, Any]] = {}
        self.traces: dict[Stage, list[str]] = {}
        lakes.declare(root / "project")
        (root / "saved").mkdir()

    @property
    def lake(self) -> Lake:
        """A new handle."""
        return Lake(Settings.load(self.environment))

    @property
    def home(self) -> Path:
        """The lake's folder."""
        return self.root / "lake"

    def prepare(self, stages: Sequence[Stage]) -> None:
        """Lives through the lake's life undisturbed, and keeps every station of it."""
        lakes.deliver(self.home / "landing", lakes.OLD)
        for job in [stage.job for stage in STAGES[:3] if stage in stages]:
            self.nursery.start(job, self.environment).done()
        lakes.deliver(self.home / "landing", lakes.NEW)
        self._save("new")
        for stage in stages:
            self.restore(stage.start)
            child = self.nursery.start(stage.job, self.environment)
            child.done()
            self.traces[stage] = child.reached
            self._save(stage.name)

    def _save(self, station: str) -> None:
        shutil.copytree(self.home, self.root / "saved" / station)
        self.known[station] = seeing.seen(self.lake)
        self.books[station] = seeing.booked(self.lake)

    def restore(self, station: str) -> None:
        """Sets the lake back to a station."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.root / "saved" / station, self.home)

    def cases(self, point: str) -> list[list[Case]]:
        """The cases of each job that reaches a point, as often as it does."""
        return [
            [Case(stage, point, turn) for turn in range(1, trace.count(point) + 1)]
            for stage, trace in self.traces.items()
            if point in trace
        ]

    @contextmanager
    def watched(self, stage: Stage) -> Iterator[None]:
        """Has a reader look on that knows the states before and after a job.

        It stops in any case: one that goes on would disturb all that is done with the lake next.
        """
        before, after = self.known[stage.start], self.known[stage.name]
        known = {group: [before[group], after[group]] for group in before}
        reader = self.nursery.start("read", self.environment, known=known)
        try:
            yield
        finally:
            (reader.out / "stop").touch()
            code = reader.wait()
        assert code == 0, reader.told()
        found = json.loads((reader.out / "result.json").read_text())
        self.tally.answers += found["answers"]
        self.tally.wrong_reads += len(found["wrong"])
        assert found["wrong"] == []
        assert found["answers"], "the reader had no time to read"

    def kill(self, case: Case) -> None:
        """Runs a job until the point where it is killed."""
        armed = {**self.environment, "LAKEHOUSE_FAULT": f"{case.point}:{case.turn}"}
        child = self.nursery.start(case.stage.job, armed)
        assert child.wait() == -9, f"{case}: was not killed\n{child.told()[-3000:]}"
        self.tally.injected("kill")
        self.tally.killed_at.add(case.point)

    def hold_between(self, stage: Stage) -> None:
        """Each group of tables shows what it did before a job, or what it does after it."""
        before, after = self.known[stage.start], self.known[stage.name]
        shown = seeing.seen(self.lake)
        mixed = [group for group in shown if shown[group] not in (before[group], after[group])]
        self.tally.wrong_reads += len(mixed)
        assert mixed == []
        self.hold_raw(stage.floor)

    def hold_after(self, stage: Stage) -> None:
        """The lake is as the undisturbed job left it, and has nothing left to do."""
        station = stage.name
        lake, known = self.lake, self.known[station]
        different = [group for group, found in seeing.seen(lake).items() if found != known[group]]
        self.tally.rows_lost += self._lost(lake, different, station)
        assert different == []
        assert seeing.booked(lake) == self.books[station]
        assert seeing.missing(lake) == []
        self.hold_raw(stage.floor and station)

    def hold_raw(self, station: str) -> None:
        """What was delivered lies in landing, what was booked lies in bronze, byte for byte."""
        lake = self.lake
        if not station:
            return  # what is forgotten goes out of raw files, too
        for dataset, contents in lakes.NEW.items():
            for name, content in {**lakes.OLD[dataset], **contents}.items():
                landed = self.home / "landing" / dataset / name
                assert landed.read_bytes() == content, f"{dataset}/{name} in landing has changed"
        found = seeing.raw(lake)
        assert [file for file, how in found.items() if how == "wrong"] == []
        delivered = {delivery.sha256 for delivery in lake.ledger.read().deliveries}
        kept = {Path(file).name.split(".")[0] for file in found}
        before = {row[2] for books in self.books[station].values() for row in books["deliveries"]}
        lost = (delivered - kept) | (before - delivered)
        self.tally.rows_lost += len(lost)
        assert lost == set()

    def _lost(self, lake: Lake, groups: Iterable[str], station: str) -> int:
        """How many rows the undisturbed lake has that this one lacks."""
        names = [name for group in groups for name in seeing.TOGETHER[group]]
        refs = lake.catalog.refs(names)
        present = {name: Counter(seeing.rows(refs, name)) for name in names}
        if not names:
            return 0
        self.restore(station)
        refs = self.lake.catalog.refs(names)
        return sum((Counter(seeing.rows(refs, name)) - present[name]).total() for name in names)

    def hold_clean(self, stage: Stage) -> None:
        """After maintenance nothing lies on the disk that nobody needs, and nothing lacks."""
        lake = self.lake
        assert seeing.orphans(lake) == []
        assert seeing.missing(lake) == []
        assert seeing.left_in_home(lake) == []
        self.hold_after(stage)
