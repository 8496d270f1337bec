"""Verbs that keep a lake: bring it up to date with the code, save it, and move it."""

from __future__ import annotations

import typer

from lakehouse.cli.console import AsJson, finish


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse upgrade`")(upgrade)


def upgrade(as_json: AsJson = False) -> None:
    """Brings a lake that an earlier version has written to the present format, all at once."""
    from lakehouse import migration
    from lakehouse.lake import Lake

    finish(migration.upgrade(Lake()), as_json)
