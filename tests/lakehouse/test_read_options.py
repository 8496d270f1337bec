"""Files that are written otherwise: what the contract's `read` can say, and what it cannot."""

from typing import Any

import pytest

from lakehouse.errors import ContractError

COLUMNS: list[dict[str, Any]] = [
    {"name": "name", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "people", "logicalType": "integer"},
    {"name": "area", "logicalType": "number"},
    {"name": "tax", "logicalType": "number", "physicalType": "DECIMAL(6,2)"},
]
BONN = ("Bonn", 3, 141.06, None)


@pytest.fixture
def take(data_lake: Any) -> Any:
    """Reads a file as the options say: published rows, (line, reasons) of broken ones, refusals."""

    def read(content: str | bytes, **options: Any) -> tuple[list[Any], list[Any], list[str]]:
        data_lake.declare("towns", delivery="full", columns=COLUMNS, limit=1, read=options)
        refused = data_lake.land("towns", content).refusals()
        data_lake.refresh("towns")
        rows = [
            (*row[:3], None if row[3] is None else str(row[3]))
            for row in data_lake.rows("silver.towns")
        ]
        return rows, data_lake.rows("quarantine.towns", "line", "rules"), list(refused)

    return read


def test_tabs(take: Any) -> None:
    rows, told, _ = take(
        'name\tpeople\tarea\ttax\nBonn\t3\t141.06\t\n"a\tb"\t1\t\t\n', format="tsv"
    )
    assert (rows, told) == ([BONN, ("a\tb", 1, None, None)], [])


def test_columns_without_a_header_are_by_position(take: Any) -> None:
    rows, told, _ = take("Bonn,3,141.06,\nKiel,x,,\n", header=False)
    assert (rows, told) == ([BONN], [(2, ["people: 'x' is not an integer"])])


def test_a_byte_order_mark_without_a_header_is_no_part_of_the_first_cell(take: Any) -> None:
    assert take(b"\xef\xbb\xbfBonn,3,141.06,\n", header=False)[0] == [BONN]


def test_an_empty_file_without_a_header_is_refused(take: Any) -> None:
    assert "the file has no line" in take("", header=False)[2][0]


@pytest.mark.parametrize("preamble", ['Report of "2013\n\n', "x\r\n\r\n", "ä\n,,,,,\n"])
def test_lines_before_the_header_are_skipped(take: Any, preamble: str) -> None:
    content = preamble + "name,people,area,tax\nBonn,3,141.06,\nKiel,x,,\n"
    rows, told, _ = take(content, skip=2)
    assert (rows, told) == ([BONN], [(5, ["people: 'x' is not an integer"])])


def test_lines_may_be_skipped_where_there_is_no_header(take: Any) -> None:
    rows, told, _ = take("made by hand\nBonn,3,141.06,\nKiel,x,,\n", skip=1, header=False)
    assert (rows, told) == ([BONN], [(3, ["people: 'x' is not an integer"])])


def test_a_file_that_ends_before_its_header_is_refused(take: Any) -> None:
    assert "line 3 is empty, a header is expected" in take("one\n", skip=2)[2][0]


def test_a_decimal_comma(take: Any) -> None:
    content = (
        "name;people;area;tax\nBonn;3;141,06;\nKiel;7,0;-,5;1234,50\n"
        "Ulm;1;1.5;\nTrier;1.000;;\nMainz;3,7;;1,234\n"
    )
    rows, told, _ = take(content, delimiter=";", decimal=",")
    assert rows == [BONN, ("Kiel", 7, -0.5, "1234.50")]
    assert told == [
        (4, ["area: '1.5' is not a finite number"]),
        (5, ["people: '1.000' is not an integer"]),
        (6, ["people: '3,7' is not an integer", "tax: '1,234' is not DECIMAL(6,2)"]),
    ]


def test_a_clean_file_with_a_decimal_comma_is_read_the_fast_way(take: Any) -> None:
    content = "name;people;area;tax\nBonn;3;141,06;\n"
    assert take(content, delimiter=";", decimal=",") == ([BONN], [], [])


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "windows-1252"])
def test_other_encodings_become_utf8(take: Any, encoding: str) -> None:
    content = "name,people,area,tax\nKöln,1,,\nÜ,x,,\n".encode(encoding)
    rows, told, _ = take(content, encoding=encoding)
    assert (rows, told) == ([("Köln", 1, None, None)], [(3, ["people: 'x' is not an integer"])])


@pytest.mark.parametrize(
    ("encoding", "content"),
    [("windows-1252", b"name,people,area,tax\n\x81,1,,\n"), ("utf-16", b"\xff\xfea\x00b")],
)
def test_bytes_that_an_encoding_lacks_refuse_the_file(
    take: Any, encoding: str, content: bytes
) -> None:
    assert f"the file is not {encoding} (" in take(content, encoding=encoding)[2][0]


def test_null_tokens_of_objects_are_strings(take: Any) -> None:
    content = '{"name": "Bonn", "people": 3, "area": 141.06, "tax": "NA"}\n'
    assert take(content, format="ndjson", nulls=["NA"])[0] == [BONN]


def test_packing_may_be_said_instead_of_named(take: Any) -> None:
    rows, _, refused = take("name,people,area,tax\nBonn,3,141.06,\n", compression="gzip")
    assert (rows, "the file is not packed with gzip" in refused[0]) == ([], True)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"format": "xml"}, "'xml' is not one of csv, tsv, json, ndjson, parquet"),
    ({"format": "tsv", "delimiter": ";"}, "delimiter: makes no sense for tsv files"),
    ({"format": "ndjson", "quote": "'"}, "quote: makes no sense for ndjson files"),
    ({"format": "json", "header": False}, "header: makes no sense for json files"),
    ({"format": "json", "decimal": ","}, "decimal: makes no sense for json files"),
    ({"format": "parquet", "encoding": "latin-1"}, "encoding: makes no sense for parquet files"),
    ({"format": "parquet", "nulls": ["NA"]}, "nulls: makes no sense for parquet files"),
    ({"compression": "rar"}, "'rar' is not one of none, gzip, zstd, zip"),
    ({"encoding": "utf8"}, "Did you mean 'utf-8'?"),
    ({"header": "no"}, "header: 'no' is not true or false"),
    ({"skip": 1.5}, "skip: 1.5 is not a number of lines"),
    ({"skip": -1}, "skip: -1 is not a number between 0 and 1e+06"),
    ({"decimal": ";"}, "decimal: ';' is not one of"),
    ({"delimiter": "||"}, "delimiter: '||' is not one ASCII character of a line"),
    ({"quote": "«"}, "quote: '«' is not one ASCII character of a line"),
    ({"delimiter": '"'}, "quote: '\"' is the delimiter, too"),
    ({"colour": 1}, "is not a known key"),
]


@pytest.mark.parametrize(("options", "why"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(
    data_lake: Any, options: dict[str, Any], why: str
) -> None:
    data_lake.declare("towns", delivery="full", columns=COLUMNS, read=options)
    with pytest.raises(ContractError) as refused:
        data_lake.lake.contract("towns")
    assert why in str(refused.value)


def formats(data_lake: Any, kind: str, *patterns: str, **options: Any) -> Any:
    column = {
        "name": "day",
        "logicalType": kind,
        "logicalTypeOptions": options,
        "customProperties": [{"property": "formats", "value": list(patterns)}],
    }
    data_lake.declare("towns", delivery="full", columns=[COLUMNS[0], column], limit=1)
    return data_lake.lake.contract("towns").column("day").formats


def test_formats_are_tried_in_their_order(data_lake: Any) -> None:
    assert formats(data_lake, "date", "dd/MM/yyyy", "MM/dd/yyyy") == ("%d/%m/%Y", "%m/%d/%Y")
    data_lake.put("towns", "name,day\na,03/02/2013\nb,02/13/2013\nc,2013-02-03\n")
    days = {name: day.isoformat() for name, day in data_lake.rows("silver.towns")}
    assert days == {"a": "2013-02-03", "b": "2013-02-13"}


def test_the_columns_own_format_goes_before_the_others(data_lake: Any) -> None:
    found = formats(data_lake, "date", "dd/MM/yyyy", format="yyyy-MM-dd")
    assert found == ("ISO 8601", "%d/%m/%Y")


def test_a_format_with_an_offset_goes_before_the_zone(data_lake: Any) -> None:
    formats(
        data_lake,
        "timestamp",
        "dd.MM.yyyy HH:mm",
        "dd.MM.yyyy HH:mm XX",
        timezone=False,
        defaultTimezone="Europe/Berlin",
    )
    data_lake.put("towns", "name,day\na,03.02.2013 10:00\nb,03.02.2013 10:00 -0500\n")
    hours = {name: day.hour for name, day in data_lake.rows("silver.towns")}
    assert hours == {"a": 9, "b": 15}


def test_times_of_day_may_have_a_format(data_lake: Any) -> None:
    formats(data_lake, "time", "HH.mm", format="HH:mm:ss")
    data_lake.put("towns", "name,day\na,10.30\nb,10:30:05\nc,10h\n")
    times = {name: str(day) for name, day in data_lake.rows("silver.towns")}
    assert times == {"a": "10:30:00", "b": "10:30:05"}


@pytest.mark.parametrize("kind", ["string", "integer"])
def test_formats_of_what_is_no_date_are_refused(data_lake: Any, kind: str) -> None:
    with pytest.raises(ContractError, match=f"is not honoured for {kind}"):
        formats(data_lake, kind, "dd/MM/yyyy")
