"""Two ways of reading, one outcome: what the fast way takes, the explaining way takes alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.connection import connect
from lakehouse.contract import Contract
from lakehouse.reading import Source, csv, values
from lakehouse.settings import Settings
from lakehouse.storage import Storage

COLUMNS: list[dict[str, Any]] = [
    {"name": "word", "logicalType": "string"},
    {"name": "whole", "logicalType": "integer"},
    {"name": "real", "logicalType": "number"},
    {"name": "day", "logicalType": "date"},
    {"name": "moment", "logicalType": "timestamp"},
]
HEADER = b"word,whole,real,day,moment\n"


class Ways:
    """Reads the same bytes in both ways."""

    def __init__(self, contract: Contract, settings: Settings, folder: Path) -> None:
        self.contract, self.folder = contract, folder
        self.connection = connect(settings, tables=False)
        self.source = Source(f"file://{folder / 'a.csv'}", "a.csv", Storage(settings))

    def fast(self, content: bytes) -> list[Any] | None:
        """Rows, null where a cell has no value, and whether all have one; None if not trusted."""
        Path(self.source.path).write_bytes(content)
        structure = csv.examine(self.source, self.contract)
        if not structure.plain:
            return None
        names = values.names(self.contract.columns)
        query = csv.typed(self.contract, [self.source.path], "rejects")
        try:
            rows = self.connection.execute(f"SELECT {names}, __parsed FROM ({query})").fetchall()
        finally:
            rejected = csv.rejected(self.connection, "rejects")
        return None if rejected or len(rows) != structure.records else rows

    def explained(self, content: bytes) -> list[Any]:
        """The same in the other way."""
        Path(self.source.path).write_bytes(content)
        query = csv.explained(self.connection, self.contract, self.source)
        names = values.names(self.contract.columns)
        return self.connection.execute(
            f"SELECT {names}, len(__reasons) = 0 FROM ({query}) ORDER BY __line"
        ).fetchall()


@pytest.fixture
def ways(data_lake: Any, tmp_path: Path) -> Iterator[Ways]:
    data_lake.declare("cells", delivery="full", columns=COLUMNS)
    made = Ways(data_lake.lake.contract("cells"), data_lake.lake.settings, tmp_path)
    yield made
    made.connection.close()


pieces = st.sampled_from(
    [
        *('"', '""', " ", "\t", ",", ".", "-", "+", "e", "x", "'", "\\", "#", "é", "\u00a0", "_"),
        *("0", "7", "3.7", "0x10", "1_000", "NaN", "inf", "true", "1e400", "99999999999"),
        *("2013-02-28", "2013-02-29", "2013-02-28T10:00:00Z", "10:00:60", "infinity", "epoch"),
        *("2013-02-28 10:00:00+02", "0013-01-01", "2013-2-8", "Z", "(BC)"),
    ]
)
cells = st.lists(pieces, max_size=3).map("".join)
lines = st.lists(cells, min_size=4, max_size=6).map(",".join)
contents = st.lists(lines, min_size=1, max_size=3).map(lambda found: "\n".join(found).encode())


@settings(max_examples=300)
@example(b'Bo"nn,1,2,,')
@example(b"a,1,2,,,,")
@example(b' "a",1,2,,')
@example(b'"a" ,1,2,,')
@example(b",1_0,2,,")
@given(contents)
def test_what_the_fast_way_takes_the_explaining_way_takes_alike(ways: Ways, content: bytes) -> None:
    taken = ways.fast(HEADER + content)
    assert taken is None or taken == ways.explained(HEADER + content)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\n ') else text


clean = st.tuples(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0\n_"), min_size=1).map(quoted),
    st.integers(-(2**31), 2**31 - 1).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
).map(",".join)


@settings(max_examples=100)
@given(st.lists(clean, min_size=1, max_size=3))
def test_a_clean_file_gives_the_same_rows_in_both_ways(ways: Ways, rows: list[str]) -> None:
    content = HEADER + "\n".join(rows).encode()
    explained = ways.explained(content)
    assert all(row[-1] for row in explained)
    assert ways.fast(content) in (None, explained)


def test_a_clean_file_is_read_the_fast_way(ways: Ways) -> None:
    line = b'"a, b",-7,1e-3,2013-02-28,2013-02-28T10:00:00Z\n'
    assert ways.fast(HEADER + line * 3) is not None
