"""Verbs about datasets: what came, what was broken, and what a person decides."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, finish, new_run, output, print_json

Dataset = Annotated[str, typer.Argument(help="Name of the dataset, as its contract says.")]
Deliveries = Annotated[
    list[int], typer.Argument(help="Numbers of the deliveries; `lakehouse status` lists them.")
]
By = Annotated[str, typer.Option("--by", help="Who decides.")]
Note = Annotated[str, typer.Option("--note", help="Why; kept in the ledger.")]


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse land flights flights_2013-13.csv`")(land)
    app.command(epilog='Example: `lakehouse withdraw 57 --by ann --note "sent twice"`')(withdraw)
    app.command(epilog='Example: `lakehouse accept 57 --by ann --note "strike day"`')(accept)
    app.command(epilog="Example: `lakehouse replay flights`")(replay)
    app.command(epilog="Example: `lakehouse quarantine flights --delivery 57`")(quarantine)


def land(
    dataset: Dataset,
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files to take in; without, what lies in the landing folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Takes files into bronze, byte for byte, and books their deliveries.

    A file whose content is there already is not taken twice. `lakehouse run` then makes tables of
    what came.
    """
    from lakehouse import landing
    from lakehouse.lake import Lake

    finish(landing.land(Lake(), dataset, tuple(files or ()), run=new_run()), as_json)


def withdraw(deliveries: Deliveries, by: By, note: Note, as_json: AsJson = False) -> None:
    """Takes deliveries out of every later result; their objects stay in bronze."""
    from lakehouse import landing
    from lakehouse.lake import Lake

    finish(landing.decide(Lake(), "withdrawn", deliveries, by=by, note=note), as_json)


def accept(deliveries: Deliveries, by: By, note: Note, as_json: AsJson = False) -> None:
    """Admits refused deliveries in spite of the audit; broken rows stay in quarantine."""
    from lakehouse import landing
    from lakehouse.lake import Lake

    finish(landing.decide(Lake(), "accepted", deliveries, by=by, note=note), as_json)


def replay(dataset: Dataset, by: By = "command line", as_json: AsJson = False) -> None:
    """Lets the refused deliveries of a dataset be judged again at the next run."""
    from lakehouse import landing
    from lakehouse.lake import Lake

    finish(landing.replay(Lake(), dataset, by=by), as_json)


def quarantine(
    dataset: Dataset,
    delivery: Annotated[
        int | None, typer.Option("--delivery", help="Only this delivery, row by row.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows broken rows by the rule they broke, with examples, or those of one delivery."""
    from lakehouse.cli import broken
    from lakehouse.lake import Lake

    lake = Lake()
    found = broken.rows(lake, lake.contract(dataset), delivery)
    if as_json:
        print_json(found.document())
    else:
        output().print(found.shown())
