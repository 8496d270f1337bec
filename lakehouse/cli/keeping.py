"""Verbs that keep a lake: bring it up to date with the code, save it, and bring it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, Stages, described, finish, grid, output, print_json


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse backup --to s3://elsewhere/lake`")(backup)
    app.command(epilog="Example: `lakehouse backups`")(backups)
    app.command(epilog="Example: `lakehouse restore 2026-11-22T05-00-00Z`")(restore)
    app.command(epilog="Example: `lakehouse upgrade`")(upgrade)
    app.command(epilog="Example: `lakehouse migrate --to service.toml`")(migrate)


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


def migrate(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="TOML file with the other lake's settings, as in lakehouse.toml, and home."
        ),
    ],
    landing: Annotated[
        bool, typer.Option("--landing", help="Also copies what lies in the landing folder.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copies the lake with all its history to another place, verifies it, and leaves this one be.

    From the local disk to S3 and PostgreSQL, or back. Cut short, the same call goes on from there.
    """
    from lakehouse import migration
    from lakehouse.lake import Lake

    source = Lake()
    with Stages() as stages:
        done = migration.migrate(
            source, migration.open_target(source, to), landing=landing, progress=stages
        )
    finish(done, as_json)
