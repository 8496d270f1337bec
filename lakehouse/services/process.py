"""Whether a server runs: it holds a lock as long as it lives, and a number alone proves nothing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import ServiceFailed

PATIENCE_S = 60.0
_GLANCE_S = 2.0
_TICK_S = 0.02


@contextmanager
def held(server: str, lock: Path) -> Iterator[int]:
    """Yields the locked file for a server to inherit, which holds it as long as it lives.

    A process number that was written down may belong to another program by now. The lock cannot:
    the system gives it back when the server's last process ends, however that happens.

    Args:
        server: Its name.
        lock: Its lock file.

    Raises:
        ServiceFailed: A server that nobody knows the number of holds it.
    """
    with _opened(lock) as handle:
        until = time.monotonic() + _GLANCE_S
        while not _locked(handle, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise ServiceFailed(server, "starting", f"an unknown process holds {lock}; end it")
            time.sleep(_TICK_S)  # somebody looks whether it is held
        yield handle


def is_held(lock: Path) -> bool:
    """Returns whether a process holds the lock."""
    if not lock.exists():
        return False
    with _opened(lock) as handle:
        return not _locked(handle, fcntl.LOCK_SH)


def wait(server: str, doing: str, ready: Callable[[], bool], log: Path) -> None:
    """Waits until a server is ready.

    Raises:
        ServiceFailed: It is not in time; the last lines of its log are in the message.
    """
    until = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > until:
            raise ServiceFailed(server, doing, tail(log))
        time.sleep(_TICK_S)


def tail(log: Path) -> str:
    """Returns the last lines of a log in one."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    return " ".join(" ".join(lines[-6:]).split()) or f"{log} is empty"


@contextmanager
def _opened(lock: Path) -> Iterator[int]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
