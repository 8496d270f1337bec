"""What a session of torture did and found: counted in every process, printed as the last line."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

TALLY = pytest.StashKey["Tally"]()
STARTED = pytest.StashKey[float]()


@dataclass
class Tally:
    """What a session of torture did and found; its last line."""

    faults: int = 0
    runs: int = 0
    publishes: int = 0
    rows_lost: int = 0
    answers: int = 0
    wrong_reads: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    killed_at: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)

    def injected(self, kind: str) -> None:
        """Counts a fault."""
        self.faults += 1
        self.kinds[kind] += 1

    def add(self, other: Mapping[str, Any]) -> None:
        """Adds what another process of the session did; `other` is what its `told` said."""
        for name in ("faults", "runs", "publishes", "rows_lost", "answers", "wrong_reads"):
            setattr(self, name, getattr(self, name) + other[name])
        self.reached.update(other["reached"])
        self.kinds.update(other["kinds"])
        self.killed_at.update(other["killed_at"])

    def told(self) -> dict[str, Any]:
        """Everything, in types that go from one process to another."""
        said = {"reached": dict(self.reached), "kinds": dict(self.kinds)}
        return {**vars(self), **said, "killed_at": sorted(self.killed_at)}

    def facts(self, points: int) -> dict[str, Any]:
        """What is told at the end; `points` is how many there are."""
        return {
            "faults_injected": self.faults,
            "faults_by_kind": dict(sorted(self.kinds.items())),
            "fault_points_covered": len(self.killed_at),
            "fault_points": points,
            "runs": self.runs,
            "publishes": self.publishes,
            "reader_answers": self.answers,
            "rows_lost": self.rows_lost,
            "wrong_reads": self.wrong_reads,
        }


def pytest_configure(config: pytest.Config) -> None:
    """Starts the count."""
    config.stash[TALLY], config.stash[STARTED] = Tally(), time.monotonic()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Adds the count of a process that has done its share."""
    found = getattr(node, "workeroutput", {})  # one that died tells nothing
    if "tally" in found:
        node.config.stash[TALLY].add(found["tally"])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A fault point at which nothing was killed is a failure of the long suite."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["tally"] = config.stash[TALLY].told()
        return
    from lakehouse.faults import POINTS

    left = sorted(POINTS.keys() - config.stash[TALLY].killed_at)
    if config.getoption("--torture") and left:
        print(f"\nnot killed at: {', '.join(left)}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Prints what was done and found, as the last line."""
    if config.getoption("--torture") and not hasattr(config, "workeroutput"):
        from lakehouse.faults import POINTS

        found = config.stash[TALLY]
        seconds = round(time.monotonic() - config.stash[STARTED], 1)
        print(json.dumps({**found.facts(len(POINTS)), "seconds": seconds}))


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    """What this process did and found."""
    return request.config.stash[TALLY]
