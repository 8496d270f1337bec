"""Whatever listens, listens on this machine alone unless it is told otherwise."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from lakehouse.cli.app import app

ROOT = Path(__file__).parents[2]
PYTHON = [file for folder in ("lakehouse", "assets", "resources", "sensors")
          for file in (ROOT / folder).rglob("*.py")]  # fmt: skip


def options(command, path=""):
    """Every option of every verb, by verb and name."""
    for name, below in getattr(command, "commands", {}).items():
        yield from options(below, f"{path} {name}")
    yield from ((path, parameter) for parameter in command.params)


def test_every_host_is_this_machine() -> None:
    hosts = {path: p.default for path, p in options(get_command(app)) if "--host" in p.opts}
    assert hosts
    assert set(hosts.values()) == {"127.0.0.1"}


@pytest.mark.parametrize("everywhere", [r"0\.0\.0\.0", r"['\"]::['\"]", r"--addr['\", ]+:"])
def test_no_code_listens_everywhere(everywhere: str) -> None:
    found = [str(f) for f in PYTHON if re.search(everywhere, f.read_text(encoding="utf-8"))]
    assert found == []


def test_servers_are_started_with_an_address() -> None:
    """PostgreSQL and rclone, which would choose another by themselves."""
    text = "".join(f.read_text(encoding="utf-8") for f in PYTHON if "services" in f.parts)
    assert "127.0.0.1" in text
