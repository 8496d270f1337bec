"""Files of the lake on a local disk or any S3 endpoint, through fsspec."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from lakehouse.settings import Settings

_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True)
class StoredFile:
    """A file as its store lists it.

    Attributes:
        url: Full URL.
        size: Bytes.
        etag: The store's version mark; on disk, modification time and size.
        modified: Last modification, UTC.
    """

    url: str
    size: int
    etag: str
    modified: datetime

    @classmethod
    def local(cls, file: Path) -> StoredFile:
        """Returns a file on disk as the store would list it."""
        stat = file.stat()
        return cls(
            url=f"file://{file.resolve()}",
            size=stat.st_size,
            etag=f"{stat.st_mtime_ns:x}-{stat.st_size:x}",
            modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        )


class Storage:
    """Reads and writes whole files by URL; a write is complete or absent."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.s3_endpoint

    def filesystem(self, url: str) -> Any:
        """Returns the fsspec filesystem that serves `url`."""
        if url.startswith("s3://"):
            return fsspec.filesystem("s3", client_kwargs={"endpoint_url": self._endpoint})
        return fsspec.filesystem("file", auto_mkdir=True)

    def list(self, url: str) -> list[StoredFile]:
        """Returns all files below `url`, sorted by URL; hidden and temporary names left out."""
        fs = self.filesystem(url)
        if not fs.exists(url):
            return []
        found = fs.find(url, detail=True).values()
        files = [self._stored(url, info) for info in found]
        return sorted((f for f in files if not _hidden(f.url)), key=lambda f: f.url)

    def open(self, url: str) -> BinaryIO:
        """Returns a readable binary stream of the file at `url`."""
        return cast(BinaryIO, self.filesystem(url).open(url, "rb"))

    def exists(self, url: str) -> bool:
        """Returns whether a file is at `url`."""
        return bool(self.filesystem(url).exists(url))

    def digest(self, url: str) -> tuple[str, int]:
        """Returns the sha256 (hex) and the size in bytes of the file at `url`."""
        sha, size = hashlib.sha256(), 0
        with self.open(url) as stream:
            for block in _blocks(stream):
                sha.update(block)
                size += len(block)
        return sha.hexdigest(), size

    def copy(self, source: str, target: str) -> None:
        """Copies a file's bytes; on disk they are flushed before this returns."""
        with self.open(source) as reader, self.filesystem(target).open(target, "wb") as writer:
            for block in _blocks(reader):
                writer.write(block)
            if target.startswith("file://"):
                writer.flush()
                os.fsync(writer.fileno())

    def rename(self, source: str, target: str) -> None:
        """Gives a file its final name; on disk in one step."""
        if target.startswith("file://"):
            Path(local_path(source)).replace(local_path(target))
        else:
            self.filesystem(target).mv(source, target)

    def remove(self, url: str) -> None:
        """Removes one file."""
        self.filesystem(url).rm_file(url)

    def _stored(self, root: str, info: dict[str, Any]) -> StoredFile:
        if root.startswith("s3://"):
            return StoredFile(
                url="s3://" + info["name"],
                size=int(info["size"]),
                # the same content may come back after another: the time tells the two apart
                etag=f"{str(info.get('ETag', '')).strip(chr(34))}-{info['LastModified']:%s}",
                modified=cast(datetime, info["LastModified"]),
            )
        return StoredFile.local(Path(info["name"]))


def local_path(url: str) -> str:
    """Returns what DuckDB and Arrow open: a plain path for `file://`, the URL itself for S3."""
    return url.removeprefix("file://")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _hidden(url: str) -> bool:
    name = url.rsplit("/", 1)[-1]
    return name.startswith((".", "_")) or name.endswith(
        (".part", ".tmp", ".crdownload", ".partial")
    )
