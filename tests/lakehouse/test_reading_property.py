"""Two ways of reading, one outcome: what the fast way takes, the explaining way takes alike."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.connection import connect
from lakehouse.contract import Contract
from lakehouse.reading import Source, reader, values
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
        self.contract, self.reader = contract, reader(contract)
        self.connection = connect(settings, tables=False)
        self.source = Source(f"file://{folder / 'a.csv'}", "a.csv", Storage(settings))

    def fast(self, content: bytes) -> list[Any] | None:
        """Rows, null where a cell has no value, and whether all have one; None if not trusted."""
        Path(self.source.path).write_bytes(content)
        structure = self.reader.examine(self.source, self.contract)
        if not structure.plain:
            return None
        names = values.names(self.contract.columns)
        query = self.reader.typed(self.contract, [self.source.path], "rejects")
        try:
            rows = self.connection.execute(f"SELECT {names}, __parsed FROM ({query})").fetchall()
        finally:
            rejected = self.reader.rejected(self.connection, "rejects")
        return None if rejected or len(rows) != structure.records else rows

    def explained(self, content: bytes) -> list[Any]:
        """The same in the other way."""
        Path(self.source.path).write_bytes(content)
        query = self.reader.explained(self.connection, self.contract, self.source)
        names = values.names(self.contract.columns)
        return self.connection.execute(
            f"SELECT {names}, len(__reasons) = 0 FROM ({query}) ORDER BY __line"
        ).fetchall()


@pytest.fixture
def ways(data_lake: Any, tmp_path: Path) -> Iterator[Ways]:
    yield from opened(data_lake, tmp_path, {})


@pytest.fixture
def object_ways(data_lake: Any, tmp_path: Path) -> Iterator[Ways]:
    yield from opened(data_lake, tmp_path, {"format": "ndjson", "nulls": ["NA"]})


def opened(data_lake: Any, tmp_path: Path, read: dict[str, Any]) -> Iterator[Ways]:
    data_lake.declare("cells", delivery="full", columns=COLUMNS, read=read)
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
@example(b"1,1__0,2,,")
@given(contents)
def test_what_the_fast_way_takes_the_explaining_way_takes_alike(ways: Ways, content: bytes) -> None:
    for whole in (HEADER + content, (HEADER + content).replace(b"\n", b"\r\n")):
        taken = ways.fast(whole)
        assert taken is None or taken == ways.explained(whole)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\n ') else text


clean = st.tuples(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0\n"), min_size=1).map(quoted),
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


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["NA", "12", "3.7", "1_000", "0x10", " 7 ", "\0", "2013-02-28", "10:00:60"]),
)
nested = st.one_of(scalars, st.lists(scalars, max_size=1), st.dictionaries(st.text(), scalars))
keys = st.sampled_from([*(str(column["name"]) for column in COLUMNS), "Word", "other"])
pairs = st.tuples(keys, nested).map(lambda pair: f"{json.dumps(pair[0])}: {json.dumps(pair[1])}")
written = st.lists(pairs, max_size=6).map(lambda found: "{" + ", ".join(found) + "}")
broken = st.sampled_from(
    [
        *("[]", "5", "null", "{}", "{", '{"word": "a"} {}', '{"word": "a",}', "\t", " ", "{}\r"),
        *('{"real": .5}', '{"real": 01}', '{"whole": 1e2}', '{"whole": 1.0}', '{"real": -0.0}'),
        *('{"real": 1e400}', '{"real": nan}', '{"word": "\\ud800"}', '{"word": "\\u0000"}'),
        *('{"whole": 2147483648}', '{"real": 1.7976931348623157e308}', '{"word":"a","word":"b"}'),
        *('{"word": "Z\\u00fc\\"\\/"}', '{"day":"2013-02-28","real":0.1,"whole":-7}'),
    ]
)
json_files = st.lists(written | broken, min_size=1, max_size=4).map("\n".join)


@settings(max_examples=400)
@given(json_files)
def test_objects_are_the_same_in_both_ways(object_ways: Ways, text: str) -> None:
    content = text.encode()
    if content.strip().startswith(b"["):
        content = b"{}\n" + content
    fast, explained = object_ways.fast(content), object_ways.explained(content)
    assert fast in (None, explained), content


typical = st.fixed_dictionaries(
    {
        "word": st.none() | st.text().filter(lambda text: "\0" not in text and text != "NA"),
        "whole": st.none() | st.integers(-(2**31), 2**31 - 1),
        "real": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "day": st.none() | st.dates().map(str),
        "moment": st.none() | st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    }
)


@settings(max_examples=100)
@given(st.lists(typical, min_size=1, max_size=3), st.booleans())
def test_clean_objects_keep_their_values_in_both_ways(
    object_ways: Ways, rows: list[dict[str, Any]], ascii_only: bool
) -> None:
    content = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows).encode()
    explained = object_ways.explained(content)
    assert object_ways.fast(content) == explained
    wanted = [(row["word"], row["whole"], row["real"]) for row in rows]
    assert [row[:3] for row in explained] == wanted
    assert all(row[-1] for row in explained)
