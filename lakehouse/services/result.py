"""What is known of the two servers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.results import Result

_OTHERS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
)
"""Variables that would go before the files with the credentials."""


@dataclass(frozen=True)
class Server:
    """One of the two servers.

    Attributes:
        name: `S3` or `PostgreSQL`.
        pid: Its process; None if it does not run.
        port: On 127.0.0.1; None if it never ran.
    """

    name: str
    pid: int | None
    port: int | None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    def summary(self) -> str:
        """Says whether it runs, and where."""
        if not self.running:
            return f"{self.name}: not running"
        return f"{self.name}: running at 127.0.0.1:{self.port}, process {self.pid}"


@dataclass(frozen=True)
class Services(Result):
    """The two servers, and what a lake must be told to use them.

    Attributes:
        servers: Each of them.
        settings: Variables with their values; none of them is a secret.
        changed: Names of the servers that this call started or stopped.
    """

    servers: tuple[Server, ...]
    settings: Mapping[str, str]
    changed: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether both run."""
        return all(server.running for server in self.servers)

    def summary(self) -> str:
        """Says of each server whether it runs."""
        return "; ".join(server.summary() for server in self.servers)

    def facts(self) -> Mapping[str, object]:
        """Returns the settings and which server runs where."""
        return {
            "running": self.running,
            "servers": {
                s.name: {"running": s.running, "pid": s.pid, "port": s.port} for s in self.servers
            },
            "settings": dict(self.settings),
        }

    def exports(self) -> str:
        """Returns the settings as lines for a shell.

        >>> print(Services((), {"LAKEHOUSE_HOME": "/a lake"}).exports())
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN PGPASSWORD
        export LAKEHOUSE_HOME='/a lake'
        """
        lines = (f"export {name}={shlex.quote(value)}" for name, value in self.settings.items())
        return "\n".join([f"unset {' '.join(_OTHERS)}", *lines])
