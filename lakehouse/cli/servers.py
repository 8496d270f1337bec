"""Verbs about the two servers for trying service mode on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lakehouse.cli.console import AsJson, described, errors, output, print_json

if TYPE_CHECKING:
    from lakehouse.services import Services

servers = typer.Typer(
    no_args_is_help=True,
    help="Run an S3 server and a PostgreSQL on this machine, to try service mode.",
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    example = 'Example: `eval "$(lakehouse services start)"`, then `lakehouse run`'
    servers.command("start", epilog=example)(start)
    servers.command("stop", epilog="Example: `lakehouse services stop`")(stop)
    servers.command("status", epilog="Example: `lakehouse services status`")(status)
    app.add_typer(servers, name="services")


def start(as_json: AsJson = False) -> None:
    """Starts both and prints the settings to use, as lines for a shell; running ones stay.

    They listen on 127.0.0.1 only, keep their data and random credentials in the lake's home, and
    run until `lakehouse services stop`.
    """
    from lakehouse import services
    from lakehouse.settings import Settings

    found = services.start(Settings.load())
    if as_json:
        print_json(described(found))
        return
    _tell(found)
    output().print(found.exports(), markup=False, highlight=False, soft_wrap=True)


def stop(as_json: AsJson = False) -> None:
    """Stops both; what they keep stays in the lake's home."""
    from lakehouse import services
    from lakehouse.settings import Settings

    found = services.stop(Settings.load())
    if as_json:
        print_json(described(found))
        return
    done = " and ".join(found.changed)
    output().print(f"Stopped {done}." if done else "Neither was running.")


def status(as_json: AsJson = False) -> None:
    """Shows whether both run, and where."""
    from lakehouse import services
    from lakehouse.settings import Settings

    found = services.status(Settings.load())
    if as_json:
        print_json(described(found))
        return
    for server in found.servers:
        output().print(server.summary(), markup=False, highlight=False, soft_wrap=True)
    if found.running:
        errors().print('Use them: eval "$(lakehouse services start)"', markup=False)


def _tell(found: Services) -> None:
    for server in found.servers:
        new = "" if server.name in found.changed else " (was running)"
        errors().print(server.summary() + new, markup=False, soft_wrap=True)
