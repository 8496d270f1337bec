"""A process that has imported everything and forks a child for each job: a start costs no seconds.

It is run as a program. A line of JSON on its standard input starts a child; when the child has
ended, its exit status lies in the file `status` of the folder that the line named.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

_HEAVY = (
    "jobs",
    "assets.orchestrator",
    "great_expectations",
    "lakehouse.cli.app",
    "lakehouse.query",
    "mlflow",
    "polars",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.fsspec",
    "pyiceberg.io.pyarrow",
    "s3fs",
    "scipy.stats",
    "skops.io",
    "sklearn.linear_model",
)


def serve() -> None:
    """Forks until standard input is closed; nothing here starts a thread."""
    _import()
    alarm, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, Path] = {}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    waiting = b""
    while True:
        ready, _, _ = select.select([0, alarm], [], [], 1)
        if alarm in ready:
            os.read(alarm, 4096)
        _reap(children)
        if 0 not in ready:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            break
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            children[_fork(said)] = Path(said["out"])
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _import() -> None:
    from lakehouse.settings import share_cores, without_telemetry

    share_cores()
    without_telemetry()
    for name in _HEAVY:
        importlib.import_module(name)


def _fork(said: dict[str, Any]) -> int:
    out = Path(said["out"])
    pid = os.fork()
    if pid:
        (out / "pid").write_text(str(pid))
        return pid
    try:
        code = _run(said, out)
    except BaseException:  # noqa: BLE001 - a child must end here, whatever happened
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(said: dict[str, Any], out: Path) -> int:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in [name for name in os.environ if name.startswith("LAKEHOUSE_")]:
        del os.environ[name]
    os.environ.update(said["environment"])
    from jobs import JOBS

    from lakehouse import outage
    from lakehouse.errors import LakehouseError
    from lakehouse.lake import Lake
    from lakehouse.settings import Settings

    try:
        return JOBS[said["job"]](Lake(Settings.load()), out, said)
    except Exception as error:
        known = error if isinstance(error, LakehouseError) else outage.told(error)
        if known is None:
            raise
        sys.stderr.write(f"{type(known).__name__}: {known}\n")
        return known.exit_code


def _reap(children: dict[int, Path]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        out = children.pop(pid)
        (out / "status.part").write_text(str(os.waitstatus_to_exitcode(status)))
        (out / "status.part").replace(out / "status")


if __name__ == "__main__":
    serve()
