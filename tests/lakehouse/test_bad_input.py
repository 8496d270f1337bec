"""Delimited files that are not as they should be: rows published, rows told, or the file refused.

More of them, one to a test, are in test_reading_files; single cells are in test_reading.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

NAMES = ["id", "word", "whole", "large", "real", "exact", "flag", "day", "moment", "local"]
HEADER = ",".join(NAMES).encode() + b"\n"
Rows = dict[int, dict[str, Any]]
Told = list[tuple[int, list[str]]]


def line(key: int, **cells: str) -> bytes:
    """A row of which the cells named are filled in."""
    return ",".join([f"@{key}", *(cells.get(name, "") for name in NAMES[1:])]).encode() + b"\n"


GOOD = line(1, word="a") + line(2, word="b")
GOOD_ROWS: Rows = {1: {"word": "a"}, 2: {"word": "b"}}
REORDERED = HEADER.replace(b"id,word", b"word,id") + line(1, word="7").replace(b"@1,7", b"7,@1")

ROWS: dict[str, tuple[bytes, Rows, Told]] = {
    "header_only.csv": (HEADER, {}, []),
    "reordered.csv": (REORDERED, {1: {"word": "7"}}, []),
    "quoted_header.csv": (b'"id"' + HEADER[2:] + GOOD, GOOD_ROWS, []),
    "reordered_and_broken.csv": (
        REORDERED + line(2, real="x").replace(b"@2,", b",@2"),
        {1: {"word": "7"}},
        [(3, ["real: 'x' is not a finite number"])],
    ),
    "blank_lines.csv": (
        HEADER + b"\n\n" + GOOD + b"\n \n",
        GOOD_ROWS,
        [(7, ["10 fields expected, 1 found"])],
    ),
    "bare_cr.csv": (
        HEADER + GOOD + line(3, word="a\rb") + line(4, word='"a\rb"'),
        {**GOOD_ROWS, 3: {"word": "a\rb"}, 4: {"word": "a\rb"}},
        [],
    ),
    "leap_second.csv": (
        HEADER + GOOD + line(3, moment="2012-06-30T23:59:60Z"),
        GOOD_ROWS,
        [(4, ["moment: '2012-06-30T23:59:60Z' is not a date and time"])],
    ),
    "clock_gap.csv": (
        HEADER + GOOD + line(3, local="2013-03-10T02:30:00") + line(4, local="2013-11-03T01:30:00"),
        {**GOOD_ROWS, 4: {"local": datetime(2013, 11, 3, 6, 30, tzinfo=UTC)}},
        [(4, ["local: '2013-03-10T02:30:00' is not a date and time in America/New_York"])],
    ),
    "two_date_formats.csv": (
        HEADER + line(1, day="2013-02-03") + line(2, day="03/02/2013") + line(3, day="02/13/2013"),
        {1: {"day": date(2013, 2, 3)}, 2: {"day": date(2013, 2, 3)}},
        [(4, ["day: '02/13/2013' is not a date in the form ISO 8601 or %d/%m/%Y"])],
    ),
    "all_at_once.csv": (
        HEADER + line(1, whole="3.7", real="NaN", flag="2", day="x") + line(2, whole="1"),
        {2: {"whole": 1}},
        [
            (
                2,
                [
                    "whole: '3.7' is not an integer",
                    "real: 'NaN' is not a finite number",
                    "flag: '2' is not true or false",
                    "day: 'x' is not a date in the form ISO 8601 or %d/%m/%Y",
                ],
            )
        ],
    ),
    "numbers.csv": (
        HEADER
        + line(1, whole="1_000")
        + line(2, whole="0x10")
        + line(3, large="9223372036854775808")
        + line(4, real="1e999")
        + line(5, exact="1.234")
        + line(6, whole="1"),
        {6: {"whole": 1}},
        [
            (2, ["whole: '1_000' is not an integer"]),
            (3, ["whole: '0x10' is not an integer"]),
            (4, ["large: '9223372036854775808' is not an integer"]),
            (5, ["real: '1e999' is not a finite number"]),
            (6, ["exact: '1.234' is not DECIMAL(6,2)"]),
        ],
    ),
    "byte_order_mark.csv": (b"\xef\xbb\xbf" + HEADER + GOOD, GOOD_ROWS, []),
    "open_quote.csv": (
        HEADER + line(1, word='"a') + line(2, word="b"),
        {2: {"word": "b"}},
        [(2, ["a quote opens and never closes"])],
    ),
}


HEAD = "line 1, the header: column "
REFUSED: dict[str, tuple[bytes, str]] = {
    "zero_bytes.csv": (b"", "line 1 is empty, a header is expected"),
    "no_header.csv": (GOOD, HEAD + "'id' is missing; column 'word' is missing"),
    "missing_column.csv": (HEADER.replace(b"word,", b"") + b"@1\n", HEAD + "'word' is missing"),
    "extra_column.csv": (HEADER.replace(b"word", b"word,x"), HEAD + "'x' is not in the contract"),
    "misspelt.csv": (
        HEADER.replace(b"word", b"wrod"),
        HEAD + "'word' is missing; column 'wrod' is not in the contract (did you mean 'word'?)",
    ),
    "named_twice.csv": (HEADER.replace(b"word", b"word,word"), HEAD + "'word' occurs twice"),
    "old_mac.csv": (
        (HEADER + GOOD).replace(b"\n", b"\r"),
        "line 1, the header, has a carriage return in it; lines end with a newline",
    ),
    "utf16.csv": (
        (HEADER + GOOD).decode().encode("utf-16"),
        "line 1, the header: column 'id' is missing",
    ),
    "random.csv": (bytes(range(256)) * 20, "line 1, the header: column 'id' is missing"),
    "gzip_unsaid.csv": (b"\x1f\x8b\x08\0" * 20, "the file is packed with gzip; name it so, or"),
}


@pytest.fixture(scope="module")
def corpus(take_in: Callable[..., Any]) -> Any:
    """All files of this module, taken in together."""
    return take_in({name: case[0] for name, case in {**ROWS, **REFUSED}.items()})


@pytest.mark.parametrize("name", ROWS)
def test_each_row_is_published_or_told(corpus: Any, name: str) -> None:
    _, rows, told = ROWS[name]
    assert (corpus.rows(name), corpus.told(name), corpus.refused(name)) == (rows, told, "")


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_judged_is_refused(corpus: Any, name: str) -> None:
    assert corpus.refused(name).startswith(REFUSED[name][1])
    assert (corpus.rows(name), corpus.told(name)) == ({}, [])


@pytest.mark.parametrize("name", [*ROWS, *REFUSED])
def test_bronze_keeps_the_bytes(corpus: Any, name: str) -> None:
    assert corpus.bronze(name) == corpus.landed[name]
