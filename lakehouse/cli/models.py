"""Verbs about models: how their world has moved since training."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, output, print_json


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse drift late_arrival`")(drift)


def drift(
    model: Annotated[
        str | None, typer.Argument(help="Name of the model; without, all that are monitored.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows by month how inputs, score, label and performance moved against the reference."""
    from rich.console import Group

    from lakehouse.cli import drifting
    from lakehouse.lake import Lake

    lake = Lake()
    names = list(lake.models) if model is None else [lake.model(model).name]
    found = [drifting.read(lake, name) for name in names]
    if as_json:
        print_json({one.model: one.document() for one in found})
    else:
        output().print(Group(*(one.shown() for one in found)))
