"""The application: its verbs, its exit codes, and how errors are told."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Annotated

import typer

from lakehouse import outage
from lakehouse.cli import (
    asking,
    contracts,
    data,
    demonstration,
    drafting,
    forgetting,
    history,
    keeping,
    maintaining,
    models,
    quality,
    running,
    servers,
    service,
)
from lakehouse.cli.console import errors, told
from lakehouse.errors import LakehouseError

app = typer.Typer(
    name="lakehouse",
    help="Files in; audited Iceberg tables, features, models and alarms out.",
    epilog="Exit codes: 0 done; 1 data or a model was refused; 2 usage or configuration; "
    "3 an outside service failed. `LAKEHOUSE_HOME` says where the lake is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (
    demonstration,
    data,
    contracts,
    drafting,
    running,
    asking,
    quality,
    models,
    history,
    forgetting,
    keeping,
    maintaining,
    servers,
    service,
):
    verbs.register(app)


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; anywhere on the line.")
    ] = False,
) -> None:
    """Declares what holds for every verb; `main` has acted on it already."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one verb and ends the process with its exit code.

    Args:
        arguments: The words after `lakehouse`; those of the process if absent.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if debug:
        words.remove("--debug")
    sys.excepthook = _traceback if debug else _unexpected
    try:
        # the command itself: calling the application would put typer's own hook over ours
        typer.main.get_command(app)(words, prog_name="lakehouse")
    except Exception as error:
        known = error if isinstance(error, LakehouseError) else outage.told(error)
        if debug or known is None:
            raise
        errors().print(told(str(known)), style="red", markup=False, soft_wrap=True)
        sys.exit(known.exit_code)


def _traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Shows where an error came from, without the secrets that a library may have put into it."""
    told_so = told("".join(traceback.format_exception(kind, error, trace)))
    errors().print(told_so, markup=False, soft_wrap=True, end="")


def _unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tells of an error nobody foresaw in one line, and ends with the exit code of a failure."""
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(130)
    text = told(" ".join(str(error).split()))
    errors().print(
        f"Unexpected {kind.__name__}: {text[:600]}\n"
        "Published tables are as they were. Add --debug for the traceback.",
        style="red",
        markup=False,
    )
    sys.exit(3)
