"""Takes records out of the plain bytes of a file; the others stay byte for byte as they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from lakehouse.contract import Contract
from lakehouse.reading import records
from lakehouse.reading.structure import parse_header

Span = tuple[int, int]
"""First byte of a record and the byte behind its line end."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def cut(contract: Contract, plain: bytes, source_key: str, lines: Collection[int]) -> bytes:
    """Returns a text file in UTF-8 without some of its records.

    Args:
        contract: Says how files are written.
        plain: The file.
        source_key: Its name at the source.
        lines: Lines on which the records begin, from 1; of a JSON array places of its elements.
    """
    if contract.read.format == "json":
        return without_elements(plain, lines)
    if contract.read.format == "ndjson":
        spans = without_lines(plain, lines)
    else:
        spans = _records(contract, plain, source_key, lines)
    # a file of nothing would be taken for one that was cut short
    return joined(plain, spans) or b"\n"


def joined(plain: bytes, spans: Iterable[Span]) -> bytes:
    """Returns bytes without some spans, which are given in their order."""
    kept, at = [], 0
    for first, behind in spans:
        kept.append(plain[at:first])
        at = behind
    return b"".join([*kept, plain[at:]])


def without_lines(plain: bytes, lines: Collection[int]) -> Iterator[Span]:
    """Yields where some lines are."""
    ends = records.line_ends(plain)
    for line in sorted(lines):
        first = int(ends[line - 2]) + 1 if line > 1 else 0
        yield first, int(ends[line - 1]) + 1 if line <= len(ends) else len(plain)


def _records(
    contract: Contract, plain: bytes, source_key: str, lines: Collection[int]
) -> Iterator[Span]:
    """Yields where the records are that begin on some lines of a delimited file."""
    width = len(contract.read_columns)
    if contract.read.header:
        head = plain.split(b"\n", contract.read.preamble)[contract.read.skip]
        width = len(parse_header(head, contract, source_key))
    for record in records.split(plain, contract.read, width):
        if record.line in lines:
            behind = record.offset + len(record.raw)
            for end in (b"\r", b"\n"):
                behind += plain.startswith(end, behind)
            yield record.offset, behind


def without_elements(plain: bytes, places: Collection[int]) -> bytes:
    r"""Returns a JSON array without the elements at some places, from 1.

    >>> without_elements(b'[ {"a": "],"}, {"a": [2, 3]},\n{"a": 4}]', {1, 3})
    b'[ {"a": [2, 3]}]'
    """
    opened, commas, closed = _marks(plain)
    starts = [opened + 1, *(comma + 1 for comma in commas)]
    pieces = [plain[a:b] for a, b in zip(starts, [*commas, closed], strict=True)]
    # behind a last comma there is no element
    kept = [p for place, p in enumerate(pieces, 1) if place not in places and p.strip()]
    return plain[: opened + 1] + b",".join(kept) + plain[closed:]


def _marks(plain: bytes) -> tuple[int, list[int], int]:
    """Returns where an array opens, where the commas between its elements are, where it closes."""
    depth, opened = 0, 0
    commas: list[int] = []
    for token in _TOKEN.finditer(plain):
        kind = token[0]
        if kind in (b"[", b"{"):
            opened = opened if depth else token.start()
            depth += 1
        elif kind in (b"]", b"}"):
            depth -= 1
            if not depth:
                return opened, commas, token.start()
        elif kind == b"," and depth == 1:
            commas.append(token.start())
    raise ValueError("the array does not close")  # it was read as one before
