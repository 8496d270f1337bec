"""A delivered file as bytes that DuckDB can open."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from lakehouse.contract import Contract
from lakehouse.reading.arrays import flatten
from lakehouse.reading.unpacking import LEAST, Unpacking
from lakehouse.storage import Storage, local_path


@dataclass(frozen=True)
class Source:
    """One delivered file.

    Attributes:
        url: Where its bytes are, ready to be parsed.
        source_key: Its name at the source, for messages.
        storage: Opens it.
    """

    url: str
    source_key: str
    storage: Storage

    @property
    def path(self) -> str:
        """What DuckDB opens, and tells as the file's name."""
        return local_path(self.url)

    def open(self) -> BinaryIO:
        """Returns a readable stream of the bytes."""
        return self.storage.open(self.url)


def unpack(
    storage: Storage, contract: Contract, url: str, source_key: str, scratch: Path
) -> Source:
    """Returns the file at `url`, ready to be parsed: unpacked, in UTF-8, an object on each line.

    Args:
        storage: Opens it.
        contract: Says how it is written.
        url: The object in bronze.
        source_key: Its name at the source.
        scratch: Folder for what has to be written anew before it can be parsed; the caller
            removes it when the source is no longer used.

    Raises:
        UnreadableObject: It is not what the contract or its name says, or it is damaged.
        ServiceFailed: The disk is full, or the store does not give the bytes that landed.
    """
    if not url.startswith("file://"):
        # whole and verified: what breaks off on the way must not pass for a damaged file, and wrong
        # bytes not for right ones
        near = f"file://{scratch / uuid.uuid4().hex}"
        if address := _address(url):
            storage.fetch(url, near, address)
        else:
            storage.copy(url, near)
        url = near
    with storage.open(url) as stream:
        work = Unpacking(contract, source_key, stream.seek(0, os.SEEK_END))
        stream.seek(0)
        work.check(stream.read(LEAST))
        if not work.needed:
            return Source(url, source_key, storage)
        stream.seek(0)
        plain = scratch / uuid.uuid4().hex
        work.write(stream, plain)
    if contract.read.format == "json":
        lines = plain.with_suffix(".ndjson")
        flatten(contract, source_key, plain, lines)
        plain.unlink()
        plain = lines
    return Source(f"file://{plain}", source_key, storage)


def _address(url: str) -> str:
    """Returns the sha256 that a file is named by, as all in bronze are; empty for others."""
    named = re.fullmatch(r"([0-9a-f]{64})(\..*)?", PurePosixPath(url).name)
    return named[1] if named else ""
