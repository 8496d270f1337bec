"""What the tests of faults share: the nursery, the bench, and the line that is printed last."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("harness")

from harness import BRIEF, STAGES, Bench, Nursery, Tally  # noqa: E402

from lakehouse.faults import POINTS  # noqa: E402

TALLY = pytest.StashKey[Tally]()
STARTED = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """Starts the count."""
    config.stash[TALLY], config.stash[STARTED] = Tally(), time.monotonic()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("torture")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A fault point at which nothing was killed is a failure of the long suite."""
    left = sorted(POINTS.keys() - session.config.stash[TALLY].killed_at)
    if session.config.getoption("--torture") and left:
        print(f"\nnot killed at: {', '.join(left)}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Prints what was done and found, as the last line."""
    if config.getoption("--torture"):
        found = config.stash[TALLY]
        seconds = round(time.monotonic() - config.stash[STARTED], 1)
        print(json.dumps({**found.facts(len(POINTS)), "seconds": seconds}))


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether every fault is to be injected."""
    return bool(request.config.getoption("--torture"))


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    """What this session did and found."""
    return request.config.stash[TALLY]


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory, tally: Tally) -> Iterator[Nursery]:
    """Starts children that need no time to import."""
    made = Nursery(tmp_path_factory.mktemp("nursery") / "children", tally)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def bench(
    tmp_path_factory: pytest.TempPathFactory, nursery: Nursery, tally: Tally, long: bool
) -> Bench:
    """A lake with a past and with new deliveries, and what it was at each station."""
    made = Bench(tmp_path_factory.mktemp("bench"), nursery, tally)
    made.prepare(STAGES if long else BRIEF)
    return made
