"""One run's handle on the lake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from lakehouse.errors import LakehouseError
from lakehouse.lake import Lake
from lakehouse.planning.arrivals import SETTLE
from lakehouse.results import Result

Context = dg.OpExecutionContext | dg.AssetExecutionContext


@dataclass
class Session:
    """The lake, and what the engine answered in this process so far.

    Attributes:
        lake: The lake; each of its parts is opened when it is first used.
        settle: How long a landed file must have rested before it is taken: it may still be written.
        tell: Where lines of progress go beside the run's own log.
        results: Results of the verbs in the order in which they were called.
        errors: The engine's errors that turned a run red.
    """

    lake: Lake
    settle: timedelta = SETTLE
    tell: Callable[[str], None] | None = None
    results: list[Result] = field(default_factory=list)
    errors: list[LakehouseError] = field(default_factory=list)

    def progress(self, context: Context) -> Callable[[str], None]:
        """Returns what a verb calls with one human line per stage."""

        def say(line: str) -> None:
            context.log.info(line)
            if self.tell is not None:
                self.tell(line)

        return say


class LakeResource(dg.ConfigurableResource[Session]):
    """The lake that the settings name, opened anew for each run."""

    def create_resource(self, context: dg.InitResourceContext) -> Session:
        """Returns the run's session; no file or service is touched yet."""
        return Session(Lake())
