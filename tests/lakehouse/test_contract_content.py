"""Personal data, history, control totals, retention and checks in SQL, as contracts say them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from lakehouse.contract import (
    Contract,
    History,
    Query,
    Retention,
    Totals,
    Treatment,
    Waiver,
    load,
    load_all,
)
from lakehouse.errors import ContractError

SAMPLE = Path(__file__).with_name("trips.odcs.yaml").read_text("utf-8")
STRING = "logicalType: string\n"
READ = "  - property: read"
TABLE_QUALITY = "      - type: custom\n"
UNCUT = (
    ("  - property: partition\n    value: {granularity: month, start: 2013-01}\n", ""),
    ("        partitioned: true\n", ""),
)
Load = Callable[..., Contract]


def changed(*changes: tuple[str, str]) -> str:
    text = SAMPLE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Loads the sample with pairs of (old, new) replaced."""

    def read(*changes: tuple[str, str]) -> Contract:
        file = tmp_path / "trips.odcs.yaml"
        file.write_text(changed(*changes), "utf-8")
        return load(file)

    return read


def at_city(lines: str) -> tuple[str, str]:
    return (STRING, f"{STRING}        {lines}\n")


def at_top(property: str, value: str) -> tuple[str, str]:
    return (READ, f"  - {{property: {property}, value: {value}}}\n{READ}")


@pytest.mark.parametrize(
    ("treatment", "type"), [("drop", None), ("hash", "VARCHAR"), ("mask", "VARCHAR")]
)
def test_treatment_decides_what_is_published(
    read: Load, treatment: Treatment, type: str | None
) -> None:
    stop = "stop\n        logicalType: timestamp\n"
    custom = f"        customProperties: [{{property: privacy, value: {treatment}}}]\n"
    contract = read((stop, f"{stop}        classification: pii\n{custom}"))
    assert contract.column("stop").treatment == treatment
    published = {column.name: column.published_type for column in contract.published}
    assert published.get("stop") == type
    assert "stop" in [column.name for column in contract.read_columns]


def test_waiver_keeps_a_classified_column(read: Load) -> None:
    waiver = "{kinds: [name, geography], by: ann, reason: Names of towns.}"
    lines = (
        f"classification: pii\n        customProperties: [{{property: waiver, value: {waiver}}}]"
    )
    column = read(at_city(lines)).column("city")
    assert column.waiver == Waiver(("name", "geography"), "ann", "Names of towns.")
    assert column.treatment is None


def test_id_of_a_property_does_not_change_the_fingerprint(read: Load) -> None:
    before = read()
    with_id = read(at_city("id: town-name"))
    assert with_id.column("city").id == "town-name"
    assert with_id.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("value", "history"),
    [
        ("true", History()),
        ("{}", History()),
        ("{since: 2013-01-31}", History(date(2013, 1, 31))),
        (r"{pattern: 't_(\d+)\.csv'}", History(None, r"t_(\d+)\.csv")),
    ],
)
def test_history(read: Load, value: str, history: History) -> None:
    contract = read(*UNCUT, at_top("history", value))
    assert contract.history == history
    assert [column.name for column in contract.published[-2:]] == ["valid_from", "valid_to"]


def test_expectation_about_history(read: Load) -> None:
    contract = read(*UNCUT, at_top("history", "{}"), ("column: price", "column: valid_to"))
    assert contract.expectations[0].kwargs["column"] == "valid_to"


@pytest.mark.parametrize(
    ("value", "totals"),
    [
        (
            "{sideFile: '{stem}.json', rows: n, sums: {price: total}, files: 2}",
            Totals("{stem}.json", "n", {"price": "total"}, 2),
        ),
        ("{files: 1}", Totals(files=1)),
        ("{sideFile: '{name}.json', rows: n}", Totals("{name}.json", "n")),
    ],
)
def test_control_totals(read: Load, value: str, totals: Totals) -> None:
    assert read(at_top("controlTotals", value)).totals == totals


@pytest.mark.parametrize(
    ("value", "unit", "days"),
    [(10, "y", 3652.5), (6, "month", 182.625), (2, "w", 14), (90, "d", 90)],
)
def test_retention(read: Load, value: int, unit: str, days: float) -> None:
    level = f"  - {{property: retention, value: {value}, unit: {unit}, element: trips.day}}\nschema"
    contract = read(("schema", level))
    assert contract.retention == Retention("day", timedelta(days=days))
    assert contract.freshness is not None
    assert contract.fingerprint == read().fingerprint


@pytest.mark.parametrize("table", ["${table}", "{table}", "${object}", "{object}"])
@pytest.mark.parametrize("column", ["${column}", "{column}", "${property}", "{property}"])
def test_sql_check_of_a_property(read: Load, table: str, column: str) -> None:
    query = f"SELECT count(*) FROM {table} WHERE {column} = ''''"
    check = f"type: sql, query: '{query};', mustBe: 0, severity: warning, description: Why."
    made = read(at_city(f"quality: [{{{check}}}]")).queries
    sql = "SELECT count(*) FROM ${table} WHERE \"city\" = ''"
    assert made == (Query("sql__city", sql, "mustBe", 0.0, "warning", "Why."),)


@pytest.mark.parametrize(
    ("operator", "limit"),
    [
        ("mustBe: 3", 3.0),
        ("mustNotBe: 3", 3.0),
        ("mustBeGreaterThan: 0.5", 0.5),
        ("mustBeGreaterOrEqualTo: 3", 3.0),
        ("mustBeLessThan: 3", 3.0),
        ("mustBeLessOrEqualTo: 3", 3.0),
        ("mustBeBetween: [9, 5]", (5.0, 9.0)),
        ("mustNotBeBetween: [5, 9]", (5.0, 9.0)),
    ],
)
def test_sql_check_of_the_table(
    read: Load, operator: str, limit: float | tuple[float, float]
) -> None:
    sql = (
        "WITH cheap AS (SELECT * FROM ${table} WHERE price < 9) "
        "SELECT avg(price) / (SELECT count(*) FROM ${table}) FROM cheap"
    )
    check = (
        f"      - {{type: sql, name: cheap trips, query: '{sql}', {operator}, description: W.}}\n"
    )
    made = read((TABLE_QUALITY, check + TABLE_QUALITY)).queries
    assert made == (
        Query("cheap_trips", sql, operator.split(":", maxsplit=1)[0], limit, "error", "W."),
    )


def test_sql_check_sees_published_columns_only(read: Load) -> None:
    dropped = at_city("customProperties: [{property: privacy, value: drop}]")
    sql = "SELECT count(city) FROM ${table}"
    check = f"      - {{type: sql, query: '{sql}', mustBe: 0, description: W.}}\n"
    with pytest.raises(ContractError, match='column "city" not found'):
        read(dropped, (TABLE_QUALITY, check + TABLE_QUALITY))


def test_a_changed_query_changes_the_fingerprint(read: Load) -> None:
    def with_limit(limit: int) -> str:
        sql = "SELECT count(*) FROM ${table}"
        check = f"      - {{type: sql, query: '{sql}', mustBe: {limit}, description: W.}}\n"
        return read((TABLE_QUALITY, check + TABLE_QUALITY)).fingerprint

    assert with_limit(1) != with_limit(2)


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        ("hash", "hash", None),
        ("hash", None, r":44: .*'city' is hashed, the column referred to is kept as it is"),
        (None, "drop", r":44: .*'city' is kept as it is, the column referred to is dropped"),
        ("mask", "mask", r":44: .*'city' is masked, the column referred to is masked"),
    ],
)
def test_references_compare_values_that_are_treated_alike(
    tmp_path: Path, here: str | None, there: str | None, why: str | None
) -> None:
    def write(dataset: str, treatment: str | None, more: str) -> None:
        privacy = f"        customProperties: [{{property: privacy, value: {treatment}}}]\n"
        lines = STRING + more + (privacy if treatment else "")
        text = changed((STRING, lines)).replace("trips", dataset)
        (tmp_path / f"{dataset}.odcs.yaml").write_text(text, "utf-8")

    write("alpha", here, "        relationships: [{to: zeta.city}]\n")
    write("zeta", there, "")
    if why is None:
        assert set(load_all(tmp_path)) == {"alpha", "zeta"}
    else:
        with pytest.raises(ContractError, match=why):
            load_all(tmp_path)
