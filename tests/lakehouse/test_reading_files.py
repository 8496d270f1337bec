"""Files that are not quite CSV: which rows are published and what is told of the others."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse.reading import Source, csv
from lakehouse.storage import local_path

HEADER = b"name,people\n"
Told = list[tuple[int, list[str]]]


@pytest.fixture
def take(data_lake: Any) -> Any:
    """Lands a file of cities; returns (published rows, (line, reasons) of the broken ones)."""
    data_lake.declare("cities", limit=1)

    def read(content: bytes) -> tuple[list[Any], Told]:
        delivery = data_lake.land("cities", content).deliveries[0]
        data_lake.refresh("cities")
        kept = Path(local_path(data_lake.lake.object_url(delivery.object)))
        assert kept.read_bytes() == content
        told = data_lake.rows("quarantine.cities", "line", "rules")
        return data_lake.rows("silver.cities"), told

    return read


CORPUS: dict[str, tuple[bytes, list[Any], Told]] = {
    "plain": (b"Bonn,1\nKiel,2\n", [("Bonn", 1), ("Kiel", 2)], []),
    "no newline at the end": (b"Bonn,1\nKiel,2", [("Bonn", 1), ("Kiel", 2)], []),
    "blank lines": (b"\nBonn,1\n\n\nKiel,2\n\n", [("Bonn", 1), ("Kiel", 2)], []),
    "blank lines with CRLF": (b"\r\nBonn,1\r\n\r\n", [("Bonn", 1)], []),
    "CRLF": (b"Bonn,1\r\nKiel,2\r\n", [("Bonn", 1), ("Kiel", 2)], []),
    "mixed line ends": (b"Bonn,1\r\nKiel,2\n", [("Bonn", 1), ("Kiel", 2)], []),
    "a quote that never closes costs its own line": (
        b'Bonn,1\n"Kiel,2\nUlm,3\nMainz,4\n',
        [("Bonn", 1), ("Mainz", 4), ("Ulm", 3)],
        [(3, ["a quote opens and never closes"])],
    ),
    "two quotes that never close": (
        b'"Bonn,1\nKiel,2\n"Ulm,3\nMainz,4\n',
        [("Kiel", 2), ("Mainz", 4)],
        [(2, ["a quote opens and never closes"]), (4, ["a quote opens and never closes"])],
    ),
    "a quote inside a field": (
        b'Bo"nn,1\nKiel,x\n',
        [('Bo"nn', 1)],
        [(3, ["people: 'x' is not an integer"])],
    ),
    "a quote that closes too late for the number of fields": (
        b'"Bonn,1\nKiel,2\nUlm",3,4\n',
        [("Kiel", 2)],
        [(2, ["a quote opens and never closes"]), (4, ["2 fields expected, 3 found"])],
    ),
    "quoted delimiters": (b'"Bonn, am Rhein",1\n', [("Bonn, am Rhein", 1)], []),
    "quoted quotes": (b'"the ""B"" city",1\n', [('the "B" city', 1)], []),
    "quoted newlines": (b'"Bonn\nBeuel",1\nKiel,2\n', [("Bonn\nBeuel", 1), ("Kiel", 2)], []),
    "quoted numbers": (b'"Bonn","1"\n', [("Bonn", 1)], []),
    "text after a quoted field": (
        b'"Bonn"x,1\nKiel,2\n',
        [("Kiel", 2)],
        [(2, ["text before or after a quoted field"])],
    ),
    "too few fields": (b"Bonn\nKiel,2\n", [("Kiel", 2)], [(2, ["2 fields expected, 1 found"])]),
    "too many fields": (
        b"Bonn,1,x\nKiel,2\n",
        [("Kiel", 2)],
        [(2, ["2 fields expected, 3 found"])],
    ),
    "extra fields that are empty": (b'Bonn,1,\nKiel,2,,""\n', [("Bonn", 1), ("Kiel", 2)], []),
    "extra fields that are empty, among broken lines": (
        b'Bonn,1,\nUlm,x\nKiel,2,,""\n',
        [("Bonn", 1), ("Kiel", 2)],
        [(3, ["people: 'x' is not an integer"])],
    ),
    "a space before a quoted field": (b' "Bonn",1\n', [(' "Bonn"', 1)], []),
    "a space after a quoted field": (
        b'"Bonn" ,1\nKiel,2\n',
        [("Kiel", 2)],
        [(2, ["text before or after a quoted field"])],
    ),
    "a NUL byte": (b"Bo\0nn,1\nKiel,2\n", [("Kiel", 2)], [(2, ["the line has a NUL byte"])]),
    "Latin-1": (
        "Köln,1\nKiel,2\n".encode("latin-1"),
        [("Kiel", 2)],
        [(2, ["the line is not UTF-8"])],
    ),
    "UTF-8": ("Köln,1\n東京,2\n".encode(), [("Köln", 1), ("東京", 2)], []),
    "a missing key": (b",1\nKiel,2\n", [("Kiel", 2)], [(2, ["name is required"])]),
    "a quoted empty key": (b'"",1\nKiel,2\n', [("Kiel", 2)], [(2, ["name is required"])]),
    "a comment": (b"# all\nKiel,2\n", [("Kiel", 2)], [(2, ["2 fields expected, 1 found"])]),
    "only broken lines between good ones": (
        b"Bonn,x\nKiel,2\nUlm,0\n",
        [("Kiel", 2)],
        [(2, ["people: 'x' is not an integer"]), (4, ["people at least 1"])],
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_file_is_read_like_this(take: Any, name: str) -> None:
    content, rows, told = CORPUS[name]
    assert take(HEADER + content) == (rows, told)


def test_a_byte_order_mark_is_no_part_of_the_first_name(take: Any) -> None:
    assert take(b"\xef\xbb\xbf" + HEADER + b"Bonn,1\n") == ([("Bonn", 1)], [])


def test_a_line_after_quoted_newlines_keeps_its_number(take: Any) -> None:
    _, told = take(HEADER + b'"Bonn\nBeuel",1\nKiel,x\n')
    assert told == [(4, ["people: 'x' is not an integer"])]


def test_a_line_of_ten_megabytes_is_a_row(take: Any) -> None:
    rows, told = take(HEADER + b"x" * 10_000_000 + b",1\nKiel,2\n")
    assert ([(len(name), people) for name, people in rows], told) == (
        [(4, 2), (10_000_000, 1)],
        [],
    )


def test_a_broken_line_of_ten_megabytes_is_told_and_kept(take: Any, data_lake: Any) -> None:
    rows, told = take(HEADER + b"x" * 10_000_000 + b"\nKiel,2\n")
    assert (rows, told) == ([("Kiel", 2)], [(2, ["2 fields expected, 1 found"])])
    assert len(data_lake.rows("quarantine.cities", "raw")[0][0]) == 10_000_000


def test_bytes_that_are_no_text_are_kept_as_escapes(take: Any, data_lake: Any) -> None:
    take(HEADER + b"K\xf6ln,1\nKiel,2\n")
    assert data_lake.rows("quarantine.cities", "raw", "byte_offset") == [("K\\xf6ln,1", 12)]


def test_other_delimiters_and_quotes_are_the_contracts(data_lake: Any) -> None:
    data_lake.declare("cities", read={"delimiter": ";", "quote": "'"})
    data_lake.put("cities", "name;people\n'Bonn;Beuel';1\n\"Kiel\";2\n")
    assert data_lake.rows("silver.cities") == [('"Kiel"', 2), ("Bonn;Beuel", 1)]


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (b"a,b\n1,x\n2,y\n", True),
        (b"a,b\r\n1,x\r\n2,y\r\n", True),
        (b"a,b\r\n1,x\r\n2,y", True),
        (b"a,b\r\n1,x\n2,y\r\n", False),
        (b"a,b\n1,x\r\n2,y\r\n", False),
        (b"a,b\n1,x\r2,y\n", False),
        (b"a,b\n1,snake_case\n2,y_\n", True),
        (b"a,b\n1_000,x\n", False),
    ],
)
def test_windows_line_ends_and_underscores_in_words_do_not_slow_a_file_down(
    data_lake: Any, tmp_path: Path, content: bytes, plain: bool
) -> None:
    columns = [{"name": "a", "logicalType": "integer"}, {"name": "b", "logicalType": "string"}]
    data_lake.declare("cells", delivery="full", columns=columns)
    (tmp_path / "a.csv").write_bytes(content)
    source = Source(f"file://{tmp_path / 'a.csv'}", "a.csv", data_lake.lake.storage)
    assert csv.examine(source, data_lake.lake.contract("cells")).plain is plain
