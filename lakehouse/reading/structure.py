"""What a delimited file is made of, found from its bytes before any of it is parsed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject, did_you_mean

_BLOCK = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_HEADER_LIMIT = 1024 * 1024
_TOLD = 8
"""Problems of a header that are told one by one."""
_SHOWN = 60
"""Characters of an unknown column's name that are shown."""


@dataclass(frozen=True)
class Structure:
    """The shape of one file.

    Attributes:
        records: Records that a typed read must account for; of a delimited file all lines after
            the header, blank ones counted.
        plain: True if a typed read can be trusted as far as it also counts `records` rows and
            rejects none: the columns are in the contract's order, and no byte occurs whose
            treatment by the typed read differs from the contract's.
        countable: True if moreover the record of a row can be found by counting: no record of a
            delimited file runs over lines.
    """

    records: int
    plain: bool
    countable: bool


def examine(stream: BinaryIO, contract: Contract, source_key: str) -> Structure:
    """Reads a file once and returns its structure; memory does not grow with the file.

    Raises:
        UnreadableObject: It is empty or its header is not the contract's.
    """
    first = stream.readline(_HEADER_LIMIT)
    header = parse_header(first, contract, source_key)
    in_order = header == tuple(column.name for column in contract.read_columns)
    plain = in_order and not first.startswith(_BOM) and b"\r" not in first
    newlines, last, quoted = 0, b"\n", False
    quote = contract.read.quote.encode()
    while block := stream.read(_BLOCK):
        newlines += block.count(b"\n")
        # a carriage return, a NUL or a digit separator is taken silently by the typed read
        plain = plain and not any(byte in block for byte in (b"\r", b"\0", b"_"))
        if plain and (quote in block or last == quote):
            # and so is a space around a quoted field
            plain = not any(pair in last + block for pair in (b" " + quote, quote + b" "))
            quoted = True
        last = block[-1:]
    return Structure(newlines + (last != b"\n"), plain, plain and not quoted)


def parse_header(line: bytes, contract: Contract, source_key: str) -> tuple[str, ...]:
    """Returns the column names of a header line.

    Raises:
        UnreadableObject: Columns are missing, unknown or named twice.
    """
    if not line.strip():
        raise UnreadableObject(
            contract.dataset, source_key, "line 1 is empty, a header is expected"
        )
    text = line.removeprefix(_BOM).decode("utf-8", errors="replace").rstrip("\r\n")
    options = contract.read
    try:
        found = tuple(
            next(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote))
        )
    except csv.Error as error:
        why = "line 1, the header, has a carriage return in it; lines end with a newline"
        raise UnreadableObject(contract.dataset, source_key, why) from error
    wanted = [column.name for column in contract.read_columns]
    problems = [f"column '{name}' is missing" for name in wanted if name not in found]
    problems += [_unknown(name, wanted) for name in found if name not in wanted]
    twice = sorted(name for name in wanted if found.count(name) > 1)
    problems += [f"column '{name}' occurs twice" for name in twice]
    if problems:
        more = len(problems) - _TOLD
        told = [*problems[:_TOLD], *([f"{more:,} more problems"] if more > 0 else [])]
        why = f"line 1, the header: {'; '.join(told)}"
        raise UnreadableObject(contract.dataset, source_key, why)
    return found


def _unknown(name: str, wanted: Sequence[str]) -> str:
    """What is said of a column that the contract lacks; short, for it may be no text at all."""
    clear = (c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:_SHOWN])
    shown = "".join(clear) + ("…" if len(name) > _SHOWN else "")
    hint = did_you_mean(shown, wanted).strip()
    asked = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
    return f"column '{shown}' is not in the contract{asked}"
