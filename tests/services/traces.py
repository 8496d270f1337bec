"""What is written anywhere in a lake: the text of every file, whatever its format."""

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Traces = Callable[[Path, Sequence[str]], list[tuple[str, str]]]


def content_text(content: bytes) -> str:
    """All text in a file's bytes: columns, statistics and metadata of packed formats unpacked."""
    if content.startswith(b"PAR1"):
        file = pq.ParquetFile(pa.BufferReader(content))
        return f"{file.read().to_pylist()} {file.metadata.to_dict()} {file.schema_arrow.metadata}"
    if content.startswith(b"Obj\x01"):
        reader = fastavro.reader(io.BytesIO(content))
        return f"{list(reader)} {reader.metadata}"
    if content.startswith(b"\x1f\x8b"):
        return content_text(gzip.decompress(content))
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        return content_text(pa.CompressedInputStream(pa.BufferReader(content), "zstd").read())
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "".join(content_text(archive.read(name)) for name in archive.namelist())
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    return content.decode("latin-1")


@pytest.fixture(scope="session")
def text_of() -> Callable[[Path], str]:
    """All text in a file."""
    return lambda file: content_text(file.read_bytes())


@pytest.fixture(scope="session")
def traces() -> Traces:
    """Where words stand in the files of a folder: (file, word) for each."""

    def found(folder: Path, words: Sequence[str]) -> list[tuple[str, str]]:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        texts = ((str(f.relative_to(folder)), content_text(f.read_bytes())) for f in files)
        return [(name, word) for name, text in texts for word in words if word in text]

    return found
