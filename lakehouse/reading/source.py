"""A delivered file as bytes that DuckDB can open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lakehouse.contract import Contract
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
    """Returns the file at `url`, ready to be parsed.

    Args:
        storage: Opens it.
        contract: Says how it is written.
        url: The object in bronze.
        source_key: Its name at the source.
        scratch: Folder for what has to be written anew before it can be parsed; the caller
            removes it when the source is no longer used.
    """
    return Source(url, source_key, storage)
