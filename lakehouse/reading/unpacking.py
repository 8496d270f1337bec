"""Packed and otherwise encoded files, written anew as plain UTF-8 in a scratch folder.

All that a packed file says of itself is verified on the way: DuckDB reads a truncated gzip file
silently to where it ends.
"""

from __future__ import annotations

import codecs
import zipfile
import zlib
from collections.abc import Iterator
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from lakehouse.contract import Contract
from lakehouse.errors import ServiceFailed, UnreadableObject

BLOCK = 1024 * 1024
_LARGEST = 64 * 1024**3
"""Bytes; more is not one delivery, and unpacked it would fill the disk of a small machine."""
_RATIO, _SMALL = 200, 64 * 1024**2
"""Text packs 5 to 50 times smaller; what unpacks to more than 200 times its size, and to more than
64 MiB, was made to fill disks."""
_MAGIC = {
    "gzip": (b"\x1f\x8b",),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
}
_SUFFIXES = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".zip": "zip"}
LEAST = 4
"""Bytes that tell the kind of a packed file."""
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


def compression(contract: Contract, source_key: str) -> str:
    """Returns how a file is packed: as the contract says, else as its name does."""
    named = _SUFFIXES.get(Path(source_key).suffix.lower(), "none")
    return contract.read.compression or named


class Unpacking:
    """One packed or encoded file."""

    def __init__(self, contract: Contract, source_key: str, size: int) -> None:
        """Keeps what is needed to judge the file.

        Args:
            contract: Says how it is written.
            source_key: Its name at the source, for messages.
            size: Its packed size in bytes.
        """
        self._contract, self._source_key, self._size = contract, source_key, size
        self._packing = compression(contract, source_key)

    @property
    def needed(self) -> bool:
        """Whether the file has to be written anew before it can be parsed."""
        read = self._contract.read
        return self._packing != "none" or read.encoding != "utf-8" or read.format == "json"

    def check(self, head: bytes) -> None:
        """Refuses a file that is packed otherwise than is said, from its first bytes.

        Raises:
            UnreadableObject: It is.
        """
        found = next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "none")
        if found == self._packing:
            return
        if not self._size:
            raise self._refuse("the file is empty")
        if self._packing == "none":
            hint = f"name it so, or give the contract's `read` the option `compression: {found}`"
            raise self._refuse(f"the file is packed with {found}; {hint}")
        raise self._refuse(f"the file is not packed with {self._packing}")

    def write(self, stream: BinaryIO, target: Path) -> None:
        """Writes the plain UTF-8 content of `stream` to `target`.

        Raises:
            UnreadableObject: The content is damaged, cut short, too large or wrongly encoded.
            ServiceFailed: The disk is full.
        """
        blocks = self._limited(self._blocks(stream))
        if self._contract.read.encoding != "utf-8":
            blocks = self._transcoded(blocks)
        with target.open("wb") as writer:
            for block in blocks:
                try:
                    writer.write(block)
                except OSError as error:
                    raise ServiceFailed("The disk", f"unpacking to {target}", str(error)) from error

    def _blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        if self._packing == "zip":
            yield from self._member(stream)
        elif self._packing == "none":
            yield from iter(lambda: stream.read(BLOCK), b"")
        else:
            yield from self._inflated(stream)

    def _inflated(self, stream: BinaryIO) -> Iterator[bytes]:
        packed = pa.PythonFile(cast(IOBase, stream), mode="r")
        try:
            with pa.CompressedInputStream(packed, cast(Any, self._packing)) as unpacked:
                yield from iter(lambda: unpacked.read(BLOCK), b"")
        except OSError as error:
            cut = "Truncated" in str(error)
            why = "it is cut short" if cut else f"it is damaged ({error})"
            raise self._refuse(f"the file is packed with {self._packing} and {why}") from error

    def _member(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(stream) as archive:
                member = self._only(archive)
                with archive.open(member) as unpacked:
                    yield from iter(lambda: unpacked.read(BLOCK), b"")
        except _ZIP_ERRORS as error:
            raise self._refuse(f"the zip archive is damaged or cut short ({error})") from error

    def _only(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        members = archive.infolist()
        if len(members) != 1:
            why = f"the zip archive holds {len(members)} files; exactly one is expected"
            raise self._refuse(why)
        member = members[0]
        if "/" in member.filename or "\\" in member.filename:
            why = f"the zip archive holds {member.filename!r}; one file without a path is expected"
            raise self._refuse(why)
        if member.flag_bits & 1:
            raise self._refuse("the zip archive is encrypted")
        return member

    def _limited(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Stops what would fill the disk, before it does."""
        allowed = min(_LARGEST, max(_SMALL, _RATIO * self._size))
        written = 0
        for block in blocks:
            written += len(block)
            if self._packing != "none" and written > allowed:
                why = (
                    f"{self._size:,} bytes unpack to more than {allowed:,}; a file may unpack to "
                    f"{_RATIO} times its size or {_SMALL:,} bytes, and to {_LARGEST:,} at most"
                )
                raise self._refuse(why)
            yield block

    def _transcoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        encoding = self._contract.read.encoding
        decoder = codecs.getincrementaldecoder(encoding)()
        done = 0
        try:
            for block in blocks:
                yield decoder.decode(block).encode()
                done += len(block)
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            raise self._refuse(f"the file is not {encoding} ({error})") from error

    def _refuse(self, why: str) -> UnreadableObject:
        return UnreadableObject(self._contract.dataset, self._source_key, why)
