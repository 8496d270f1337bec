"""The folder of the two servers: their data, their ports, and files that only their owner reads."""

from __future__ import annotations

import configparser
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

_PRIVATE = 0o600


@dataclass(frozen=True)
class Folder:
    """`<home>/services`.

    Attributes:
        path: Where it is.
    """

    path: Path

    @property
    def objects(self) -> Path:
        """What the S3 server serves: each folder in it is a bucket."""
        return self.path / "objects"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data."""
        return self.path / "postgres"

    @property
    def aws(self) -> Path:
        """Credentials of the S3 server, as the AWS libraries read them."""
        return self.path / "aws-credentials"

    @property
    def pgpass(self) -> Path:
        """PostgreSQL's password, as its clients read it."""
        return self.path / "pgpass"

    @property
    def environment(self) -> Path:
        """The settings, for a shell to source."""
        return self.path / "env"

    def make(self) -> None:
        """Makes the folder and the credentials, where they are not there yet.

        PostgreSQL's data lies in it under another user where root starts it, hence a folder that
        can be entered, with files that cannot be read.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711)
        self.objects.mkdir(exist_ok=True)
        self.objects.chmod(0o700)
        if not self.aws.exists():
            lines = ("[default]", f"aws_access_key_id = {secrets.token_hex(10)}")
            private(self.aws, "\n".join((*lines, f"aws_secret_access_key = {_secret()}", "")))
        if not self.pgpass.exists():
            private(self.pgpass, f"127.0.0.1:*:*:lakehouse:{_secret()}\n")

    def key_pair(self) -> tuple[str, str]:
        """Returns the S3 server's access key and its secret."""
        found = configparser.ConfigParser(interpolation=None)
        found.read(self.aws, encoding="utf-8")
        section = found["default"]
        return section["aws_access_key_id"], section["aws_secret_access_key"]

    def password(self) -> str:
        """Returns PostgreSQL's password."""
        return self.pgpass.read_text(encoding="utf-8").strip().rsplit(":", 1)[1]

    def port(self, server: str) -> int | None:
        """Returns the port that a server had when it last was started."""
        file = self._ports
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        port = found.get(server)
        return int(port) if port else None

    def take_port(self, server: str) -> int:
        """Returns the server's last port if it is free, else another one, and remembers it."""
        port = _free(self.port(server) or 0) or _free(0)
        file = self._ports
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        private(file, json.dumps({**found, server: port}, indent=2) + "\n")
        return port

    @property
    def _ports(self) -> Path:
        return self.path / "ports.json"


def private(file: Path, text: str) -> None:
    """Writes a file that only its owner reads; it is complete or as it was."""
    written = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    written.unlink(missing_ok=True)
    handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    written.replace(file)


def _secret() -> str:
    """Returns 160 random bits in characters that no file format quotes."""
    return secrets.token_hex(20)


def _free(port: int) -> int:
    """Returns the port if nobody listens there, for 0 any free one; 0 if it is taken."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return 0
        return int(tried.getsockname()[1])
