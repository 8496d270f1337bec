"""What a delimited file is made of, found from its bytes before any of it is parsed."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject, did_you_mean
from lakehouse.privacy import has_personal
from lakehouse.reading.records import BOM

_BLOCK = 8 * 1024 * 1024
_HEADER_LIMIT = 1024 * 1024
_SEPARATOR = re.compile(rb"[0-9]_[0-9]")
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
        utf8: False if bytes occur that are no UTF-8. A typed read rejects their records only if it
            reads the columns that they are in.
    """

    records: int
    plain: bool
    countable: bool
    utf8: bool = True


def examine(stream: BinaryIO, contract: Contract, source_key: str) -> Structure:
    """Reads a file once and returns its structure; memory does not grow with the file.

    Raises:
        UnreadableObject: It is empty or its header, if it has one, is not the contract's.
    """
    head = [_line(stream) for _ in range(contract.read.skip)]
    plain = True
    if contract.read.header:
        head.append(stream.readline(_HEADER_LIMIT))
        header = parse_header(head[-1], contract, source_key)
        in_order = header == tuple(column.name for column in contract.read_columns)
        plain = in_order and not head[-1].startswith(BOM)
    found = _body(stream, contract, _Ends().counted(b"".join(head)), plain=plain)
    if not contract.read.header and not found.records:
        raise UnreadableObject(contract.dataset, source_key, "the file has no line")
    return found


def _line(stream: BinaryIO) -> bytes:
    """Returns one line, shortened if it is very long."""
    line = start = stream.readline(_HEADER_LIMIT)
    while len(line) == _HEADER_LIMIT and not line.endswith(b"\n"):
        line = stream.readline(_HEADER_LIMIT)
    return start + line[-2:]


@dataclass
class _Ends:
    """How the lines of a file end, counted block by block.

    Attributes:
        newlines: Newlines so far.
        returns: Carriage returns.
        pairs: Carriage returns with a newline behind them.
        last: The last byte seen.
    """

    newlines: int = 0
    returns: int = 0
    pairs: int = 0
    last: bytes = b"\n"

    def counted(self, block: bytes) -> _Ends:
        """Counts one more block."""
        self.newlines += block.count(b"\n")
        if b"\r" in block:
            self.returns += block.count(b"\r")
            self.pairs += block.count(b"\r\n")
        self.pairs += self.last == b"\r" and block.startswith(b"\n")
        self.last = block[-1:] or self.last
        return self

    @property
    def alike(self) -> bool:
        """Whether all lines end with a newline, or all with a carriage return before it."""
        return not self.returns or self.returns == self.pairs == self.newlines


@dataclass
class _Texts:
    """Whether bytes are UTF-8, checked block by block."""

    valid: bool = True

    def __post_init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def checked(self, block: bytes, *, final: bool = False) -> _Texts:
        """Checks one more block; a character may go on in the next."""
        if self.valid and not (block.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(block, final)
            except UnicodeDecodeError:
                self.valid = False
        return self


def _body(stream: BinaryIO, contract: Contract, ends: _Ends, *, plain: bool) -> Structure:
    """Returns the structure of what is behind the header, whose line ends are counted already."""
    before, quoted, quote = ends.newlines, False, contract.read.quote.encode()
    texts = _Texts()
    while block := stream.read(_BLOCK):
        last = ends.last
        plain = plain and not (block.startswith(BOM) and ends.newlines == before)
        # a NUL or a separator between digits is taken silently by the typed read
        plain = plain and b"\0" not in block and not _separated(block)
        if plain and (quote in block or last == quote):
            # and so is a space around a quoted field
            plain = not any(pair in last + block for pair in (b" " + quote, quote + b" "))
            quoted = True
        ends.counted(block)
        texts.checked(block)
    plain = plain and ends.alike
    records = ends.newlines - before + (ends.last != b"\n")
    return Structure(records, plain, plain and not quoted, texts.checked(b"", final=True).valid)


def _separated(block: bytes) -> bool:
    """Whether an underscore between digits may be in a block, or run over its ends."""
    return b"_" in block and (
        block.startswith(b"_") or block.endswith(b"_") or _SEPARATOR.search(block) is not None
    )


def parse_header(line: bytes, contract: Contract, source_key: str) -> tuple[str, ...]:
    """Returns the column names of a header line, as the table has them.

    Raises:
        UnreadableObject: Columns are missing, unknown or named twice.
    """
    where = f"line {contract.read.skip + 1}"
    if not line.strip():
        why = f"{where} is empty, a header is expected"
        raise UnreadableObject(contract.dataset, source_key, why)
    text = line.removeprefix(BOM).decode("utf-8", errors="replace").rstrip("\r\n")
    options = contract.read
    try:
        found = tuple(
            next(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote))
        )
    except csv.Error as error:
        why = f"{where}, the header, has a carriage return in it; lines end with a newline"
        raise UnreadableObject(contract.dataset, source_key, why) from error
    found = in_table(contract, found)
    if problems := column_problems(contract, found):
        why = f"{where}, the header: {'; '.join(problems)}"
        raise UnreadableObject(contract.dataset, source_key, why)
    return found


def in_table(contract: Contract, found: Sequence[str]) -> tuple[str, ...]:
    """Returns the columns of a file by their names in the table; unknown ones stay."""
    names = {alias: c.name for c in contract.read_columns for alias in c.aliases}
    return tuple(names.get(name, name) for name in found)


def column_problems(contract: Contract, found: Sequence[str]) -> list[str]:
    """Returns what is wrong with a file's columns: missing, unknown or named twice."""
    wanted = [column.name for column in contract.read_columns]
    needed = [column.name for column in contract.read_columns if not column.absent]
    problems = [f"column '{name}' is missing" for name in needed if name not in found]
    # where the header is missing, its place is taken by the first row's values
    secret = has_personal(contract)
    problems += [
        _unknown(str(place) if secret else _shown(name), name, wanted)
        for place, name in enumerate(found, start=1)
        if name not in wanted
    ]
    twice = sorted(name for name in wanted if found.count(name) > 1)
    problems += [f"column '{name}' occurs twice" for name in twice]
    more = len(problems) - _TOLD
    return [*problems[:_TOLD], *([f"{more:,} more problems"] if more > 0 else [])]


def _unknown(shown: str, name: str, wanted: Sequence[str]) -> str:
    """What is said of a column that the contract lacks."""
    hint = did_you_mean(name[:_SHOWN], wanted).strip()
    asked = f" ({hint[0].lower()}{hint[1:]})" if hint else ""
    return f"column {shown} is not in the contract{asked}"


def _shown(name: str) -> str:
    """A column's name as it can be shown; short, for it may be no text at all."""
    clear = (c if c.isprintable() else f"\\x{ord(c):02x}" for c in name[:_SHOWN])
    return f"'{''.join(clear)}{'…' if len(name) > _SHOWN else ''}'"
