"""Verbs about the whole lake: what is stale, bringing it up to date, and how it stands."""

from __future__ import annotations

import typer

from lakehouse.cli.console import AsJson, Stages, finish, grid, output, print_json, show_refusals


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse plan --json`")(plan)
    app.command(epilog="Example: `lakehouse run`")(run)
    app.command(epilog="Example: `lakehouse status`")(status)


def plan(as_json: AsJson = False) -> None:
    """Shows what `run` would do and why; changes nothing."""
    from lakehouse import planning
    from lakehouse.lake import Lake

    steps = planning.plan(Lake()).steps
    if as_json:
        rows = [
            {"asset": s.asset, "partitions": list(s.partitions), "reason": s.reason} for s in steps
        ]
        print_json({"steps": rows})
    elif not steps:
        output().print("Everything is up to date: `lakehouse run` would do nothing.")
    else:
        rows_shown = ((s.asset, _range(s.partitions), s.reason) for s in steps)
        output().print(
            grid("To be done, in this order", ("asset", "partitions", "why"), rows_shown)
        )


def _range(partitions: tuple[str, ...]) -> str:
    """Returns partitions in few words.

    >>> _range(("2013-01", "2013-02", "2013-03", "2013-04"))
    '2013-01 … 2013-04 (4)'
    """
    if len(partitions) < 4:
        return ", ".join(partitions)
    return f"{partitions[0]} … {partitions[-1]} ({len(partitions)})"


def run(as_json: AsJson = False) -> None:
    """Materializes whatever is missing or out of date, and says so when nothing was."""
    from lakehouse.cli.orchestration import orchestrator
    from lakehouse.settings import Settings

    with Stages() as stages:
        done = orchestrator().run(Settings.load(), stages)
    finish(done, as_json)


def status(as_json: AsJson = False) -> None:
    """Shows deliveries with the whereabouts of their rows, tables, and the champions.

    Per delivery: rows in = published + quarantined + duplicates + superseded + refused, plus what
    was withdrawn or waits for the next run.
    """
    from lakehouse.cli import standing
    from lakehouse.lake import Lake

    found = standing.read(Lake())
    if as_json:
        print_json(found.document())
        return
    output().print(found.shown())
    show_refusals(found.refusals())
