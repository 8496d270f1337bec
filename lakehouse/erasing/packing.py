"""Puts the plain bytes of a file back into the form in which it was delivered."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from contextlib import suppress
from typing import Any, cast

import pyarrow as pa

from lakehouse.contract import Contract
from lakehouse.reading.unpacking import compression

_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError)


def packed(contract: Contract, source_key: str, plain: bytes, before: bytes) -> bytes:
    """Returns a file of new content, encoded and packed as it was.

    Args:
        contract: Says how files are written.
        source_key: The file's name at the source.
        plain: The new content in UTF-8.
        before: The file as it was delivered.
    """
    kind = compression(contract, source_key)
    encoding = contract.read.encoding
    text = plain if encoding == "utf-8" else _encoded(plain, encoding, unpacked(kind, before))
    if kind == "gzip":
        return gzip.compress(text, mtime=0)
    if kind == "zstd":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(text)
        return sink.getvalue().to_pybytes()
    return _zipped(text, before) if kind == "zip" else text


def unpacked(kind: str, content: bytes) -> bytes:
    """Returns the plain bytes of a file, of a damaged one those before the damage."""
    found = io.BytesIO()
    with suppress(*_DAMAGED):
        if kind == "zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for member in archive.infolist():
                    found.write(archive.read(member))
        elif kind == "none":
            found.write(content)
        else:
            found.write(_inflated(kind, content))
    return found.getvalue()


def _inflated(kind: str, content: bytes) -> bytes:
    """Returns what a stream unpacks to, of a damaged one what stands before the damage."""
    found = io.BytesIO()
    for step in (1 << 20, 1):  # a large read of a damaged stream gives nothing at all
        found = io.BytesIO()
        with suppress(*_DAMAGED):
            reader = pa.CompressedInputStream(pa.BufferReader(content), cast(Any, kind))
            while block := reader.read(step):
                found.write(block)
            break
    return found.getvalue()


def _encoded(plain: bytes, encoding: str, before: bytes) -> bytes:
    """Returns UTF-8 in another encoding; the byte-order mark is what it was."""
    text = plain.decode()
    if encoding != "utf-16":
        return text.encode(encoding)
    mark = before[:2] if before[:2] in _BOMS else b""
    return mark + text.encode(_BOMS.get(mark, "utf-16-le"))


def _zipped(text: bytes, before: bytes) -> bytes:
    """Returns an archive with a member of the same name and time."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(before)) as old, zipfile.ZipFile(sink, "w") as archive:
        first = old.infolist()[0]
        member = zipfile.ZipInfo(first.filename, first.date_time)
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, text)
    return sink.getvalue()
