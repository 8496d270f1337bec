"""The files of a sample: which, of what format, how they are packed."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from lakehouse.contract.parts import FileFormat
from lakehouse.drafting.yaml import shown
from lakehouse.errors import DraftRefused

_FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".zip": "zip"}
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_MAGIC[b"PK\x05\x06"] = "zip"  # an empty one
_PASSING = (".part", ".tmp", ".crdownload")
"""Suffixes of files that are still being written."""


@dataclass(frozen=True)
class SampleFile:
    """One file of the sample.

    Attributes:
        path: Where it is.
        key: Its name below the sample's folder, as it can be shown.
        compression: `none`, `gzip`, `zstd` or `zip`, by its first bytes.
        named: Whether the suffix of its name says the same.
        format: By the suffix, else by its first bytes.
    """

    path: Path
    key: str
    compression: str
    named: bool
    format: FileFormat

    def open(self) -> BinaryIO:
        """Returns the unpacked bytes as a stream."""
        return _open(self.path, self.compression)


def find(source: Path) -> tuple[SampleFile, ...]:
    """Returns the files of the sample by name; hidden, empty and unfinished ones left out.

    Raises:
        DraftRefused: There are none, one cannot be read, or they are of several formats.
    """
    if source.is_file():
        paths = [source]
    elif source.is_dir():
        paths = sorted(path for path in source.rglob("*") if _counts(path, source))
    else:
        raise DraftRefused(str(source), "there is no such file or folder")
    files = tuple(_look(path, source) for path in paths if path.stat().st_size)
    if not files:
        why = "it is empty" if source.is_file() else "it has no file with content"
        raise DraftRefused(str(source), why)
    by_format = {file.format: file.key for file in reversed(files)}
    if len(by_format) > 1:
        told = " and ".join(f"{format} ({key})" for format, key in sorted(by_format.items()))
        raise DraftRefused(str(source), f"its files are of several formats: {told}")
    return files


def _counts(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.is_file() and not hidden and path.suffix not in _PASSING


def _look(path: Path, source: Path) -> SampleFile:
    key = shown(path.name if path == source else path.relative_to(source).as_posix())
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
        compression = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
        named = _PACKED.get(path.suffix.lower(), "none")
        inner = Path(path.stem if named != "none" else path.name)
        if compression == "zip":
            inner = Path(_member(path).filename)
        with _open(path, compression) as stream:
            start = stream.read(4096)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise DraftRefused(key, f"it cannot be read ({error})") from error
    if not start.strip():
        raise DraftRefused(key, "it is empty")
    format = _FORMATS.get(inner.suffix.lower()) or _guess(start)
    return SampleFile(path, key, compression or "none", named == (compression or "none"), format)


def _open(path: Path, compression: str) -> BinaryIO:
    if compression == "gzip":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if compression == "zstd":
        return cast(BinaryIO, pa.input_stream(str(path), compression="zstd"))
    if compression == "zip":
        return cast(BinaryIO, zipfile.ZipFile(path).open(_member(path)))
    return path.open("rb")


def _member(path: Path) -> zipfile.ZipInfo:
    """Returns the one file of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        why = f"the archive holds {len(members)} files; one is expected"
        raise DraftRefused(path.name, why)
    return members[0]


def _guess(start: bytes) -> FileFormat:
    """Returns the format that the first bytes speak for, where the name says nothing."""
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:4]
    if first.startswith(b"PAR1"):
        return "parquet"
    if first.startswith(b"["):
        return "json"
    return "ndjson" if first.startswith(b"{") else "csv"
