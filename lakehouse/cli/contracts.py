"""Verbs about contracts: are they sound, and what changes for readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from lakehouse.cli.console import AsJson, errors, grid, output, print_json

if TYPE_CHECKING:
    from lakehouse.lake import Lake

contracts = typer.Typer(
    no_args_is_help=True, help="Work on the contracts of the datasets.", rich_markup_mode="markdown"
)


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    contracts.command("check", epilog="Example: `lakehouse contracts check`")(check)
    contracts.command("diff", epilog="Example: `lakehouse contracts diff flights`")(diff)
    app.add_typer(contracts, name="contracts")


def check(as_json: AsJson = False) -> None:
    """Loads every contract and model, and points to file, line and key of what is wrong."""
    from lakehouse.contract import faults
    from lakehouse.lake import Lake

    lake = Lake()
    wrong = [str(fault) for fault in faults(lake.settings.project / "assets" / "contracts")]
    if wrong:
        if as_json:
            print_json({"refused": wrong})
        for sentence in wrong:
            errors().print(sentence, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2)
    rows = [
        {
            "dataset": contract.dataset,
            "version": contract.version,
            "columns": len(contract.columns),
            "rules": len(contract.rules),
            "expectations": len(contract.expectations) + len(contract.queries),
            "fingerprint": contract.fingerprint,
        }
        for contract in lake.contracts.values()
    ]
    models = sorted(lake.models)
    if as_json:
        print_json({"contracts": rows, "models": models})
        return
    columns = ("dataset", "version", ">columns", ">rules", ">expectations", "fingerprint")
    table = grid("Contracts", columns, [list(row.values()) for row in rows])
    output().print(Group(table, Text(f"models in order: {', '.join(models) or 'none'}")))


def diff(
    old: Annotated[str, typer.Argument(help="A contract file, or the name of a dataset.")],
    new: Annotated[
        str | None,
        typer.Argument(help="Another file or dataset; without, the contract declared now."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Says what differs between two contracts, what is breaking, and why.

    The name of a dataset alone compares the contract that its table was published under with the
    one declared now. The exit code is 1 if a change is breaking.
    """
    from lakehouse.contract import differences
    from lakehouse.lake import Lake

    lake = Lake()
    was = _said(lake, old) if new or _is_file(old) else _published(lake, old)
    now = _said(lake, new or (Path(old).name.split(".")[0] if _is_file(old) else old))
    found = differences(was, now)
    broken = sum(difference.breaking for difference in found)
    versions = f"{was['version']} → {now['version']}"
    if as_json:
        rows = [{"what": d.what, "why": d.why, "breaking": d.breaking} for d in found]
        print_json(
            {"old": was["version"], "new": now["version"], "breaking": broken, "differences": rows}
        )
    elif found:
        cells = [("breaking" if d.breaking else "compatible", d.what, d.why) for d in found]
        output().print(grid(f"Contract {versions}", ("", "change", "what follows"), cells))
    else:
        output().print(f"Contract {versions}: no difference.", markup=False, highlight=False)
    if broken:
        raise typer.Exit(1)


def _is_file(word: str) -> bool:
    """Tells whether a word on the command line means a file."""
    return "/" in word or word.endswith((".yaml", ".yml")) or Path(word).is_file()


def _said(lake: Lake, word: str) -> Mapping[str, Any]:
    """Returns what the contract in a file says, or the declared one of a dataset."""
    from lakehouse.contract import describe, load

    return describe(load(Path(word), named=False) if _is_file(word) else lake.contract(word))


def _published(lake: Lake, dataset: str) -> Mapping[str, Any]:
    """Returns what the contract said under which readers see the table of a dataset."""
    from lakehouse.catalog import summary_of
    from lakehouse.contract import promised
    from lakehouse.errors import UnknownName

    table = lake.catalog.table(lake.contract(dataset).table)
    known = promised(table.properties, summary_of(table.current_snapshot()))
    if known is None:
        raise UnknownName("published contract", dataset, ())
    return known
