"""Files of the lake on a local disk or any S3 endpoint, through fsspec."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from lakehouse import s3
from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings

_BLOCK = 4 * 1024 * 1024
_PART, _PARTS = 16 * 1024 * 1024, 4
"""Bytes of a part of a large upload, and how many of them are under way at a time."""


@dataclass(frozen=True)
class StoredFile:
    """A file as its store lists it.

    Attributes:
        url: Full URL.
        size: Bytes.
        etag: The store's version mark; on disk, modification time, size, and since when it is just
            so, by which a file that is put back with its old time is told from one that stayed.
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
            etag=f"{stat.st_mtime_ns:x}-{stat.st_size:x}-{stat.st_ctime_ns:x}",
            modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        )


class Storage:
    """Reads and writes whole files by URL; a write is complete or absent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def filesystem(self, url: str) -> Any:
        """Returns the fsspec filesystem that serves `url`."""
        if _remote(url):
            return fsspec.filesystem("s3", **s3.options(self._settings))
        return fsspec.filesystem("file", auto_mkdir=True)

    def list(self, url: str, *, hidden: bool = False) -> list[StoredFile]:
        """Returns all files below `url`, sorted by URL.

        On disk, what is linked from elsewhere does not lie below it: whoever may drop files into a
        folder could else have any file of the machine read. Below the landing folder that goes for
        folders, too; where the landing folder itself leads is the operator's word.

        Args:
            url: A folder.
            hidden: Whether hidden and temporary names are among them.
        """
        fs = self.filesystem(url)
        try:
            # a slash, for on S3 the files of landing/a would else be those of landing/ab, too
            found = fs.find(f"{url}/", detail=True).values()
        except FileNotFoundError:
            return []
        if not _remote(url):
            real = self._real(url)
            found = [info for info in found if _lies_in(real, info["name"])]
        files = [self._stored(url, info) for info in found]
        return sorted((f for f in files if hidden or not _hidden(f.url)), key=lambda f: f.url)

    def stat(self, url: str) -> StoredFile:
        """Returns a file as its store knows it now."""
        return self._stored(url, self.filesystem(url).info(url))

    def open(self, url: str) -> BinaryIO:
        """Returns a readable binary stream of the file at `url`."""
        opened = self.filesystem(url).open(url, "rb")
        # a file on S3 reads no line up to a limit
        return io.BufferedReader(opened, _BLOCK) if _remote(url) else cast(BinaryIO, opened)

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
        """Copies a file's bytes; on disk they are flushed before this returns.

        What breaks off leaves nothing at a target on S3. A `with` block around a stream would
        finish the upload with what came so far, hence whole files only.
        """
        if _remote(source) and _remote(target):
            self.filesystem(target).cp_file(source, target)
        elif _remote(target):
            self.filesystem(target).put_file(
                local_path(source), target, chunksize=_PART, max_concurrency=_PARTS
            )
        else:
            with _whole(Path(local_path(target))) as part:
                if _remote(source):
                    self.filesystem(source).get_file(source, str(part))
                else:
                    shutil.copyfile(local_path(source), part)
                _flush(part)

    def fetch(self, source: str, target: str, sha256: str) -> None:
        """Copies a file whose content is known.

        Raises:
            ServiceFailed: Other bytes came, each time.
        """
        for _ in range(self._settings.retries + 1):
            self.copy(source, target)
            if self.digest(target)[0] == sha256:
                return
        why = "its bytes are not those that were stored (their sha256 differs)"
        raise ServiceFailed("Storage", f"reading {source}", why)

    def rename(self, source: str, target: str) -> None:
        """Gives a file its final name: in one step, on S3 by a copy that is there whole or not."""
        if _remote(target):
            self.copy(source, target)
            self.remove(source)
        else:
            Path(local_path(source)).replace(local_path(target))

    def remove(self, url: str) -> None:
        """Removes one file."""
        self.filesystem(url).rm_file(url)

    def _real(self, url: str) -> Path:
        """Returns where a folder on disk must lie; no link on the way there leads elsewhere."""
        root = self._settings.landing
        if f"{url}/".startswith(f"{root}/"):
            return Path(local_path(root)).resolve() / url.removeprefix(root).lstrip("/")
        return Path(local_path(url)).resolve()

    def _stored(self, root: str, info: dict[str, Any]) -> StoredFile:
        if _remote(root):
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


def _remote(url: str) -> bool:
    return url.startswith("s3://")


def _lies_in(folder: Path, file: str) -> bool:
    """Whether a file is there, and in a folder itself rather than behind a link out of it."""
    real = Path(file).resolve()
    return real.is_file() and real.is_relative_to(folder)


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Lends a passing name for a file, which has its own once it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name[:100]}.{uuid.uuid4().hex}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _hidden(url: str) -> bool:
    name = url.rsplit("/", 1)[-1]
    return name.startswith((".", "_")) or name.endswith(
        (".part", ".tmp", ".crdownload", ".partial")
    )
