"""Files of tables on S3 as PyIceberg reads them: what came over the network is what was stored.

An unencrypted connection delivers changed bytes as readily as right ones, and metadata that is
changed may still make sense. So a file is read whole, and taken if its MD5 is the one that the
store calls it by (its ETag, unless it was uploaded in parts or encrypted with somebody's key) or
if two reads gave the same.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any, BinaryIO

from pyiceberg.io.fsspec import FsspecFileIO, FsspecInputFile

from lakehouse.catalog.retrying import attempts
from lakehouse.errors import ServiceFailed
from lakehouse.s3 import RETRIES

_LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is still read whole; only data files are larger."""


class VerifiedFileIO(FsspecFileIO):
    """PyIceberg's own, but for files on S3 that are read."""

    def new_input(self, location: str) -> FsspecInputFile:
        """Returns a file that reads what was stored, or fails."""
        found = super().new_input(location)
        if not location.startswith("s3://"):
            return found
        return _Verified(found, int(self.properties.get(RETRIES, "4")))


class _Verified(FsspecInputFile):
    """A file on S3."""

    def __init__(self, file: FsspecInputFile, retries: int) -> None:
        super().__init__(file.location, file._fs)
        self._retries = retries

    def open(self, seekable: bool = True) -> Any:
        """Returns a stream of the file's bytes.

        Raises:
            FileNotFoundError: There is no such file.
            ServiceFailed: Other bytes came each time.
        """
        info = self._fs.info(self.location)
        if int(info["size"]) > _LARGEST:
            return super().open(seekable)
        return self._read(str(info.get("ETag", "")).strip('"'))

    def _read(self, etag: str) -> BinaryIO:
        seen: set[str] = set()
        for _ in attempts(max(2, self._retries + 1)):  # without an MD5 it takes two that agree
            content = self._fs.cat_file(self.location)
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if digest == etag or digest in seen:
                return io.BytesIO(content)
            seen.add(digest)
        why = "each time other bytes came, and none that the store's own MD5 is of"
        raise ServiceFailed("S3", f"reading {self.location}", why)
