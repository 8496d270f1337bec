"""What a contract says is what the engine gets."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from lakehouse.contract import (
    Column,
    Contract,
    Freshness,
    Partition,
    ReadOptions,
    Reference,
    Rule,
    load,
    load_all,
    order,
)
from lakehouse.errors import ContractError

SAMPLE = Path(__file__).with_name("trips.odcs.yaml").read_text("utf-8")
STRING = "logicalType: string\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the sample with pairs of (old, new) replaced."""

    def write(*changes: tuple[str, str], dataset: str = "trips") -> Path:
        text = SAMPLE
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file = tmp_path / f"{dataset}.odcs.yaml"
        file.write_text(text.replace("trips", dataset), "utf-8")
        return file

    return write


@pytest.fixture
def city(write: Write) -> Callable[[str], Contract]:
    """Loads the sample with more lines at its text column."""
    return lambda lines: load(write((STRING, STRING + "        " + lines + "\n")))


def rules_of(contract: Contract, column: str) -> list[tuple[str, str]]:
    return [(rule.name, rule.sql) for rule in contract.rules if rule.column == column]


def typed(write: Write, logical: str, options: str = "{}") -> Column:
    new = f"logicalType: {logical}\n        logicalTypeOptions: {options}\n"
    return load(write((STRING, new))).column("city")


def test_header_of_the_contract(write: Write) -> None:
    contract = load(write())
    assert (contract.dataset, contract.version, contract.domain) == ("trips", "1.2.0", "travel")
    assert (contract.owner, contract.tags) == ("travel-team", ("demo",))
    assert contract.description == "Trips, one row each.\n\nShows trips."


def test_composite_key_is_in_the_order_of_its_positions(write: Write) -> None:
    swapped = write(("Position: 1", "Position: 0"), ("Position: 2", "Position: 1"),
                    ("Position: 0", "Position: 2"))  # fmt: skip
    assert load(swapped).key == ("start", "id")


def test_key_and_partition_columns_are_required(write: Write) -> None:
    required = {column.name for column in load(write()).columns if column.required}
    assert required == {"id", "start", "day"}


def test_partition(write: Write) -> None:
    contract = load(write())
    assert contract.partition == Partition("day", "month", date(2013, 1, 1))
    assert (
        Rule("day not before 2013-01-01", "\"day\" >= DATE '2013-01-01'", "day") in contract.rules
    )


@pytest.mark.parametrize(("granularity", "start"), [("day", "2013-01-01"), ("year", "2013")])
def test_partition_start_is_written_as_partitions_are_named(
    write: Write, granularity: str, start: str
) -> None:
    changed = write(
        ("granularity: month, start: 2013-01", f"granularity: {granularity}, start: {start}")
    )
    assert load(changed).partition == Partition("day", granularity, date(2013, 1, 1))  # type: ignore[arg-type]


def test_partitioned_datasets_replace_by_default(write: Write) -> None:
    assert load(write()).delivery == "replace"


def test_whole_datasets_are_delivered_in_full_by_default(write: Write) -> None:
    whole = write(
        ("  - property: partition\n    value: {granularity: month, start: 2013-01}\n", ""),
        ("        partitioned: true\n", ""),
    )
    assert load(whole).delivery == "full"


def test_incremental_needs_a_key(write: Write) -> None:
    keyless = write(
        ("        primaryKey: true\n        primaryKeyPosition: 1\n", ""),
        ("        primaryKey: true\n        primaryKeyPosition: 2\n", ""),
        ("  - property: read", "  - {property: delivery, value: incremental}\n  - property: read"),
    )
    with pytest.raises(ContractError, match="merges by key"):
        load(keyless)


def test_quarantine_limit_defaults_to_five_percent(write: Write) -> None:
    assert load(write()).limit == 0.05


def test_read_options(write: Write) -> None:
    assert load(write()).read == ReadOptions("csv", ";", '"', ("NA",))


def test_freshness(write: Write) -> None:
    assert load(write()).freshness == Freshness("start", timedelta(days=2))
    minutes = write(("value: 2, unit: d", "value: 90, unit: m"))
    assert load(minutes).freshness == Freshness("start", timedelta(minutes=90))


def test_unit_and_description_of_a_column(write: Write) -> None:
    price = load(write()).column("price")
    assert (price.unit, price.description) == ("EUR", "What was paid.")


def test_computed_column_is_null_where_it_cannot_be_computed(write: Write) -> None:
    day = load(write()).column("day")
    assert (day.transform, day.sources) == ("TRY(CAST(start AS DATE))", ("start",))


@pytest.mark.parametrize(
    ("logical", "options", "type"),
    [
        ("string", "{}", "VARCHAR"),
        ("integer", "{}", "INTEGER"),
        ("integer", "{format: i32}", "INTEGER"),
        ("integer", "{format: i64}", "BIGINT"),
        ("number", "{}", "DOUBLE"),
        ("number", "{format: f32}", "FLOAT"),
        ("number", "{format: f64}", "DOUBLE"),
        ("boolean", "{}", "BOOLEAN"),
        ("date", "{}", "DATE"),
        ("timestamp", "{}", "TIMESTAMPTZ"),
        ("time", "{}", "TIME"),
    ],
)
def test_logical_types(write: Write, logical: str, options: str, type: str) -> None:
    assert typed(write, logical, options).type == type


def test_decimals_are_declared_as_physical_type(write: Write) -> None:
    decimal = write((STRING, "logicalType: number\n        physicalType: DECIMAL(9,2)\n"))
    assert load(decimal).column("city").type == "DECIMAL(9,2)"


@pytest.mark.parametrize(
    ("jdk", "strptime"),
    [
        ("yyyy-MM-dd", None),
        ("dd/MM/yyyy", "%d/%m/%Y"),
        ("d.M.yy", "%-d.%-m.%y"),
        ("yyyyMMdd'T'", "%Y%m%dT"),
    ],
)
def test_formats_are_translated_from_the_jdk(write: Write, jdk: str, strptime: str | None) -> None:
    made = typed(write, "date", f'{{format: "{jdk}"}}').formats
    assert made == ((strptime,) if strptime else ())


def test_default_zone_of_timestamps(write: Write) -> None:
    assert typed(write, "timestamp", "{defaultTimezone: Europe/Paris}").zone == "Europe/Paris"
    assert typed(write, "timestamp", "{defaultTimezone: Etc/UTC}").zone is None


@pytest.mark.parametrize(
    ("logical", "options", "name", "sql"),
    [
        ("integer", "{minimum: 1, maximum: 9}", "city between 1 and 9", '"city" BETWEEN 1 AND 9'),
        ("integer", "{minimum: 1}", "city at least 1", '"city" >= 1'),
        ("integer", "{maximum: 9}", "city at most 9", '"city" <= 9'),
        ("integer", "{exclusiveMinimum: 1}", "city greater than 1", '"city" > 1'),
        ("integer", "{exclusiveMaximum: 9}", "city less than 9", '"city" < 9'),
        ("integer", "{multipleOf: 5}", "city is a multiple of 5", '"city" % 5 = 0'),
        ("string", "{minLength: 2}", "city has at least 2 characters", 'length("city") >= 2'),
        ("string", "{maxLength: 9}", "city has at most 9 characters", 'length("city") <= 9'),
        ("string", "{minLength: 2, maxLength: 2}", "city has 2 characters",
         'length("city") BETWEEN 2 AND 2'),
        ("string", "{pattern: ^N}", "city matches ^N", "regexp_matches(\"city\", '^N')"),
        ("date", "{minimum: 2013-01-01}", "city at least 2013-01-01",
         "\"city\" >= DATE '2013-01-01'"),
        ("timestamp", "{defaultTimezone: Europe/Paris, minimum: '2013-01-01T00:00:00'}",
         "city at least 2013-01-01T00:00:00",
         "\"city\" >= TIMESTAMPTZ '2012-12-31 23:00:00+00:00'"),
        ("time", "{maximum: '12:30'}", "city at most 12:30", "\"city\" <= TIME '12:30:00'"),
        ("number", "{}", "city is a finite number", 'isfinite("city")'),
    ],
)  # fmt: skip
def test_options_become_rules(
    write: Write, logical: str, options: str, name: str, sql: str
) -> None:
    changed = write((STRING, f"logicalType: {logical}\n        logicalTypeOptions: {options}\n"))
    assert rules_of(load(changed), "city") == [(name, sql)]


def test_required_is_a_rule(city: Callable[[str], Contract]) -> None:
    assert rules_of(city("required: true"), "city") == [("city is required", '"city" IS NOT NULL')]


def test_enum_is_a_rule(city: Callable[[str], Contract]) -> None:
    contract = city("enum: [{value: NO}, {value: it's}]")
    assert rules_of(contract, "city") == [("city in NO, it's", "\"city\" IN ('NO', 'it''s')")]


@pytest.mark.parametrize(
    ("check", "rules"),
    [
        ("{metric: nullValues, mustBe: 0}", ["city is required"]),
        ("{metric: missingValues, mustBe: 0, arguments: {missingValues: [null, '-']}}",
         ["city is required", "city not in '-'"]),
        ("{metric: invalidValues, mustBe: 0, arguments: {validValues: [A, B]}}", ["city in A, B"]),
        ("{metric: invalidValues, mustBe: 0, arguments: {pattern: ^A}}", ["city matches ^A"]),
        ("{type: text, description: Ask the mayor.}", []),
    ],
)  # fmt: skip
def test_checks_of_a_row_become_rules(
    city: Callable[[str], Contract], check: str, rules: list[str]
) -> None:
    contract = city(f"quality: [{check}]")
    assert [name for name, _ in rules_of(contract, "city")] == rules
    assert len(contract.expectations) == 1


@pytest.mark.parametrize(
    ("check", "type", "kwargs"),
    [
        ("metric: nullValues, unit: percent, mustBeLessOrEqualTo: 5",
         "expect_column_values_to_not_be_null", {"column": "city", "mostly": 0.95}),
        ("metric: duplicateValues, mustBe: 0",
         "expect_column_values_to_be_unique", {"column": "city"}),
        ("type: custom, engine: greatExpectations, implementation: {expectation_type: "
         "expect_column_value_lengths_to_equal, kwargs: {value: 3}, "
         "meta: {notes: {format: markdown, content: [Why.]}}}",
         "expect_column_value_lengths_to_equal", {"column": "city", "value": 3}),
    ],
)  # fmt: skip
def test_checks_of_a_column_become_expectations(
    city: Callable[[str], Contract], check: str, type: str, kwargs: dict[str, object]
) -> None:
    made = city(f"quality: [{{{check}, severity: warning, description: Why.}}]").expectations[0]
    assert (made.type, made.kwargs, made.severity, made.notes) == (type, kwargs, "warning", "Why.")


@pytest.mark.parametrize(
    ("operator", "kwargs"),
    [
        ("mustBe: 5", {"value": 5}),
        ("mustBeBetween: [9, 5]", {"min_value": 5, "max_value": 9}),
        ("mustBeGreaterThan: 5", {"min_value": 6}),
        ("mustBeGreaterOrEqualTo: 5", {"min_value": 5}),
        ("mustBeLessThan: 5", {"max_value": 4}),
        ("mustBeLessOrEqualTo: 5", {"max_value": 5}),
    ],
)
def test_row_counts_become_expectations(
    write: Write, operator: str, kwargs: dict[str, object]
) -> None:
    check = f"      - {{metric: rowCount, {operator}, description: Why.}}\n"
    contract = load(write(("      - type: custom\n", check + "      - type: custom\n")))
    assert contract.expectations[0].kwargs == kwargs
    assert contract.expectations[0].severity == "error"


def test_duplicates_of_several_columns(write: Write) -> None:
    check = (
        "      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, city]},"
        " description: Why.}\n"
    )
    made = load(write(("      - type: custom\n", check + "      - type: custom\n"))).expectations[0]
    assert made.type == "expect_compound_columns_to_be_unique"
    assert made.kwargs == {"column_list": ["id", "city"]}


def test_unique_column_beside_a_key_is_expected(city: Callable[[str], Contract]) -> None:
    contract = city("unique: true")
    assert contract.key == ("id", "start")
    assert contract.expectations[0].type == "expect_column_values_to_be_unique"


def test_single_unique_column_is_the_key_where_none_is_named(write: Write) -> None:
    whole = write(
        ("  - property: partition\n    value: {granularity: month, start: 2013-01}\n", ""),
        ("        partitioned: true\n", ""),
        ("        primaryKey: true\n        primaryKeyPosition: 1\n", ""),
        ("        primaryKey: true\n        primaryKeyPosition: 2\n", ""),
        (STRING, STRING + "        unique: true\n"),
    )
    contract = load(whole)
    assert contract.key == ("city",)
    assert contract.column("city").required
    assert len(contract.expectations) == 1


def test_row_rule(write: Write) -> None:
    assert load(write()).rules[-1] == Rule("ends after it starts", "TRY(stop >= start)")


def test_relationship_of_a_property(city: Callable[[str], Contract]) -> None:
    contract = city("relationships: [{to: cities.name}]")
    assert contract.references == (Reference(("city",), "cities", ("name",), "report"),)


def test_relationship_of_several_columns_with_orphans_quarantined(write: Write) -> None:
    relation = (
        "    relationships:\n      - from: [trips.city, trips.day]\n"
        "        to: [fares.town, fares.day]\n"
        "        customProperties: [{property: orphans, value: quarantine}]\n"
    )
    contract = load(write(("    quality:\n", relation + "    quality:\n")))
    expected = Reference(("city", "day"), "fares", ("town", "day"), "quarantine")
    assert contract.references == (expected,)
    assert contract.pinned == (expected,)


def refer(write: Write, dataset: str, to: str) -> None:
    write((STRING, f"{STRING}        relationships: [{{to: {to}}}]\n"), dataset=dataset)


def test_references_order_the_datasets(write: Write, tmp_path: Path) -> None:
    refer(write, "alpha", "zeta.city")
    write(dataset="zeta")
    write(dataset="beta")
    contracts = load_all(tmp_path)
    assert list(contracts) == ["alpha", "beta", "zeta"]
    assert order(contracts) == ("beta", "zeta", "alpha")


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("zetta.city", r":44: .*there is no dataset 'zetta'. Did you mean 'zeta'\?"),
        ("zeta.citi", r":44: .*'zeta' has no column 'citi'. Did you mean 'city'\?"),
        ("zeta.id", r":44: .*'city' is VARCHAR, 'zeta.id' is INTEGER"),
    ],
)
def test_unknown_references_are_refused(write: Write, tmp_path: Path, to: str, why: str) -> None:
    refer(write, "alpha", to)
    write(dataset="zeta")
    with pytest.raises(ContractError, match=why):
        load_all(tmp_path)


def test_circles_are_refused(write: Write, tmp_path: Path) -> None:
    refer(write, "alpha", "beta.city")
    refer(write, "beta", "alpha.city")
    with pytest.raises(ContractError, match="form a circle: alpha → beta → alpha"):
        load_all(tmp_path)


def test_prose_does_not_change_the_fingerprint_and_a_rule_does(write: Write) -> None:
    before = load(write()).fingerprint
    assert load(write(("Shows trips.", "All trips."))).fingerprint == before
    assert load(write(("maximum: 500", "maximum: 600"))).fingerprint != before
