"""Verbs that keep a lake: bring it up to date with the code, save it, and bring it back."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, described, finish, grid, output, print_json


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse backup --to s3://elsewhere/lake`")(backup)
    app.command(epilog="Example: `lakehouse backups`")(backups)
    app.command(epilog="Example: `lakehouse restore 2026-11-22T05-00-00Z`")(restore)
    app.command(epilog="Example: `lakehouse upgrade`")(upgrade)


def backup(
    to: Annotated[
        str, typer.Option("--to", help="URL or folder that gets a second copy of the backup.")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="Its name; the time without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Saves catalog, ledger and registry as of one moment, while runs go on.

    Data files stay where they are; maintenance keeps those that a backup needs.
    """
    from lakehouse import backup as backing
    from lakehouse.lake import Lake

    finish(backing.save(Lake(), name, to), as_json)


def backups(
    remove: Annotated[
        str, typer.Option("--remove", help="Removes the backup of that name.", metavar="NAME")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Lists the backups, or removes one so that maintenance may free its files."""
    from lakehouse import backup as backing
    from lakehouse.lake import Lake

    lake = Lake()
    if remove:
        backing.remove(lake, remove)
    found = backing.listed(lake)
    if as_json:
        print_json(described(found))
        return
    output().print(found.summary(), markup=False, highlight=False)
    if found.backups:
        columns = ("backup", "taken", ">tables", ">files needed")
        rows = ((b.name, b.made_at, len(b.tables), b.references) for b in found.backups)
        output().print(grid("", columns, rows))


def restore(
    where: Annotated[
        str,
        typer.Argument(help="Name of the backup, or URL or path of its folder.", metavar="NAME"),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Gives up what the lake holds now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Brings catalog, ledger and registry back to a backup, once all of it is verified."""
    from lakehouse import backup as backing
    from lakehouse.lake import Lake

    finish(backing.restore(Lake(), where, replace=replace), as_json)


def upgrade(as_json: AsJson = False) -> None:
    """Brings a lake that an earlier version has written to the present format, all at once."""
    from lakehouse import migration
    from lakehouse.lake import Lake

    finish(migration.upgrade(Lake()), as_json)
