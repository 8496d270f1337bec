"""Verbs that start something new."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import AsJson, finish

new = typer.Typer(no_args_is_help=True, help="Start something new.", rich_markup_mode="markdown")


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    new.command(epilog="Example: `lakehouse new dataset orders --from exports/orders`")(dataset)
    app.add_typer(new, name="new")


def dataset(
    name: Annotated[str, typer.Argument(help="Name of the new dataset: letters, digits and _.")],
    source: Annotated[
        str, typer.Option("--from", help="File or folder with a sample; it is only read.")
    ],
    as_json: AsJson = False,
) -> None:
    """Drafts a contract from a sample, with questions for the owner as TODO lines.

    CSV, TSV, JSON, NDJSON and Parquet, plain or in gzip, zstd or zip. The next `lakehouse run`
    works with the draft as it is; an existing contract is never overwritten.
    """
    from lakehouse.drafting import draft
    from lakehouse.settings import Settings

    finish(draft(Settings.load(), name, source), as_json)
