"""A delimited file cut into records, so that each broken one can be explained by itself.

A quote that never closes must cost its own line only, not all the good ones behind it: a quoted
field may run over lines only if it closes again and the record then has the right number of fields.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from lakehouse.contract import ReadOptions

csv.field_size_limit(1 << 30)  # a long field is a broken row to a rule, not to the parser
BOM = b"\xef\xbb\xbf"
"""Byte-order mark, which some programs write before anything else."""
RECORDS = "__records"
"""What the records of a file are registered as."""
_BLOCK = 8 * 1024 * 1024
_REACH = 1000
"""Lines that a quoted field may span."""


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
        line: Line number where it starts, the first line of the file being 1.
        offset: Byte where it starts.
        raw: Its bytes, without the line end.
        fields: Its fields, or None where a plain split at the delimiter gives them.
        problem: Why it has no fields, or empty.
    """

    line: int
    offset: int
    raw: bytes
    fields: list[str] | None
    problem: str


def split(data: bytes, options: ReadOptions, width: int) -> Iterator[Record]:
    """Yields the records behind the header, if there is one; blank lines are no records.

    Args:
        data: The whole file.
        options: Delimiter and quote.
        width: Number of fields that a record has.
    """
    start = _start(data, options)
    lines = data.split(b"\n")
    if not options.preamble:
        lines[0] = lines[0][start:]
    offset = start + sum(len(line) + 1 for line in lines[: options.preamble])
    quote = options.quote.encode()
    at = options.preamble
    while at < len(lines):
        line = lines[at]
        span = _span(lines, at, quote, options, width) if _is_open(line, quote, options) else 1
        raw = b"\n".join(lines[at : at + max(span, 1)]).removesuffix(b"\r")
        if raw:
            yield _record(at + 1, offset, raw, quote, options, closes=span > 0)
        taken = max(span, 1)
        offset += sum(len(part) + 1 for part in lines[at : at + taken])
        at += taken


def pick(stream: BinaryIO, options: ReadOptions, ordinals: Collection[int]) -> Iterator[Record]:
    """Yields some records of a file in which every line is a record.

    Memory does not grow with the file.

    Args:
        stream: The file, from its start.
        options: Delimiter and quote.
        ordinals: Which records, the first being 1.
    """
    quote = options.quote.encode()
    wanted = {options.preamble + ordinal for ordinal in ordinals}
    for number, offset, line in _lines(stream, wanted):
        start = len(BOM) if number == 1 and line.startswith(BOM) else 0
        if raw := line[start:].removesuffix(b"\r"):
            yield _record(number, offset + start, raw, quote, options, closes=True)


def _lines(stream: BinaryIO, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
    """Yields number, offset and bytes of some lines, the first being 1."""
    waiting = deque(sorted(wanted))
    number, offset, rest = 1, 0, b""
    while waiting and (block := stream.read(_BLOCK)):
        block = rest + block
        ends = line_ends(block)
        while waiting and waiting[0] < number + len(ends):
            place = waiting.popleft() - number
            start = int(ends[place - 1]) + 1 if place else 0
            yield number + place, offset + start, block[start : int(ends[place])]
        done = int(ends[-1]) + 1 if len(ends) else 0
        number, offset, rest = number + len(ends), offset + done, block[done:]
    if waiting and waiting[0] == number and rest:
        yield number, offset, rest


def line_ends(data: bytes) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Returns where the lines of a file end."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))


def _start(data: bytes, options: ReadOptions) -> int:
    """Where the first record begins if it is the first line; behind a header it does not matter."""
    return len(BOM) if data.startswith(BOM) and not options.preamble else 0


def _is_open(line: bytes, quote: bytes, options: ReadOptions) -> bool:
    """Whether a field is quoted and not closed; a quote inside an unquoted field is text."""
    if line.count(quote) % 2 == 0:
        return False
    return _fields(line.decode("utf-8", errors="replace").removesuffix("\r"), options) is None


def _span(lines: list[bytes], at: int, quote: bytes, options: ReadOptions, width: int) -> int:
    """Returns how many lines the record at `at` takes; 0 if its quote does not close."""
    for end in range(at + 1, min(at + _REACH, len(lines))):
        if lines[end].count(quote) % 2:
            text = b"\n".join(lines[at : end + 1]).decode("utf-8", errors="replace")
            fields = _fields(text, options)
            return end + 1 - at if fields is not None and len(fields) == width else 0
    return 0


def _record(
    line: int, offset: int, raw: bytes, quote: bytes, options: ReadOptions, *, closes: bool
) -> Record:
    if not closes:
        return Record(line, offset, raw, None, "a quote opens and never closes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return Record(line, offset, raw, None, "the line is not UTF-8")
    if b"\0" in raw:
        return Record(line, offset, raw, None, "the line has a NUL byte")
    if quote not in raw:
        return Record(line, offset, raw, None, "")
    fields = _fields(text, options)
    problem = "" if fields is not None else "text before or after a quoted field"
    return Record(line, offset, raw, fields, problem)


def _fields(text: str, options: ReadOptions) -> list[str] | None:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=options.delimiter,
        quotechar=options.quote,
        strict=True,
    )
    try:
        rows = list(reader)
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
