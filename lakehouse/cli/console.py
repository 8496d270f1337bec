"""What verbs print: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size, which
from types import TracebackType
from typing import Annotated, Any, TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lakehouse.results import Result

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead, for programs.")
]


def output() -> Console:
    """Returns the console for answers; made anew so that a redirected stdout is respected."""
    return Console(width=_width(sys.stdout))


def errors() -> Console:
    """Returns the console for progress and errors."""
    return Console(stderr=True, highlight=False, width=_width(sys.stderr))


def _width(stream: TextIO) -> int | None:
    """A terminal tells its width; a file gets one in which tables still read well."""
    return None if stream.isatty() else get_terminal_size((120, 40)).columns


def program() -> str:
    """Returns how this command line is called from here: its path, unless the shell finds it."""
    called = Path(sys.argv[0])
    found = which(called.name)
    if called.name != "lakehouse" or (found and Path(found).samefile(called)):
        return "lakehouse"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def new_run() -> str:
    """Returns an id for the work that one verb does."""
    return uuid.uuid4().hex


def print_json(document: Mapping[str, Any]) -> None:
    """Prints one JSON document; what JSON does not know becomes text."""
    write_json(document, indent=2)


def write_json(document: object, *, indent: int) -> None:
    """Prints what is JSON; characters that would steer the terminal are escaped, as JSON can."""
    text = json.dumps(document, indent=indent, default=str, ensure_ascii=False)
    shown = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    sys.stdout.write("".join(shown) + "\n")


def described(result: Result) -> dict[str, Any]:
    """Returns all that a result can be asked for, ready for JSON."""
    return {
        "summary": result.summary(),
        "facts": dict(result.facts()),
        "checks": [asdict(check) for check in result.checks()],
        "refusals": list(result.refusals()),
    }


def finish(result: Result, as_json: bool) -> None:
    """Shows a verb's result and ends with exit code 1 where something was refused."""
    if as_json:
        print_json(described(result))
    else:
        output().print(plain(result.summary()), markup=False, highlight=False)
        show_refusals(result.refusals())
    if result.refusals():
        raise typer.Exit(1)


def show_refusals(sentences: Iterable[str]) -> None:
    """Prints what was not admitted, each as its own paragraph."""
    for sentence in sentences:
        errors().print(f"refused: {told(sentence)}", style="red", markup=False, soft_wrap=True)


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Returns a table; columns whose name starts with `>` are right-aligned."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            shown(column.removeprefix(">")), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    return table


def shown(cell: object) -> str:
    r"""Returns a cell's text; numbers with thousands separators, None as nothing.

    >>> shown(336776), shown(0.71499), shown(None), shown("a\x1b[2J")
    ('336,776', '0.715', '', 'a\\x1b[2J')
    """
    from rich.markup import escape

    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.3f}"
    return escape(plain(str(cell)))


def plain(text: str) -> str:
    r"""Returns a text without what would steer the terminal, such as a landed file's name may hold.

    >>> plain("a\x1b[2J\nb")
    'a\\x1b[2J\nb'
    """
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def told(text: str) -> str:
    """Returns a message as it may be printed: plain, and without passwords and keys."""
    from lakehouse.settings import hidden

    return plain(hidden(text))


class Stages:
    """Tells of work in progress, one line per stage with the seconds since the start.

    A terminal also gets a spinner; a log file gets the same lines and nothing else.
    """

    def __init__(self) -> None:
        self._console = errors()
        self._started = time.perf_counter()
        self._spinner: AbstractContextManager[object] = nullcontext()
        if self._console.is_terminal:
            self._spinner = self._console.status("", spinner="dots")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def __call__(self, line: str) -> None:
        """Prints one line."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/dim]  ", end="")
        self._console.print(told(line), markup=False, soft_wrap=True)

    def __enter__(self) -> Stages:
        self._spinner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spinner.__exit__(kind, error, trace)
