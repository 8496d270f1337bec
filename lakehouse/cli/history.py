"""Verbs about what was published before: looking at it, naming it, going back to it."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, finish, grid, output, print_json

Table = Annotated[str, typer.Argument(help="Table, e.g. silver.flights.")]
By = Annotated[str, typer.Option("--by", help="Who decides.")]
Note = Annotated[str, typer.Option("--note", help="Why; kept in the ledger.")]


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse snapshots silver.flights`")(snapshots)
    app.command(
        epilog='Example: `lakehouse rollback silver.flights --to "2026-05-04 10:00" --by ann '
        '--note "wrong tariffs"`'
    )(rollback)
    app.command(epilog='Example: `lakehouse release silver.flights --by ann --note "mended"`')(
        release
    )
    app.command(epilog="Example: `lakehouse tag silver.flights year-end`")(tag)
    app.command(epilog="Example: `lakehouse untag silver.flights year-end`")(untag)


def snapshots(table: Table, as_json: AsJson = False) -> None:
    """Lists the published snapshots of a table, newest first, with tags and rollbacks."""
    from lakehouse import rollback as going_back
    from lakehouse.lake import Lake

    found = going_back.snapshots(Lake(), table)
    if as_json:
        print_json(found.facts())
        return
    columns = ("snapshot", "seen since (UTC)", ">rows", ">files", "run", "contract", "tags", "")
    cells = (
        (s.snapshot, s.at, s.rows, s.files, s.run, s.contract, ", ".join(s.tags), s.note)
        for s in found.snapshots
    )
    output().print(grid(table, columns, cells))
    for told in found.rollbacks:
        output().print(told, markup=False, highlight=False, soft_wrap=True)


def rollback(
    table: Table,
    to: Annotated[
        str, typer.Option("--to", help="Snapshot, tag, or time (UTC) at which readers saw it.")
    ],
    by: By,
    note: Note,
    as_json: AsJson = False,
) -> None:
    """Lets readers see an earlier publish again, until it is released or its inputs change.

    A dataset goes back with its quarantine, a gold table with all tables of the same dbt build.
    """
    from lakehouse import rollback as going_back
    from lakehouse.lake import Lake

    finish(going_back.rollback(Lake(), table, to, by=by, note=note), as_json)


def release(table: Table, by: By, note: Note, as_json: AsJson = False) -> None:
    """Ends what a rollback holds; the next run makes anew what is stale."""
    from lakehouse import rollback as going_back
    from lakehouse.lake import Lake

    finish(going_back.release(Lake(), table, by=by, note=note), as_json)


def tag(
    table: Table,
    name: Annotated[str, typer.Argument(help="The name.")],
    at: Annotated[
        str, typer.Option("--at", help="Snapshot, tag or time; what readers see without it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Names a publish, so that it stays however old it grows; quarantine or gold go with it."""
    from lakehouse import rollback as going_back
    from lakehouse.lake import Lake

    finish(going_back.tag(Lake(), table, name, at), as_json)


def untag(
    table: Table,
    name: Annotated[str, typer.Argument(help="The name.")],
    as_json: AsJson = False,
) -> None:
    """Takes a name away; what it named may then be forgotten."""
    from lakehouse import rollback as going_back
    from lakehouse.lake import Lake

    finish(going_back.untag(Lake(), table, name), as_json)
