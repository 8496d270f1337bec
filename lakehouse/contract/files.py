"""How a dataset's files are written: the custom property `read`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from lakehouse.contract.custom import Custom
from lakehouse.contract.parts import FileFormat

Compression = Literal["none", "gzip", "zstd", "zip"]
Encoding = Literal["utf-8", "utf-16", "latin-1", "windows-1252"]

_TEXT = ("format", "compression", "encoding", "nulls")
_OPTIONS: Mapping[FileFormat, tuple[str, ...]] = {
    "csv": (*_TEXT, "delimiter", "quote", "header", "skip", "decimal"),
    "tsv": (*_TEXT, "quote", "header", "skip", "decimal"),
    "json": _TEXT,
    "ndjson": _TEXT,
    "parquet": ("format", "compression"),
}
"""What can be said of the files of each format."""

_COMPRESSIONS = ("none", "gzip", "zstd", "zip")
_ENCODINGS = ("utf-8", "utf-16", "latin-1", "windows-1252")
_LONGEST_PREAMBLE = 1_000_000
"""Lines before a header; more of them are no preamble but a mistake."""


@dataclass(frozen=True)
class ReadOptions:
    """How the dataset's files are written.

    Attributes:
        format: File format; the reader of that name reads it.
        delimiter: Field separator.
        quote: Quote character.
        nulls: Tokens that mean null, beside the empty unquoted field.
        header: Whether the first line behind those skipped names the columns; without it they
            stand in the contract's order.
        skip: Lines before the header.
        decimal: Decimal separator of numbers.
        encoding: How characters are written.
        compression: How files are packed; None means as the suffix of each file's name says.
    """

    format: FileFormat = "csv"
    delimiter: str = ","
    quote: str = '"'
    nulls: tuple[str, ...] = ("",)
    header: bool = True
    skip: int = 0
    decimal: Literal[".", ","] = "."
    encoding: Encoding = "utf-8"
    compression: Compression | None = None

    @property
    def preamble(self) -> int:
        """Lines of a delimited file before its first record."""
        return self.skip + self.header


def read_options(custom: Custom) -> ReadOptions:
    """Returns how the files are written.

    Raises:
        ContractError: An option that is not known, makes no sense for the format, or has a value
            that cannot be honoured.
    """
    known = tuple(dict.fromkeys(name for names in _OPTIONS.values() for name in names))
    given = custom.mapping("read", known)
    format = cast(FileFormat, given.choice("format", "csv", tuple(_OPTIONS)))
    for name in given.values:
        if name not in _OPTIONS[format]:
            why = f"makes no sense for {format} files; known there: {', '.join(_OPTIONS[format])}"
            raise given.refuse(name, why)
    made = ReadOptions(
        format=format,
        delimiter="\t" if format == "tsv" else str(given.text("delimiter", ",")),
        quote=str(given.text("quote", '"')),
        nulls=given.texts("nulls", ("",) if format in ("csv", "tsv") else ()),
        header=_flag(given, "header"),
        skip=_lines(given, "skip"),
        decimal=cast(Any, given.choice("decimal", ".", (".", ","))),
        encoding=cast(Encoding, given.choice("encoding", "utf-8", _ENCODINGS)),
        compression=_compression(given),
    )
    _check_characters(given, made)
    return made


def _flag(given: Custom, name: str) -> bool:
    value = given.values.get(name, True)
    if not isinstance(value, bool):
        raise given.refuse(name, f"{value!r} is not true or false")
    return value


def _lines(given: Custom, name: str) -> int:
    lines = given.number(name, 0, 0, _LONGEST_PREAMBLE)
    if not lines.is_integer():
        raise given.refuse(name, f"{lines} is not a number of lines")
    return int(lines)


def _compression(given: Custom) -> Compression | None:
    if "compression" not in given.values:
        return None
    return cast(Compression, given.choice("compression", "none", _COMPRESSIONS))


def _check_characters(given: Custom, made: ReadOptions) -> None:
    """Refuses delimiters and quotes that no parser could tell from the rest of a line."""
    for name, value in (("delimiter", made.delimiter), ("quote", made.quote)):
        if len(value) != 1 or value in "\r\n\0" or not value.isascii():
            raise given.refuse(name, f"{value!r} is not one ASCII character of a line")
    if made.quote == made.delimiter:
        raise given.refuse("quote", f"{made.quote!r} is the delimiter, too")
