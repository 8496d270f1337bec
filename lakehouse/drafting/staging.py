"""The sample as UTF-8 text files of bounded size, whatever it was written and packed in."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lakehouse.drafting.files import SampleFile
from lakehouse.errors import DraftRefused

_LINE = 16 * 1024 * 1024
_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD = 64 * 1024


@dataclass(frozen=True)
class Staged:
    """One file of the sample, ready for DuckDB.

    Attributes:
        file: Where it comes from.
        path: The text, or the file itself where it is read as it is.
        whole: Whether all of it is there.
    """

    file: SampleFile
    path: Path
    whole: bool


def stage_text(
    files: Sequence[SampleFile], folder: Path, rows: int, quote: bytes = b'"'
) -> tuple[tuple[Staged, ...], str]:
    """Writes each file as UTF-8 without byte-order mark; returns the files and their encoding.

    Args:
        files: Delimited files or lines of JSON.
        folder: Where to write.
        rows: About how many lines of each file are wanted.
        quote: A line end between two of these does not end a row.

    Raises:
        DraftRefused: A file cannot be read, or two are encoded differently.
    """
    encodings = {file.key: _encoding(file, rows) for file in files}
    encoding = _common(encodings)
    staged = []
    for place, file in enumerate(files):
        target = folder / f"{place}.txt"
        with _unpacked(file) as stream, target.open("wb") as out:
            whole = _copy(stream, out, encoding, rows, quote)
        staged.append(Staged(file, target, whole))
    return tuple(staged), encoding


def stage_whole(files: Sequence[SampleFile], folder: Path) -> tuple[Staged, ...]:
    """Unpacks files that can only be read whole."""
    staged = []
    for place, file in enumerate(files):
        path = file.path
        if file.compression != "none":
            path = folder / f"{place}.{file.format}"
            with _unpacked(file) as stream, path.open("wb") as out:
                for block in _blocks(file, stream):
                    out.write(block)
        staged.append(Staged(file, path, whole=True))
    return tuple(staged)


def count_lines(file: SampleFile, most: int) -> int:
    """Returns how many lines a file has, counted no further than about `most`."""
    lines = 0
    with _unpacked(file) as stream:
        for block in _blocks(file, stream):
            lines += block.count(b"\n")
            if lines >= most:
                break
    return max(lines, 1)


def _unpacked(file: SampleFile) -> BinaryIO:
    try:
        return file.open()
    except OSError as error:
        raise DraftRefused(file.key, f"it cannot be read ({error})") from error


def _blocks(file: SampleFile, stream: BinaryIO) -> Iterator[bytes]:
    try:
        while block := stream.read(1 << 20):
            yield block
    except (OSError, EOFError) as error:
        raise DraftRefused(file.key, f"it cannot be unpacked ({error})") from error


def _encoding(file: SampleFile, rows: int) -> str:
    """Returns `ascii`, `utf-8`, `utf-16`, `latin-1` or `windows-1252`."""
    with _unpacked(file) as stream:
        head = stream.read(_HEAD)
    for mark, name in _BOMS.items():
        if head.startswith(mark):
            return name
    if head.count(b"\0") > len(head) // 4:
        raise DraftRefused(
            file.key, "it looks like UTF-16 without a byte-order mark, or is no text at all"
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    plain, high, seen = True, False, 0
    utf8 = True
    with _unpacked(file) as stream:
        for block in _blocks(file, stream):
            plain = plain and block.isascii()
            high = high or any(byte in block for byte in range(0x80, 0xA0))
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
            seen += block.count(b"\n")
            if seen > rows:
                break
    if plain:
        return "ascii"
    if utf8:
        return "utf-8"
    return "windows-1252" if high else "latin-1"


def _common(encodings: dict[str, str]) -> str:
    """Returns the one encoding in which all files can be read."""
    found = {encoding: key for key, encoding in reversed(encodings.items()) if encoding != "ascii"}
    if found.keys() == {"latin-1", "windows-1252"}:
        return "windows-1252"
    if len(found) > 1:
        told = ", ".join(f"{key} in {encoding}" for encoding, key in sorted(found.items()))
        raise DraftRefused(next(iter(found.values())), f"the files are encoded differently: {told}")
    return next(iter(found), "utf-8")


def _copy(stream: BinaryIO, out: BinaryIO, encoding: str, rows: int, quote: bytes) -> bool:
    """Copies lines as UTF-8; returns whether that was all. Stops only where no quote is open."""
    known = "utf-8-sig" if encoding == "utf-8" else encoding
    written, quotes = 0, 0
    with io.TextIOWrapper(stream, known, errors="replace", newline="\n") as text:
        while line := text.readline(_LINE):
            data = line.encode()
            out.write(data)
            quotes += data.count(quote)
            written += 1
            if written > rows and quotes % 2 == 0:
                return not text.read(1)
    return True
