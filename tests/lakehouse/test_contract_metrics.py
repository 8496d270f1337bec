"""The library of metrics: what each comparison counts, run on rows."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from lakehouse.contract import Contract, Query, load

SAMPLE = Path(__file__).with_name("trips.odcs.yaml").read_text("utf-8")
STRING = "logicalType: string\n"
TABLE_QUALITY = "      - type: custom\n"
ROWS = "(1, 'A'), (2, 'A'), (3, 'B'), (4, '-'), (4, NULL), (NULL, NULL), (7, 'A'), (1, 'A')"
At = Callable[[str], Contract]


@pytest.fixture
def city(tmp_path: Path) -> At:
    """Loads the sample with one more check at its text column."""

    def load_with(check: str) -> Contract:
        file = tmp_path / "trips.odcs.yaml"
        line = f"        quality: [{{{check}, description: Why.}}]\n"
        file.write_text(SAMPLE.replace(STRING, STRING + line, 1), "utf-8")
        return load(file)

    return load_with


@pytest.fixture
def table(tmp_path: Path) -> At:
    """Loads the sample with one more check at its table."""

    def load_with(check: str) -> Contract:
        file = tmp_path / "trips.odcs.yaml"
        line = f"      - {{{check}, description: Why.}}\n"
        file.write_text(SAMPLE.replace(TABLE_QUALITY, line + TABLE_QUALITY, 1), "utf-8")
        return load(file)

    return load_with


def counted(query: Query, rows: str = ROWS) -> float | None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE r (id INTEGER, city VARCHAR)")
        if rows:
            connection.execute(f"INSERT INTO r VALUES {rows}")
        found = connection.execute(query.sql.replace("${table}", "r")).fetchone()
    assert found is not None
    number: float | None = found[0]
    return number


@pytest.mark.parametrize(
    ("check", "rows", "percent"),
    [
        ("metric: nullValues", 2, 25.0),
        ("metric: missingValues, arguments: {missingValues: [null, '-']}", 3, 37.5),
        ("metric: missingValues, arguments: {missingValues: ['-']}", 1, 12.5),
        ("metric: invalidValues, arguments: {validValues: [A]}", 2, 25.0),
        ("metric: invalidValues, arguments: {pattern: '[A-Z]'}", 1, 12.5),
        ("metric: invalidValues, arguments: {validValues: [A, '-'], pattern: '[A-Z]'}", 2, 25.0),
        ("metric: duplicateValues", 3, 37.5),
    ],
)
def test_tolerated_values_are_counted(city: At, check: str, rows: int, percent: float) -> None:
    [query] = city(f"{check}, mustBeLessThan: 5").queries
    assert (query.operator, query.limit, counted(query)) == ("mustBeLessThan", 5.0, rows)
    assert query.name == f"{check.split()[1].strip(',')}__city"
    [query] = city(f"{check}, mustBeLessThan: 5, unit: percent").queries
    assert counted(query) == percent
    assert counted(query, "") is None


def test_repeated_combinations_are_counted_where_nothing_is_null(table: At) -> None:
    check = "metric: duplicateValues, arguments: {properties: [id, city]}, mustBeBetween: [0, 2]"
    [query] = table(check).queries
    assert (query.limit, counted(query)) == ((0.0, 2.0), 1)
    [query] = table(f"{check}, unit: percent").queries
    assert counted(query) == 12.5


@pytest.mark.parametrize("operator", ["mustNotBe: 0", "mustNotBeBetween: [3, 5]"])
def test_row_counts_that_must_not_be(table: At, operator: str) -> None:
    [query] = table(f"metric: rowCount, {operator}").queries
    assert (query.name, query.operator) == ("rowCount__trips", operator.split(":", maxsplit=1)[0])
    assert counted(query) == 8


@pytest.mark.parametrize("metric", ["nullValues", "missingValues", "invalidValues"])
def test_zero_with_a_warning_is_expected_of_what_remains(city: At, metric: str) -> None:
    listed = {"nullValues": "", "missingValues": ", arguments: {missingValues: [x]}"}
    more = listed.get(metric, ", arguments: {validValues: [x]}")
    contract = city(f"metric: {metric}, mustBe: 0, severity: warning{more}")
    made = (*contract.queries, *contract.expectations)[0]
    assert made.severity == "warning"
    assert not [rule for rule in contract.rules if rule.column == "city"]


def test_a_tolerated_share_of_nulls_is_an_expectation_with_mostly(city: At) -> None:
    contract = city("metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent")
    assert contract.expectations[0].kwargs == {"column": "city", "mostly": 0.95}
    assert not contract.queries


def test_ids_tell_two_checks_of_one_column_apart(city: At) -> None:
    expectation = (
        "type: custom, engine: greatExpectations, implementation: {{type: "
        "expect_column_values_to_not_be_null, kwargs: {{mostly: 0.9, row_condition: 'id > {0}'}}, "
        "meta: {{notes: Why., owner: ann}}}}, id: above-{0}, description: x}}, {{"
    )
    text = expectation.format(1) + expectation.format(2) + "type: text"
    first, second, *_ = city(text).expectations
    assert first.name == "expect_column_values_to_not_be_null__city__above-1"
    assert second.name == "expect_column_values_to_not_be_null__city__above-2"
    assert first.kwargs == {"mostly": 0.9, "row_condition": "id > 1", "column": "city"}
    assert (first.notes, first.meta) == ("Why.", {"owner": "ann"})


@pytest.mark.parametrize(
    ("format", "type", "sql"),
    [
        ("i8", "INTEGER", '"city" BETWEEN -128 AND 127'),
        ("i16", "INTEGER", '"city" BETWEEN -32768 AND 32767'),
        ("u8", "INTEGER", '"city" BETWEEN 0 AND 255'),
        ("u16", "INTEGER", '"city" BETWEEN 0 AND 65535'),
        ("u32", "BIGINT", '"city" BETWEEN 0 AND 4294967295'),
    ],
)
def test_narrow_integers_are_rules(tmp_path: Path, format: str, type: str, sql: str) -> None:
    file = tmp_path / "trips.odcs.yaml"
    line = f"logicalType: integer\n        logicalTypeOptions: {{format: {format}}}\n"
    file.write_text(SAMPLE.replace(STRING, line, 1), "utf-8")
    contract = load(file)
    assert contract.column("city").type == type
    assert [(r.name, r.sql) for r in contract.rules if r.column == "city"] == [
        (f"city fits {format}", sql)
    ]


def test_the_format_of_a_text_is_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "trips.odcs.yaml"
    line = f"{STRING}        logicalTypeOptions: {{format: email}}\n"
    file.write_text(SAMPLE.replace(STRING, line, 1), "utf-8")
    names = [rule.name for rule in load(file).rules if rule.column == "city"]
    assert names == ["city is an email address"]
