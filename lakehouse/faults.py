"""Named points at which a test ends the process as kill -9 does, to see what is left behind.

A point stands at each boundary between two steps of which the second may never come. Outside a
test no point is armed, and reaching one costs a dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

from lakehouse.settings import armed_fault

POINTS: dict[str, str] = {
    "landing.copied": "the object is in bronze, its delivery is not booked",
    "landing.booked": "the delivery is booked, its object has not been looked at",
}
"""What is done and what is not at each point, by its name."""

_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Ends the process here if this point is armed; `LAKEHOUSE_FAULT` is `POINT` or `POINT:N`.

    Args:
        point: A name in `POINTS`.
    """
    armed, log = armed_fault()
    if not armed and not log:
        return
    _reached[point] += 1
    if log:
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{point}\n")
    name, _, turn = armed.partition(":")
    if name == point and _reached[point] == int(turn or 1):
        os.kill(os.getpid(), signal.SIGKILL)
