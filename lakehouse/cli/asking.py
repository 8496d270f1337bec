"""`sql`: ad-hoc questions to the published tables."""

from __future__ import annotations

import csv
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.console import (
    AsJson,
    errors,
    grid,
    output,
    print_json,
    show_refusals,
    told,
    write_json,
)

if TYPE_CHECKING:
    from lakehouse.errors import QueryStopped
    from lakehouse.query import Answer

_SHOWN = 50


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog='Example: `lakehouse sql "select count(*) from silver.flights"`')(sql)


def sql(
    statement: Annotated[
        str, typer.Argument(help="One statement that reads; - takes it from stdin.")
    ],
    format: Annotated[
        Format, typer.Option("--format", "-f", help="csv and json print rows and nothing else.")
    ] = Format.TABLE,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=0, help="Seconds it may take; 0 is for ever. Default 300."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="Rows wanted; 0 is all. Default 1,000,000."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Asks the published tables, in DuckDB's SQL, without a way to change them.

    Schemas: silver, gold, quarantine, ledger, monitoring and models. `show all tables` lists them.
    An answer that is cut without `--limit` is told on stderr, and the exit code is 1.
    """
    from lakehouse.lake import Lake
    from lakehouse.query import Limits, query

    lake = Lake()
    limits = Limits(
        lake.settings.query_seconds if timeout is None else timeout,
        lake.settings.query_rows if limit is None else limit,
    )
    answer = query(lake, sys.stdin.read() if statement == "-" else statement, limits, _end)
    if as_json:
        print_json({**answer.facts(), "rows": answer.table.to_pylist()})
    elif format is Format.JSON:
        _print_json(answer)
    elif format is Format.CSV:
        _print_csv(answer)
    else:
        _print_table(answer)
    _tell_of_cut(answer, asked=bool(limit))


def _end(stopped: QueryStopped) -> None:
    """Ends the process from beside a query that does not: there is nothing to be put in order."""
    errors().print(told(str(stopped)), style="red", markup=False, soft_wrap=True)
    os._exit(stopped.exit_code)


def _tell_of_cut(answer: Answer, *, asked: bool) -> None:
    """Says what is missing, and ends with exit code 1 where nobody asked for less."""
    if not answer.cut:
        return
    if asked:
        errors().print(answer.cut, style="dim", markup=False)
        return
    show_refusals([f"{answer.cut}. Another limit: --limit, or LAKEHOUSE_QUERY_ROWS."])
    raise typer.Exit(1)


def _print_json(answer: Answer) -> None:
    """Prints an array of objects; decimals, dates and times are text."""
    rows = answer.table.to_pylist()
    write_json(rows, indent=1)


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.table.column_names)
    for batch in answer.table.to_batches():
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _print_table(answer: Answer) -> None:
    """Prints the first rows as they are, without separators or rounding."""
    table = answer.table.slice(0, _SHOWN)
    columns = [_header(field.name, str(field.type)) for field in table.schema]
    cells = [
        [None if v is None else str(v) for v in column.to_pylist()] for column in table.columns
    ]
    output().print(grid("", columns, zip(*cells, strict=True)))
    rest = answer.table.num_rows - table.num_rows
    more = f"; {rest:,} more rows: --format csv" if rest else ""
    errors().print(f"{answer.summary()}{more}", style="dim", markup=False)


def _header(name: str, kind: str) -> str:
    number = kind.startswith(("int", "uint", "float", "double", "decimal"))
    return f">{name}" if number else name
