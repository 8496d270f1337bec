"""How delimited text is written: delimiter, quote, header, lines before it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lakehouse.connection import quote_text
from lakehouse.contract.columns import NAME
from lakehouse.drafting.staging import Staged
from lakehouse.errors import DraftRefused

_DELIMITERS = (",", ";", "\t", "|")
_PREAMBLE = 50
"""Lines before a header; more of them are rows that the sniffer gave up."""
_VALUE = re.compile(r"[+-]?[\d.,:/ -]*\d[\d.,:/TZ -]*|true|false|na|null", re.IGNORECASE)
"""What stands in a row of values and hardly in a header."""


@dataclass(frozen=True)
class Dialect:
    """How the delimited files of a sample are written.

    Attributes:
        delimiter: Field separator.
        quote: Quote character.
        header: Whether a line names the columns.
        skip: Lines before the header, or before the first row.
        labels: The columns as the files call them; empty texts where they do not.
        sure: False if all cells are text, so that the header could be a row as well.
        orders: The labels of each file in its own order.
    """

    delimiter: str
    quote: str
    header: bool
    skip: int
    labels: tuple[str, ...]
    sure: bool
    orders: tuple[tuple[str, ...], ...]


def sniff(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Staged], delimiter: str | None
) -> Dialect:
    """Returns how the files are written, by DuckDB's sniffer on the first of them.

    Raises:
        DraftRefused: No dialect explains the text, or the files have different columns.
    """
    first = files[0]
    found, quoted, skip, header, types = _sniffed(connection, first, delimiter, "strict_mode=false")
    if len(types) < 2 or skip > _PREAMBLE:
        # a few torn lines make the sniffer skip all before them, or take lines for one field
        other = _sniffed(connection, first, delimiter, "ignore_errors=true")
        if len(other[-1]) > 1 or skip > _PREAMBLE:
            found, quoted, skip, header, types = other
    separator = found if found in _DELIMITERS or delimiter else ","
    quote = quoted if len(quoted) == 1 else '"'
    heads = tuple(_line(file, skip, separator, quote) for file in files)
    header = _has_header(heads, header)
    if header:
        _check_headers(files, heads)
    else:
        _check_widths(files, heads)
    labels = heads[0] if header else ("",) * len(heads[0])
    textual = all(kind == "VARCHAR" for kind in types)
    return Dialect(separator, quote, header, skip, labels, not textual, heads)


def _sniffed(
    connection: duckdb.DuckDBPyConnection, file: Staged, delimiter: str | None, option: str
) -> tuple[str, str, int, bool, list[str]]:
    """Returns delimiter, quote, lines to skip, whether there is a header, and the types."""
    given = f", delim={quote_text(delimiter)}" if delimiter else ""
    try:
        row = connection.execute(
            "SELECT Delimiter, Quote, SkipRows, HasHeader, list_transform(Columns, c -> c.type) "
            f"FROM sniff_csv({quote_text(str(file.path))}, {option}{given})"
        ).fetchone()
    except duckdb.Error as error:
        why = f"no delimiter splits it into columns ({str(error).splitlines()[0][:120]})"
        raise DraftRefused(file.file.key, why) from error
    return row or (",", '"', 0, False, [])


def names(labels: Sequence[str], *, positional: bool) -> tuple[str, ...]:
    """Returns column names for labels; those that are names already stay.

    >>> names(["First name", "Größe", "", "id", "ID"], positional=True)
    ('First_name', 'Grosse', 'column_3', 'id', 'ID_2')
    """
    made: list[str] = []
    for place, label in enumerate(labels, start=1):
        name = label if NAME.fullmatch(label) else _plain(label) or f"column_{place}"
        taken = [other.lower() for other in made]
        if positional and name.lower() in taken:
            others = (f"{name[:60]}_{number}" for number in range(2, 1000))
            name = next(other for other in others if other.lower() not in taken)
        made.append(name)
    return tuple(made)


def fit(labels: Sequence[str]) -> bool:
    """Returns whether all labels can be the names of columns."""
    return all(NAME.fullmatch(label) for label in labels) and len(
        {label.lower() for label in labels}
    ) == len(labels)


def _plain(label: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", label.replace("ß", "ss")).encode("ascii", "ignore")
    name = re.sub(r"\W+", "_", ascii_only.decode()).strip("_")[:60]
    return f"c_{name}" if name[:1].isdigit() else name


def _line(file: Staged, skip: int, delimiter: str, quote: str) -> tuple[str, ...]:
    """Returns the fields of the first line that counts; empty lines count only where skipped."""
    with file.path.open(encoding="utf-8", newline="") as stream:
        text = "".join(line for _, line in zip(range(skip + 50), stream, strict=False))
    rest = "".join(text.splitlines(keepends=True)[skip:])
    rows = csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        return tuple(next((row for row in rows if row), []))
    except csv.Error as error:
        raise DraftRefused(file.file.key, f"line {skip + 1} is no row ({error})") from error


def _has_header(heads: Sequence[tuple[str, ...]], sniffed: bool) -> bool:
    """Whether the first line names columns: values in it, or names twice, speak against it."""
    first = heads[0]
    valued = any(_VALUE.fullmatch(label.strip()) for label in first)
    repeated = len(heads) > 1 and len(set(heads)) == 1
    return (sniffed or repeated) and not valued and any(first)


def _check_headers(files: Sequence[Staged], heads: Sequence[tuple[str, ...]]) -> None:
    first = heads[0]
    for file, head in zip(files, heads, strict=True):
        twice = sorted({label for label in head if label and head.count(label) > 1})
        if twice:
            raise DraftRefused(file.file.key, f"its header names '{twice[0]}' twice")
        if set(head) != set(first):
            odd = sorted(set(head) ^ set(first))
            why = f"its columns are not those of {files[0].file.key}: only one has {_listed(odd)}"
            raise DraftRefused(file.file.key, why)


def _check_widths(files: Sequence[Staged], heads: Sequence[tuple[str, ...]]) -> None:
    for file, head in zip(files, heads, strict=True):
        if len(head) != len(heads[0]):
            why = f"it has {len(head)} columns, {files[0].file.key} has {len(heads[0])}"
            raise DraftRefused(file.file.key, why)


def _listed(labels: Sequence[str]) -> str:
    shown = [f"'{label[:40]}'" for label in labels[:5]]
    return ", ".join(shown) + (", …" if len(labels) > 5 else "")
