"""Any bytes at all: a file is refused or each of its records is read or explained; never a crash.

And a mistake in one record never changes what becomes of another.
"""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.connection import connect
from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject
from lakehouse.reading import reader, unpack, values
from lakehouse.settings import Settings
from lakehouse.storage import Storage

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer"},
    {"name": "word", "logicalType": "string"},
    {"name": "real", "logicalType": "number"},
]
ROWS = [(number, f"w{number}", number / 4) for number in range(6)]
CSV = "id,word,real\n"
LINES = {
    "csv": [f"{id},{word},{real}" for id, word, real in ROWS],
    "ndjson": [json.dumps({"id": id, "word": word, "real": real}) for id, word, real in ROWS],
}
Found = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]] | None]


class Files:
    """Reads files of one format as the lake does, both ways."""

    def __init__(self, contract: Contract, settings: Settings, folder: Path) -> None:
        self.contract, self.reader, self.folder = contract, reader(contract), folder
        self.storage, self.connection = Storage(settings), connect(settings, tables=False)
        self.numbers = iter(range(1 << 30))

    def read(self, content: bytes, suffix: str = "") -> Found | None:
        """Explained rows with their reasons, and typed ones if they are trusted; None: refused."""
        path = self.folder / f"{next(self.numbers)}.csv{suffix}"
        path.write_bytes(content)
        try:
            source = unpack(self.storage, self.contract, f"file://{path}", path.name, self.folder)
            structure = self.reader.examine(source, self.contract)
        except UnreadableObject:
            return None
        names = values.names(self.contract.columns)
        query = self.reader.explained(self.connection, self.contract, source)
        explained = self.connection.execute(
            f"SELECT {names}, len(__reasons) = 0 FROM ({query}) ORDER BY __line"
        ).fetchall()
        if not structure.plain:
            return explained, None
        query = self.reader.typed(self.contract, [source.path], "rejects")
        try:
            typed = self.connection.execute(f"SELECT {names}, __parsed FROM ({query})").fetchall()
        finally:
            rejected = self.reader.rejected(self.connection, "rejects")
        return explained, None if rejected or len(typed) != structure.records else typed


@pytest.fixture(params=["csv", "ndjson", "json", "parquet"])
def files(request: Any, data_lake: Any, tmp_path: Path) -> Iterator[Files]:
    data_lake.declare("cells", delivery="full", columns=COLUMNS, read={"format": request.param})
    lake = data_lake.lake
    made = Files(lake.contract("cells"), lake.settings, tmp_path)
    yield made
    made.connection.close()


def good(format: str) -> bytes:
    """A file of all rows."""
    if format == "parquet":
        sink = io.BytesIO()
        columns = dict(zip(("id", "word", "real"), map(list, zip(*ROWS, strict=True)), strict=True))
        pq.write_table(pa.table(columns), sink)
        return sink.getvalue()
    if format == "json":
        return f"[{','.join(LINES['ndjson'])}]".encode()
    return (CSV * (format == "csv") + "\n".join(LINES[format]) + "\n").encode()


MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(found: Found | None) -> None:
    """What both ways of reading found is the same, where the fast one is trusted."""
    if found and found[1] is not None:
        assert found[1] == found[0]


@MANY
@given(st.binary(max_size=200), st.booleans(), st.sampled_from(["", ".gz", ".zst", ".zip"]))
def test_random_bytes_are_refused_or_read(
    files: Files, content: bytes, headed: bool, suffix: str
) -> None:
    check(files.read(CSV.encode() * headed + content, suffix))


@MANY
@given(st.data())
def test_a_damaged_file_is_refused_or_read(files: Files, data: Any) -> None:
    content = bytearray(good(files.contract.read.format))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(files.read(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])))


@MANY
@given(st.data())
def test_a_damaged_packed_file_is_refused_or_whole(files: Files, data: Any) -> None:
    packed = bytearray(gzip.compress(good(files.contract.read.format), mtime=0))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    found = files.read(bytes(packed[: data.draw(st.integers(len(packed) - 3, len(packed)))]), ".gz")
    assert found is None or found[0] == [(*row, True) for row in ROWS]


@pytest.mark.parametrize("files", ["csv", "ndjson"], indirect=True)
@MANY
@given(st.data())
def test_a_mistake_in_a_record_leaves_the_others(files: Files, data: Any) -> None:
    format = files.contract.read.format
    lines = [line.encode() for line in LINES[format]]
    hit = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[hit])
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    lines[hit] = bytes(line)
    found = files.read(CSV.encode() * (format == "csv") + b"\n".join(lines))
    check(found)
    others = [(*row, True) for at, row in enumerate(ROWS) if at != hit]
    assert found is not None
    assert [row for row in found[0] if row in others] == others
