"""What the tests of faults share: the nursery and the bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("harness")

from harness import BRIEF, STAGES, Bench, Nursery  # noqa: E402
from tallying import Tally  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("torture")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether every fault is to be injected."""
    return bool(request.config.getoption("--torture"))


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
