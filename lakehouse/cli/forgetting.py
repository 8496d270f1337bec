"""The verb that erases a person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.console import AsJson, Stages, errors, finish, new_run
from lakehouse.cli.data import By, Dataset, Note

if TYPE_CHECKING:
    from lakehouse.erasing import Sought


def register(app: typer.Typer) -> None:
    """Adds this module's verb."""
    epilog = 'Example: `lakehouse forget flights --key tailnum=- --by ann --note "request 12"`'
    app.command(epilog=epilog)(forget)


def forget(
    dataset: Dataset,
    key: Annotated[
        list[str],
        typer.Option(
            "--key",
            help="COLUMN=VALUE, once for each column that tells whose rows are meant, or VALUE "
            "where the key is one column. With - in the place of VALUE it is read from stdin, a "
            "line for each: what stands on a command line is seen by others and kept by shells.",
        ),
    ],
    *,
    by: By = "",
    note: Note = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be touched; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erases a person: all their rows, with everything that still holds or quotes them.

    Rows go from bronze and the landing folder, silver, quarantine, gold and predictions; so do all
    earlier snapshots of these tables, with their tags, and the backups in the warehouse. It cannot
    be undone. Killed half-way, the same command completes it.
    """
    from lakehouse import erasing
    from lakehouse.lake import Lake

    lake = Lake()
    person = erasing.Person.parse(lake.contract(dataset), [_read(given) for given in key])
    if dry_run:
        finish(erasing.seek(lake, person), as_json)
        return
    _require(by, note)
    if not yes:
        _confirm(erasing.seek(lake, person))
    with Stages() as stages:
        done = erasing.forget(lake, person, by=by, note=note, run=new_run(), progress=stages)
    finish(done, as_json)


def _read(given: str) -> str:
    """Returns a key with the value that stdin has for it."""
    name, equals, value = given.rpartition("=")
    if value != "-":
        return given
    if sys.stdin.isatty():
        said: str = typer.prompt(name or "value", hide_input=True, err=True)
    else:
        said = sys.stdin.readline().rstrip("\n")
    return f"{name}{equals}{said}"


def _require(by: str, note: str) -> None:
    for name, value in (("by", by), ("note", note)):
        if not value:
            raise typer.BadParameter("is needed: who decides, and why", param_hint=f"--{name}")


def _confirm(sought: Sought) -> None:
    """Asks, where somebody can answer; nothing is erased unasked without --yes."""
    from lakehouse.errors import UsageError

    if not (sought.hits or sought.unfinished):
        return  # the verb itself says that there is nobody
    told = sought.summary().removesuffix(" Nothing was changed.")
    errors().print(told, markup=False, soft_wrap=True)
    if not sys.stdin.isatty():
        raise UsageError("Nothing was erased: without a terminal to ask, say --yes.")
    typer.confirm("Erase them? It cannot be undone", abort=True, err=True)
