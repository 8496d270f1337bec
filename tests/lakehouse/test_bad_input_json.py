"""NDJSON and JSON files that are not as they should be: the exact outcome of each."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

Rows = dict[int, dict[str, Any]]
Told = list[tuple[int, list[str]]]

GOOD = b'{"id": @1, "word": "a"}\n{"id": @2, "word": "b"}\n'
GOOD_ROWS: Rows = {1: {"word": "a"}, 2: {"word": "b"}}
NOT_JSON = "the record is not valid JSON"


def beside(*lines: bytes) -> bytes:
    """Two good records and more."""
    return GOOD + b"\n".join(lines) + b"\n"


def cells(**values: str) -> bytes:
    """A record whose values are written as given."""
    written = "".join(f', "{name}": {text}' for name, text in values.items())
    return f'{{"id": @3{written}}}'.encode()


def one(name: str, text: str, told: str) -> tuple[bytes, Rows, Told]:
    """A record of which one value is none."""
    return beside(cells(**{name: text})), GOOD_ROWS, [(3, [f"{name}: '{text}' is not {told}"])]


def fine(name: str, text: str, value: Any) -> tuple[bytes, Rows, Told]:
    """A record of which one value is unusual."""
    return beside(cells(**{name: text})), {**GOOD_ROWS, 3: {name: value}}, []


def broken(raw: bytes, *reasons: str) -> tuple[bytes, Rows, Told]:
    """A record that is wrong as a whole, and a good one behind it."""
    return beside(raw, b'{"id": @4}'), {**GOOD_ROWS, 4: {}}, [(3, list(reasons))]


CASES: dict[str, tuple[bytes, Rows, Told]] = {
    "no newline at the end": (GOOD[:-1], GOOD_ROWS, []),
    "blank lines": (b"\n\n" + GOOD + b" \t\n\r\n", GOOD_ROWS, []),
    "CRLF": (GOOD.replace(b"\n", b"\r\n"), GOOD_ROWS, []),
    "byte-order mark": (b"\xef\xbb\xbf" + GOOD, GOOD_ROWS, []),
    "another order of keys": fine("word", '"c"', "c"),
    "missing keys are null": (b'{"id": @1}\n{"id": @2, "word": null}\n', {1: {}, 2: {}}, []),
    "a key that is missing": broken(b'{"word": "c"}', "id is required"),
    "an unknown key": broken(b'{"id": @3, "wrod": 1}', "key 'wrod' is not in the contract"),
    "keys differ by case": broken(b'{"id": @3, "Word": 1}', "key 'Word' is not in the contract"),
    "a key twice": broken(b'{"id": @3, "id": @3}', "key 'id' occurs twice"),
    "unknown and twice": broken(
        b'{"id": @3, "id": 1, "x": 1}', "key 'id' occurs twice; key 'x' is not in the contract"
    ),
    "cut short": broken(b'{"id": @3, "word": "c', NOT_JSON),
    "two objects in a line": broken(b'{"id": @3} {"id": @5}', NOT_JSON),
    "no object": broken(b"[1, 2]", "the record is not a JSON object"),
    "a scalar": broken(b"null", "the record is not a JSON object"),
    "text": broken(b"id,word", NOT_JSON),
    "an open quote costs its own line": broken(b'{"id": "@3}', NOT_JSON),
    "Latin-1": broken('{"id": @3, "word": "Köln"}'.encode("latin-1"), "the line is not UTF-8"),
    "a NUL byte": broken(b'{"id": @3, "word": "a\0b"}', "the line has a NUL byte"),
    "half a character": broken(b'{"id": @3, "word": "\\ud800"}', NOT_JSON),
    "bare CR is a space": (b'{"id": @1,\r"word": "a"}\n', {1: {"word": "a"}}, []),
    "bare CR between objects": broken(b'{"id": @3}\r{"id": @5}', NOT_JSON),
    "a trailing comma": (b'{"id": @1, "word": "a",}\n', {1: {"word": "a"}}, []),
    "escapes": fine("word", '"\\u00fc\\"\\\\\\n"', 'ü"\\\n'),
    "an escaped NUL": one("word", '"a\\u0000b"', "a text"),
    "a number for a text": one("word", "12", "a text"),
    "a boolean for a text": one("word", "true", "a text"),
    "NaN for a text": one("word", "NaN", "a text"),
    "an object in a cell": one("word", '{"x":1}', "a text"),
    "a list in a cell": one("whole", "[1]", "an integer"),
    "3.7": one("whole", "3.7", "an integer"),
    "1_000 in a string": one("whole", '"1_000"', "an integer"),
    "0x10 in a string": one("whole", '"0x10"', "an integer"),
    "1_000": broken(b'{"id": @3, "whole": 1_000}', NOT_JSON),
    "0x10": broken(b'{"id": @3, "whole": 0x10}', NOT_JSON),
    "a number in a string": fine("whole", '"12"', 12),
    "an exact number in a string": fine("exact", '"1234.56"', Decimal("1234.56")),
    "an exact number": fine("exact", "1234.5", Decimal("1234.50")),
    "too exact a number": one("exact", "1.234", "DECIMAL(6,2)"),
    "whole though written with a point": fine("whole", "12.0", 12),
    "beyond 32 bits": one("whole", "2147483648", "an integer"),
    "at the end of 64 bits": fine("large", "-9223372036854775808", -(2**63)),
    "beyond 64 bits": one("large", "9223372036854775808", "an integer"),
    "far beyond": one("large", "9" * 30, "an integer"),
    "NaN": one("real", "NaN", "a finite number"),
    "Infinity": one("real", "-Infinity", "a finite number"),
    "too large a number": one("real", "1e400", "a finite number"),
    "a boolean for a number": one("real", "true", "a finite number"),
    "1 for a boolean": one("flag", "1", "true or false"),
    "yes for a boolean": one("flag", '"yes"', "true or false"),
    "true in a string": one("flag", '"true"', "true or false"),
    "true": fine("flag", "true", True),
    "a date in another format": fine("day", '"03/02/2013"', date(2013, 2, 3)),
    "a date that is none": one("day", '"2013-02-29"', "a date in the form ISO 8601 or %d/%m/%Y"),
    "a number for a date": one("day", "20130203", "a date in the form ISO 8601 or %d/%m/%Y"),
    "leap second": one("moment", '"2012-06-30T23:59:60Z"', "a date and time"),
    "clock gap": one("local", '"2013-03-10T02:30:00"', "a date and time in America/New_York"),
    "clock repeats": fine(
        "local", '"2013-11-03T01:30:00"', datetime(2013, 11, 3, 6, 30, tzinfo=UTC)
    ),
    "ten megabytes": fine("word", '"' + "x" * 10_000_000 + '"', "x" * 10_000_000),
    "ten megabytes that are broken": broken(b'{"id": @3, "x' + b"x" * 10_000_000, NOT_JSON),
}

REFUSED: dict[str, tuple[bytes | Callable[[bytes], bytes], str]] = {
    "zero bytes": (b"", "the file is empty, an object on each line is expected"),
    "an array": (
        b"[\n" + GOOD.replace(b"\n", b",\n") + b"]",
        "the file begins with '[', an object on each line is expected; `format: json` reads",
    ),
    "cut.gz": (
        lambda number: gzip.compress(GOOD.replace(b"@", number))[:-5],
        "the file is packed with gzip and it is cut short",
    ),
}


@pytest.fixture(scope="module")
def corpus(take_in: Callable[..., Any]) -> Any:
    """All NDJSON files of this module, taken in together."""
    files = {name: case[0] for name, case in {**CASES, **REFUSED}.items()}
    return take_in(files, read={"format": "ndjson"})


@pytest.mark.parametrize("name", CASES)
def test_each_record_is_published_or_told(corpus: Any, name: str) -> None:
    _, rows, told = CASES[name]
    assert (corpus.rows(name), corpus.told(name), corpus.refused(name)) == (rows, told, "")


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_judged_is_refused(corpus: Any, name: str) -> None:
    assert corpus.refused(name).startswith(REFUSED[name][1])
    assert (corpus.rows(name), corpus.told(name)) == ({}, [])


@pytest.mark.parametrize("name", [*CASES, *REFUSED])
def test_bronze_keeps_the_bytes(corpus: Any, name: str) -> None:
    assert corpus.bronze(name) == corpus.landed[name]


def test_a_broken_record_is_kept_with_its_place(corpus: Any) -> None:
    [(offset, raw)] = corpus.broken("an unknown key")
    assert corpus.landed["an unknown key"][offset:].startswith(raw.encode() + b"\n")


ARRAYS: dict[str, tuple[bytes, Rows, Told]] = {
    "in a line": (b'[{"id": @1, "word": "a"}, {"id": @2, "word": "b"}]', GOOD_ROWS, []),
    "over lines": (b'[\n {\n"id": @1,\r\n"word": "a"},{"id": @2, "word": "b"}\n]\n', GOOD_ROWS, []),
    "byte-order mark": (b'\xef\xbb\xbf[{"id": @1}]', {1: {}}, []),
    "empty": (b"[]", {}, []),
    "not only objects": (
        b'[{"id": @1}, 5, {"id": @2, "x": 1}, {"id": @3, "whole": 3.7}]',
        {1: {}},
        [
            (2, ["the record is not a JSON object"]),
            (3, ["key 'x' is not in the contract"]),
            (4, ["whole: '3.7' is not an integer"]),
        ],
    ),
}
NO_ARRAY = "the file is not one JSON array of objects: "
NO_END = NO_ARRAY + "it does not end with ']'; `format: ndjson` reads an object on each line"
NO_ARRAYS: dict[str, tuple[bytes, str]] = {
    "zero bytes": (b"", NO_END),
    "cut short": (b'[{"id": @1}, {"id"', NO_END),
    "cut after a comma": (b'[{"id": @1},\n', NO_END),
    "lines": (GOOD, NO_END),
    "a list that is not the file's": (b'[{"id": @1}, ["x"]', NO_ARRAY),
    "two arrays": (b'[{"id": @1}][{"id": @2}]', NO_ARRAY + "Malformed JSON"),
    "not JSON inside": (b'[{"id": @1}, {"id": x}]', NO_ARRAY + "Malformed JSON"),
    "Latin-1": ('[{"id": @1, "word": "ö"}]'.encode("latin-1"), NO_ARRAY + "Malformed JSON"),
}


@pytest.fixture(scope="module")
def arrays(take_in: Callable[..., Any]) -> Any:
    """All files of arrays, taken in together."""
    files = {name: case[0] for name, case in {**ARRAYS, **NO_ARRAYS}.items()}
    return take_in(files, read={"format": "json"})


@pytest.mark.parametrize("name", ARRAYS)
def test_each_element_is_published_or_told(arrays: Any, name: str) -> None:
    _, rows, told = ARRAYS[name]
    assert (arrays.rows(name), arrays.told(name), arrays.refused(name)) == (rows, told, "")


@pytest.mark.parametrize("name", NO_ARRAYS)
def test_what_is_no_array_is_refused(arrays: Any, name: str) -> None:
    assert arrays.refused(name).startswith(NO_ARRAYS[name][1])
    assert (arrays.rows(name), arrays.told(name)) == ({}, [])


@pytest.mark.parametrize("name", [*ARRAYS, *NO_ARRAYS])
def test_bronze_keeps_the_bytes_of_arrays(arrays: Any, name: str) -> None:
    assert arrays.bronze(name) == arrays.landed[name]


def test_an_element_has_a_number_and_a_text_but_no_place(arrays: Any) -> None:
    assert arrays.broken("not only objects")[0] == (None, "5")


def test_personal_values_are_hidden_in_quarantine(data_lake: Any) -> None:
    columns = [
        {"name": "id", "logicalType": "integer", "primaryKey": True},
        {
            "name": "ssn",
            "logicalType": "string",
            "customProperties": [{"property": "privacy", "value": "drop"}],
        },
    ]
    data_lake.declare(
        "people", delivery="full", columns=columns, limit=1, read={"format": "ndjson"}
    )
    data_lake.put("people", '{"id": 1}\n{"id": "x", "ssn": "123-45"}\n{"ssm": "123-45"}\n')
    raws = [raw for (raw,) in data_lake.rows("quarantine.people", "raw")]
    assert len(raws) == 2
    assert json.loads(next(raw for raw in raws if raw.startswith("{")))["id"] == "x"
    assert "123-45" not in "".join(raws)


def test_keys_of_a_renamed_column_are_read_by_their_old_name(data_lake: Any) -> None:
    renamed = {
        "name": "word",
        "logicalType": "string",
        "customProperties": [{"property": "fileNames", "value": ["wort", "mot"]}],
    }
    columns = [{"name": "id", "logicalType": "integer", "primaryKey": True}, renamed]
    data_lake.declare("words", delivery="full", columns=columns, limit=1, read={"format": "ndjson"})
    data_lake.put(
        "words",
        '{"id": 1, "word": "a"}\n{"wort": "b", "id": 2}\n{"id": 3}\n'
        '{"id": 4, "word": "d", "mot": "e"}\n{"id": 5, "motto": "e"}\n',
    )
    assert data_lake.rows("silver.words") == [(1, "a"), (2, "b"), (3, None)]
    assert data_lake.rows("quarantine.words", "line", "rules") == [
        (4, ["column 'word' occurs under several names"]),
        (5, ["key 'motto' is not in the contract"]),
    ]
