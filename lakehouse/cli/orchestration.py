"""The only way from here to Dagster: an entry point named in pyproject.toml."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Protocol

from lakehouse.errors import UsageError
from lakehouse.results import Result
from lakehouse.settings import Settings


class Orchestrator(Protocol):
    """What the other side offers."""

    def run(self, settings: Settings, progress: Callable[[str], None]) -> Result:
        """Materializes what is stale."""

    def ui(self, settings: Settings, host: str, port: int) -> int:
        """Serves the web UI until it is stopped."""


def orchestrator() -> Orchestrator:
    """Returns the orchestrator that this installation names."""
    made: Orchestrator = _loaded("lakehouse.orchestrator")()
    return made


def sample() -> Callable[[str, Settings], tuple[str, ...]]:
    """Returns what delivers the sample source into a landing folder."""
    deliver: Callable[[str, Settings], tuple[str, ...]] = _loaded("lakehouse.sample")
    return deliver


def _loaded(group: str) -> Any:
    found = list(entry_points(group=group))
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} packages offer the entry point {group}, one is needed. "
            "Install this repository: make setup"
        )
    return found[0].load()
