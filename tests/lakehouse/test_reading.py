"""Cells that look like values and are none, and files that are not quite CSV: the exact outcome."""

import math
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

COLUMNS = [
    {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "whole", "logicalType": "integer"},
    {"name": "large", "logicalType": "integer", "logicalTypeOptions": {"format": "i64"}},
    {"name": "real", "logicalType": "number"},
    {"name": "exact", "logicalType": "number", "physicalType": "DECIMAL(6,2)"},
    {"name": "flag", "logicalType": "boolean"},
    {"name": "day", "logicalType": "date"},
    {"name": "german", "logicalType": "date", "logicalTypeOptions": {"format": "dd.MM.yyyy"}},
    {"name": "moment", "logicalType": "timestamp"},
    {
        "name": "local",
        "logicalType": "timestamp",
        "logicalTypeOptions": {"timezone": False, "defaultTimezone": "America/New_York"},
    },
    {"name": "clock", "logicalType": "time"},
    {"name": "word", "logicalType": "string"},
]
NAMES = [str(column["name"]) for column in COLUMNS]
HEADER = ",".join(NAMES) + "\n"
GOOD = "-1" + "," * (len(NAMES) - 1) + "\n"  # a table without any row is refused


@pytest.fixture
def cells(data_lake: Any) -> Any:
    """Reads one cell of a column: its value, or the list of what is wrong with it."""
    data_lake.declare("cells", delivery="full", columns=COLUMNS, limit=1)

    def read(column: str, *texts: str) -> list[Any]:
        rows = "".join(line(n, column, text) for n, text in enumerate(texts))
        data_lake.put("cells", HEADER + GOOD + rows)
        good = dict(data_lake.rows("silver.cells", "id", column))
        bad = dict(data_lake.rows("quarantine.cells", "line", "rules"))
        return [good[n] if n in good else bad[n + 3] for n in range(len(texts))]

    return read


def line(number: int, column: str, text: str) -> str:
    return ",".join({"id": str(number), column: text}.get(name, "") for name in NAMES) + "\n"


def test_integers(cells: Any) -> None:
    texts = ("7", "-7", "+7", "007", "7.0", "7e2", " 7 ", "2147483647", "-2147483648")
    assert cells("whole", *texts) == [7, -7, 7, 7, 7, 700, 7, 2147483647, -2147483648]


NO_INTEGER = ("3.7", "1_000", "0x10", "abc", "NaN", "inf", "2147483648", "9" * 30, "1 2", "٣")


@pytest.mark.parametrize("beside", ["7", "1_0"])
def test_what_is_no_integer_is_told_with_its_text(cells: Any, beside: str) -> None:
    found = cells("whole", beside, *NO_INTEGER)
    assert found[1:] == [[f"whole: '{text}' is not an integer"] for text in NO_INTEGER]


def test_large_integers_are_exact(cells: Any) -> None:
    texts = ("9223372036854775807", "-9223372036854775808", "9007199254740993")
    assert cells("large", *texts) == [2**63 - 1, -(2**63), 2**53 + 1]


def test_an_integer_beyond_64_bits_is_told(cells: Any) -> None:
    assert cells("large", "9223372036854775808", "1.5") == [
        ["large: '9223372036854775808' is not an integer"],
        ["large: '1.5' is not an integer"],
    ]


def test_numbers(cells: Any) -> None:
    texts = ("3.7", "-.5", "1e3", "1e-300", "1.7976931348623157e308", "0.1")
    assert cells("real", *texts) == [3.7, -0.5, 1000, 1e-300, 1.7976931348623157e308, 0.1]


@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity", "1e999", "1_0.5", "0x1p3", "1.2.3"])
def test_what_is_no_finite_number_is_told(cells: Any, text: str) -> None:
    assert cells("real", text) == [[f"real: '{text}' is not a finite number"]]


def test_decimals_are_exact_or_told(cells: Any) -> None:
    found = cells("exact", "1234.56", "0.10", "1234.567", "12345.00", "1_0.0", "NaN")
    assert [str(value) for value in found[:2]] == ["1234.56", "0.10"]
    assert found[2:] == [
        ["exact: '1234.567' is not DECIMAL(6,2)"],
        ["exact: '12345.00' is not DECIMAL(6,2)"],
        ["exact: '1_0.0' is not DECIMAL(6,2)"],
        ["exact: 'NaN' is not DECIMAL(6,2)"],
    ]


def test_booleans(cells: Any) -> None:
    texts = ("true", "FALSE", "t", "f", "1", "0", "yes", "no")
    assert cells("flag", *texts) == [True, False, True, False, True, False, True, False]


@pytest.mark.parametrize("text", ["2", "ja", "truth", "1.0"])
def test_what_is_no_boolean_is_told(cells: Any, text: str) -> None:
    assert cells("flag", text) == [[f"flag: '{text}' is not true or false"]]


def test_dates(cells: Any) -> None:
    assert cells("day", "2013-02-28", "2012-02-29") == [date(2013, 2, 28), date(2012, 2, 29)]


NO_DATE = ("2013-02-29", "2013-13-01", "infinity", "-infinity", "epoch", "28.02.2013", "20130228")
NO_DATE += ("2013-02-28T10:00:00", "2013-02-28 00:00:00", "today")


@pytest.mark.parametrize("text", NO_DATE)
def test_what_is_no_date_is_told(cells: Any, text: str) -> None:
    assert cells("day", text) == [[f"day: '{text}' is not a date"]]


def test_dates_in_a_declared_format(cells: Any) -> None:
    assert cells("german", "28.02.2013", "2013-02-28", "31.02.2013") == [
        date(2013, 2, 28),
        ["german: '2013-02-28' is not a date in the form %d.%m.%Y"],
        ["german: '31.02.2013' is not a date in the form %d.%m.%Y"],
    ]


def test_timestamps_are_stored_as_utc(cells: Any) -> None:
    texts = ("2013-01-05T10:00:00Z", "2013-01-05 10:00:00+02:00", "2013-01-05T10:00:00")
    assert cells("moment", *texts) == [
        datetime(2013, 1, 5, 10, tzinfo=UTC),
        datetime(2013, 1, 5, 8, tzinfo=UTC),
        datetime(2013, 1, 5, 10, tzinfo=UTC),
    ]


NO_TIME = ("2012-06-30T23:59:60Z", "infinity", "epoch", "2013-01-05T25:00:00Z", "now", "10:00")


@pytest.mark.parametrize("text", NO_TIME)
def test_what_is_no_timestamp_is_told(cells: Any, text: str) -> None:
    assert cells("moment", text) == [[f"moment: '{text}' is not a date and time"]]


def test_local_timestamps_follow_the_declared_zone(cells: Any) -> None:
    assert cells("local", "2013-01-05T10:00:00", "2013-07-05T10:00:00") == [
        datetime(2013, 1, 5, 15, tzinfo=UTC),
        datetime(2013, 7, 5, 14, tzinfo=UTC),
    ]


def test_an_hour_that_clocks_skip_is_told(cells: Any) -> None:
    assert cells("local", "2013-03-10T02:30:00", "2013-03-10T03:00:00") == [
        ["local: '2013-03-10T02:30:00' is not a date and time in America/New_York"],
        datetime(2013, 3, 10, 7, tzinfo=UTC),
    ]


def test_of_an_hour_that_clocks_repeat_the_second_is_meant(cells: Any) -> None:
    assert cells("local", "2013-11-03T00:59:00", "2013-11-03T01:30:00") == [
        datetime(2013, 11, 3, 4, 59, tzinfo=UTC),
        datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
    ]


def test_an_offset_in_the_file_goes_before_the_declared_zone(cells: Any) -> None:
    texts = ("2013-03-10T02:30:00Z", "2013-01-05T10:00:00+02:00", "2013-01-05 10:00:00-05")
    assert cells("local", *texts) == [
        datetime(2013, 3, 10, 2, 30, tzinfo=UTC),
        datetime(2013, 1, 5, 8, tzinfo=UTC),
        datetime(2013, 1, 5, 15, tzinfo=UTC),
    ]


def test_what_is_no_time_of_day_is_told(cells: Any) -> None:
    texts = ("25:00:00", "noon", "24:00:00", "10:00:60", "10:00:00 abc", "2013-01-01 10:00:00")
    assert cells("clock", *texts) == [[f"clock: '{text}' is not a time of day"] for text in texts]


def test_times_of_day(cells: Any) -> None:
    assert cells("clock", "10:00", "7:05:03", "23:59:59.5") == [
        time(10),
        time(7, 5, 3),
        time(23, 59, 59, 500000),
    ]


def test_texts_are_taken_as_they_are(cells: Any) -> None:
    texts = (" padded ", "NA", "null", "Zoë", "a_b", "'", "\t")
    assert cells("word", *texts) == list(texts)


def test_null_tokens_are_null_in_every_type(data_lake: Any) -> None:
    data_lake.declare("cells", delivery="full", columns=COLUMNS, read={"nulls": ["NA", "-"]})
    data_lake.put("cells", HEADER + "1" + ",NA" * 11 + "\n2" + ",-" * 11 + "\n")
    assert [row[1:] for row in data_lake.rows("silver.cells")] == [(None,) * 11] * 2


def test_all_finite_values_survive(cells: Any) -> None:
    assert all(math.isfinite(value) for value in cells("real", "0", "-0.0", "5e-324"))
