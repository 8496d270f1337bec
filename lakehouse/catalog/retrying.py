"""Again, after another run's commit came first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from lakehouse.errors import PublishConflict

R = TypeVar("R")
_LONGEST = 5.0
"""Seconds."""


def attempts(most: int) -> Iterator[bool]:
    """Yields for each attempt whether it is the last, with growing pauses in between.

    The pauses are random, so that runs which got in each other's way do not meet again, and grow
    to seconds, so that many runs at once all have their turn.
    """
    for attempt in range(1, most + 1):
        yield attempt == most
        pause = min(_LONGEST, 0.02 * 2**attempt)
        time.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 - no secret


def retried(most: int, attempt: Callable[[], R]) -> R:
    """Repeats all of what another run's commit got in the way of.

    Args:
        most: How often it is tried.
        attempt: Looks at what is there now, and commits.

    Raises:
        PublishConflict: Others came first each time.
    """
    for last in attempts(most):
        try:
            return attempt()
        except PublishConflict:
            if last:
                raise
    raise AssertionError  # the last attempt returns or raises
