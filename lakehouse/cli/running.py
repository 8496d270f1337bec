"""Verbs about the whole lake: what is stale, bringing it up to date, and how it stands."""

from __future__ import annotations

import typer

from lakehouse.cli.console import (
    AsJson,
    Stages,
    errors,
    finish,
    grid,
    output,
    print_json,
    show_refusals,
)


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `lakehouse plan --json`")(plan)
    app.command(epilog="Example: `lakehouse run`")(run)
    app.command(epilog="Example: `lakehouse status`")(status)


def plan(as_json: AsJson = False) -> None:
    """Shows what `run` would do and why; changes nothing."""
    from lakehouse import planning
    from lakehouse.lake import Lake

    found = planning.plan(Lake())
    if as_json:
        print_json(found.facts())
        return
    if not found.steps:
        output().print("Everything is up to date: `lakehouse run` would do nothing.")
    else:
        rows = ((s.asset, _range(s.partitions), s.reason) for s in found.steps)
        output().print(grid("To be done, in this order", ("asset", "partitions", "why"), rows))
    if found.follows:
        output().print(f"After that, looked at again: {', '.join(found.follows)}.", markup=False)
    for sentence in (*found.waits, *found.holds):
        output().print(sentence, markup=False, soft_wrap=True)
    _remind(found.missing, found.aside)


def _remind(missing: tuple[str, ...], aside: tuple[str, ...]) -> None:
    """Tells what is lacking or was refused earlier; it is no fault of this call."""
    for sentence in missing:
        errors().print(f"missing: {sentence}.", markup=False, soft_wrap=True)
    if aside:
        told = f"Refused earlier and set aside: {'; '.join(aside)}."
        errors().print(f"{told} `lakehouse status` tells why.", markup=False)


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
    from lakehouse import planning
    from lakehouse.cli.orchestration import orchestrator
    from lakehouse.lake import Lake
    from lakehouse.settings import Settings

    settings = Settings.load()
    with Stages() as stages:
        done = orchestrator().run(settings, stages)
    if not done.refusals():
        left = planning.plan(Lake(settings))
        for sentence in (*left.waits, *left.holds):
            errors().print(sentence, markup=False, soft_wrap=True)
        _remind(left.missing, left.aside)
    finish(done, as_json)


def status(as_json: AsJson = False) -> None:
    """Shows deliveries with the whereabouts of their rows, tables, and the champions.

    Per delivery: rows in = published + quarantined + duplicates + superseded + refused, plus what
    was withdrawn, is past the contract's retention, or waits for the next run.
    """
    from lakehouse.cli import standing
    from lakehouse.lake import Lake

    found = standing.read(Lake())
    if as_json:
        print_json(found.document())
        return
    output().print(found.shown())
    show_refusals(found.refusals())
