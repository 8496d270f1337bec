"""Verbs about the installation: its health, and the web UI."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, grid, output, print_json


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse doctor`")(doctor)
    app.command(epilog="Example: `lakehouse ui --port 3001`")(ui)


def doctor(as_json: AsJson = False) -> None:
    """Shows every setting and where it comes from, and tests every service; no password is shown.

    A file is written to the warehouse, read back and removed; the others are only asked.
    """
    from lakehouse.cli import health
    from lakehouse.settings import Settings

    settings = Settings.load()
    findings = health.examine(settings)
    shown = health.settings_shown(settings)
    if as_json:
        parts = [{"part": f.part, "ok": f.ok, "finding": f.finding} for f in findings]
        values = {one.name: one.value for one in shown}
        sources = {one.name: one.source for one in shown}
        print_json({"settings": values, "sources": sources, "parts": parts})
    else:
        told = ((one.name, one.value, one.source) for one in shown)
        output().print(grid("Settings", ("setting", "value", "from"), told))
        rows = (("ok" if f.ok else "FAILED", f.part, f.finding) for f in findings)
        output().print(grid("Parts", ("", "part", "finding"), rows))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(max(finding.exit_code for finding in findings))


def ui(
    port: Annotated[int, typer.Option("--port", help="Port on this machine.")] = 3000,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; the default is this machine only.")
    ] = "127.0.0.1",
) -> None:
    """Serves Dagster's web UI, with sensors and schedules, until Ctrl+C."""
    from lakehouse.cli.orchestration import orchestrator
    from lakehouse.settings import Settings

    raise typer.Exit(orchestrator().ui(Settings.load(), host, port))
