"""The verb about a dataset's quality: which verdict stands on each expectation, and its page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.console import AsJson, grid, output, print_json, show_refusals

if TYPE_CHECKING:
    from lakehouse.admitting import View
    from lakehouse.quality import Expected, Standing


def register(app: typer.Typer) -> None:
    """Adds this module's verb."""
    app.command(epilog="Example: `lakehouse quality flights --open`")(quality)


def quality(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset, as its contract says.")],
    opened: Annotated[
        bool, typer.Option("--open", help="Open the dataset's page in the browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Shows each expectation with its last verdicts, and makes the page with their history.

    Ends with exit code 1 where a partition stands refused.
    """
    import webbrowser

    from lakehouse.admitting import look
    from lakehouse.lake import Lake
    from lakehouse.quality import stand, write

    lake = Lake()
    view = look(lake, lake.contract(dataset))
    refused = {decision.partition for decision in view.state.refused}
    there = {*view.state.held, *refused}
    found = [one for one in lake.ledger.judgements(dataset) if one.partition in there]
    page = write(lake.settings.home, view.contract, found)
    standing = stand(dataset, found)
    if as_json:
        print_json(_document(standing, page))
    else:
        _show(standing, page)
    if opened:
        webbrowser.open(page.as_uri())
    _end(view, sorted(refused & set(standing.refused)), as_json)


def _end(view: View, refused: list[str], quiet: bool) -> None:
    """Tells what stands refused, as the refusal itself says it, and ends with exit code 1."""
    if not refused:
        return
    if not quiet:
        told = (d.reason for d in view.state.refused if d.partition in refused)
        show_refusals(dict.fromkeys(told))
    raise typer.Exit(1)


def _show(standing: Standing, page: Path) -> None:
    if not standing.expected:
        told = f"Nothing of {standing.dataset} has been judged yet: `lakehouse run` does it."
        output().print(told, markup=False)
        return
    columns = ("outcome", "expectation", ">pass", "worst", "observed", "expected")
    rows = [_row(expected) for expected in standing.expected]
    output().print(grid(f"{standing.dataset}: expectations", columns, rows))
    output().print(f"Page: {page}", markup=False, highlight=False, soft_wrap=True)


def _row(expected: Expected) -> tuple[object, ...]:
    from lakehouse.quality import told

    newest, total = expected.newest, len(expected.latest)
    said = {name: value for name, value in expected.arguments.items() if name != "column"}
    return (
        told(expected.worst),
        f"{expected.name}\n{newest.notes}".strip(),
        f"{total - len(expected.troubled):,} of {total:,}",
        expected.worst.partition if expected.troubled else "",
        _observed(expected),
        ", ".join(f"{name}={_text(value)}" for name, value in said.items()),
    )


def _observed(expected: Expected) -> str:
    """Returns the range over all partitions, or what the worst of them shows."""
    if expected.observed is None:
        return expected.worst.message or _text(json.loads(expected.worst.observed))
    low, high = expected.observed
    return _text(low) if low == high else f"{_text(low)} to {_text(high)}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def _document(standing: Standing, page: Path) -> dict[str, Any]:
    return {
        "dataset": standing.dataset,
        "refused": list(standing.refused),
        "page": str(page),
        "expectations": [_described(expected) for expected in standing.expected],
        "audits": [asdict(audit) for audit in standing.audits],
    }


def _described(expected: Expected) -> dict[str, Any]:
    return {
        "name": expected.name,
        "outcome": expected.outcome,
        "severity": expected.newest.severity,
        "type": expected.newest.type,
        "notes": expected.newest.notes,
        "expected": dict(expected.arguments),
        "partitions": [
            {
                "partition": verdict.partition,
                "outcome": verdict.outcome,
                "observed": json.loads(verdict.observed),
                "unexpected": verdict.unexpected,
                "examples": json.loads(verdict.examples),
                "message": verdict.message,
                "published": verdict.published,
            }
            for verdict in expected.latest
        ],
    }
