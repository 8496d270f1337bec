"""Parquet files: which columns a contract takes, which values are broken, which files refused."""

import io
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

NAMES = ("id", "word", "whole", "large", "real", "exact", "flag", "day", "moment", "local")
TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "word": pa.string(),
    "whole": pa.int32(),
    "large": pa.int64(),
    "real": pa.float64(),
    "exact": pa.decimal128(6, 2),
    "flag": pa.bool_(),
    "day": pa.date32(),
    "moment": pa.timestamp("us", "UTC"),
    "local": pa.timestamp("us"),
}
Rows = dict[int, dict[str, Any]]
Told = list[tuple[int, list[str]]]
Make = Callable[[bytes], bytes]


def written(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def table(number: bytes, types: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> pa.Table:
    """A table whose keys have the file's number before their own digit."""
    keyed = [{**row, "id": int(number) * 10 + at} for at, row in enumerate(rows, start=1)]
    schema = {**TYPES, **types}
    arrays = [pa.array([row.get(n) for row in keyed], schema[n]) for n in schema]
    return pa.table(arrays, names=list(schema))


def file(*rows: dict[str, Any], **types: pa.DataType) -> Make:
    """A file of some rows, with other types for some columns."""
    return lambda number: written(table(number, types, list(rows)))


def fine(name: str, type: pa.DataType, value: Any, read: Any) -> tuple[Make, Rows, Told]:
    """A column of another type whose value is taken."""
    rows = {1: {} if read is None else {name: read}, 2: {}}
    return file({name: value}, {}, **{name: type}), rows, []


def one(name: str, type: pa.DataType, value: Any, shown: str, told: str) -> tuple[Make, Rows, Told]:
    """A column of another type of which a value is none."""
    made = file({}, {name: value}, **{name: type})
    return made, {1: {}}, [(2, [f"{name}: '{shown}' is not {told}"])]


MOMENT = datetime(2013, 1, 5, 10, tzinfo=UTC)
LOCAL = datetime(2013, 1, 5, 10)
CASES: dict[str, tuple[Make, Rows, Told]] = {
    "no rows": (file(), {}, []),
    "reordered": (
        lambda number: written(table(number, {}, [{"word": "a"}]).select(NAMES[::-1])),
        {1: {"word": "a"}},
        [],
    ),
    "narrow integers": fine("large", pa.int8(), 7, 7),
    "unsigned integers": fine("whole", pa.uint64(), 7, 7),
    "wide integers": fine("whole", pa.int64(), 7, 7),
    "beyond 32 bits": one("whole", pa.int64(), 2**31, "2147483648", "an integer"),
    "beyond 64 bits": one("large", pa.uint64(), 2**63, "9223372036854775808", "an integer"),
    "whole numbers": fine("whole", pa.float64(), 7.0, 7),
    "3.7": one("whole", pa.float64(), 3.7, "3.7", "an integer"),
    "a decimal that is whole": fine("large", pa.decimal128(20, 2), Decimal("7.00"), 7),
    "integers for numbers": fine("real", pa.int32(), 7, 7.0),
    "single precision": fine("real", pa.float32(), 0.5, 0.5),
    "decimals for numbers": fine("real", pa.decimal128(10, 3), Decimal("0.125"), 0.125),
    "NaN": one("real", pa.float64(), math.nan, "nan", "a finite number"),
    "infinity": one("real", pa.float64(), -math.inf, "-inf", "a finite number"),
    "wide decimals": fine("exact", pa.decimal128(20, 5), Decimal("1.25"), Decimal("1.25")),
    "too exact": one("exact", pa.decimal128(20, 5), Decimal("1.234"), "1.23400", "DECIMAL(6,2)"),
    "too large": one("exact", pa.int64(), 10_000, "10000", "DECIMAL(6,2)"),
    "categories": fine("word", pa.dictionary(pa.int8(), pa.string()), "a", "a"),
    "large texts": fine("word", pa.large_string(), "ä", "ä"),
    "NUL": one("word", pa.string(), "a\0b", "a\0b", "a text"),
    "nothing but nulls": fine("word", pa.null(), None, None),
    "milliseconds": fine("moment", pa.timestamp("ms", "UTC"), MOMENT, MOMENT),
    "another zone": fine("moment", pa.timestamp("us", "Asia/Tokyo"), MOMENT, MOMENT),
    "no zone is UTC": fine("moment", pa.timestamp("us"), LOCAL, MOMENT),
    "no zone is the contract's": fine("local", pa.timestamp("us"), LOCAL, MOMENT.replace(hour=15)),
    "a zone before the contract's": fine("local", pa.timestamp("us", "UTC"), MOMENT, MOMENT),
    "clock gap": one(
        "local",
        pa.timestamp("us"),
        datetime(2013, 3, 10, 2, 30),
        "2013-03-10 02:30:00",
        "a date and time in America/New_York",
    ),
    "dates as texts": fine("day", pa.string(), "03/02/2013", date(2013, 2, 3)),
    "no date in a text": one(
        "day", pa.string(), "3.2.2013", "3.2.2013", "a date in the form ISO 8601 or %d/%m/%Y"
    ),
    "a missing key": (
        lambda number: written(
            table(number, {}, [{"word": "a"}, {}]).set_column(
                0, "id", pa.array([int(number) * 10 + 1, None])
            )
        ),
        {1: {"word": "a"}},
        [(2, ["id is required"])],
    ),
}


def wrong(name: str, type: pa.DataType, told: str) -> tuple[Make, str]:
    """A column of a type that the contract does not take."""
    return file({}, **{name: type}), f"its schema: column '{name}' holds {told}"


def damaged(number: bytes) -> bytes:
    """A file whose first page does not unpack."""
    content = bytearray(file({"word": "a" * 999}, {"word": "b" * 999})(number))
    content[30:90] = b"\xff" * 60
    return bytes(content)


DAMAGED = "the file is not Parquet, or damaged or cut short ("
REFUSED: dict[str, tuple[Make, str]] = {
    "zero bytes": (lambda _: b"", DAMAGED),
    "a CSV file": (lambda _: b"id,word\n1,a\n" * 9, DAMAGED),
    "cut short": (lambda number: file({})(number)[:-9], DAMAGED),
    "cut in the middle": (lambda number: file({})(number)[:400], DAMAGED),
    "a damaged page": (damaged, "the file is damaged ("),
    "missing": (
        lambda number: written(table(number, {}, [{}]).drop_columns(["word"])),
        "its schema: column 'word' is missing",
    ),
    "unknown": (file({}, x=pa.int8()), "its schema: column 'x' is not in the contract"),
    "misspelt": (
        lambda n: written(table(n, {}, [{}]).rename_columns(["id", "Word", *NAMES[2:]])),
        "its schema: column 'word' is missing; column 'Word' is not in the contract "
        "(did you mean 'word'?)",
    ),
    "twice": (
        lambda n: written(table(n, {}, [{}]).append_column("word", pa.array(["a"]))),
        "its schema: column 'word' occurs twice",
    ),
    "texts for integers": wrong("whole", pa.string(), "string, the contract says INTEGER"),
    "integers for texts": wrong("word", pa.int64(), "int64, the contract says VARCHAR"),
    "bytes for texts": wrong("word", pa.binary(), "binary, the contract says VARCHAR"),
    "lists": wrong("word", pa.list_(pa.string()), "list<element: string>, the contract says"),
    "integers for booleans": wrong("flag", pa.int8(), "int8, the contract says BOOLEAN"),
    "floats for decimals": wrong("exact", pa.float64(), "double, the contract says DECIMAL(6,2)"),
    "moments for dates": wrong("day", pa.timestamp("us"), "timestamp[us], the contract says DATE"),
    "dates for moments": wrong("moment", pa.date32(), "date32[day], the contract says TIMESTAMPTZ"),
}


@pytest.fixture(scope="module")
def corpus(take_in: Callable[..., Any]) -> Any:
    """All files of this module, taken in together."""
    files = {name: case[0] for name, case in {**CASES, **REFUSED}.items()}
    return take_in(files, read={"format": "parquet"})


@pytest.mark.parametrize("name", CASES)
def test_each_row_is_published_or_told(corpus: Any, name: str) -> None:
    _, rows, told = CASES[name]
    assert (corpus.rows(name), corpus.told(name), corpus.refused(name)) == (rows, told, "")


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_judged_is_refused(corpus: Any, name: str) -> None:
    assert corpus.refused(name).startswith(REFUSED[name][1])
    assert (corpus.rows(name), corpus.told(name)) == ({}, [])


@pytest.mark.parametrize("name", [*CASES, *REFUSED])
def test_bronze_keeps_the_bytes(corpus: Any, name: str) -> None:
    assert corpus.bronze(name) == corpus.landed[name]


def test_a_broken_row_is_kept_as_an_object(corpus: Any) -> None:
    [(offset, raw)] = corpus.broken("3.7")
    assert (offset, json.loads(raw)["whole"]) == (None, 3.7)


@pytest.mark.parametrize("packing", ["gzip", "zstd", "snappy", "none"])
def test_pages_may_be_packed_in_any_way(data_lake: Any, packing: str) -> None:
    data_lake.declare("cities", read={"format": "parquet"})
    towns = pa.table({"name": ["Bonn"], "people": [3]})
    data_lake.put("cities", written(towns, compression=packing), "a.parquet")
    assert data_lake.rows("silver.cities") == [("Bonn", 3)]
