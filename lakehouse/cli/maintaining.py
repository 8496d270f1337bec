"""The verb that keeps a lake small and quick."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.console import (
    AsJson,
    Stages,
    described,
    errors,
    grid,
    new_run,
    output,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.maintenance import Maintained

_MEGA = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse maintain --dry-run`")(maintain)


def maintain(
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done now.")
    ] = False,
    grace: Annotated[
        float | None,
        typer.Option(
            "--grace",
            min=0,
            metavar="HOURS",
            help="How long a file stays that nothing refers to; 24 unless a setting says "
            "otherwise. 0 is only for a lake that nobody reads or writes meanwhile.",
        ),
    ] = None,
    file_size: Annotated[
        int,
        typer.Option("--file-size", min=1, metavar="MB", help="Size that data files are to have."),
    ] = 128,
    as_json: AsJson = False,
) -> None:
    """Compacts small files, forgets old snapshots, and deletes files that nobody needs any more.

    Readers never notice, nothing becomes stale, and a call that was killed is completed by the
    next. A file that nothing refers to is first listed and deleted by a later call, when it has
    been of no use for the grace period.
    """
    from lakehouse import maintenance
    from lakehouse.lake import Lake

    with Stages() as stages:
        done = maintenance.maintain(
            Lake(),
            run=new_run(),
            target=file_size * _MEGA,
            grace=None if grace is None else timedelta(hours=grace),
            dry=dry,
            progress=stages,
        )
    if as_json:
        print_json(described(done))
        return
    _show(done)


def _show(done: Maintained) -> None:
    from lakehouse.maintenance import size

    output().print(done.summary(), markup=False, highlight=False)
    if tables := done.compacted.tables:
        columns = ("table", ">partitions", ">files", ">now", ">bytes", ">now", ">left")
        rows = [
            (t.table, t.partitions, t.files, t.files_now, size(t.bytes), _now(t.bytes_now), t.left)
            for t in tables
        ]
        output().print(grid("Compacted", columns, rows))
    if expired := done.expired.tables:
        table_rows = [(t.table, t.snapshots, t.branches) for t in expired]
        output().print(grid("Forgotten", ("table", ">snapshots", ">branches"), table_rows))
    if places := done.swept.places:
        swept = [(p.place, p.removed, size(p.bytes), p.condemned) for p in places]
        output().print(grid("Swept", ("place", ">removed", ">freed", ">waiting"), swept))
    for why, number in done.swept.retained.items():
        told = f"{number:,} raw files past retention stay in bronze/{why}."
        output().print(told, markup=False, soft_wrap=True)
    for sentence in done.swept.skipped:
        errors().print(sentence, markup=False, soft_wrap=True)


def _now(written: int | None) -> str:
    from lakehouse.maintenance import size

    return "" if written is None else size(written)
