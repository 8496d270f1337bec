"""Whatever a contract cannot keep is refused by name; each message is a golden text."""
# ruff: noqa: E501 (a case is easier to read on one line)

from pathlib import Path

import pytest

from lakehouse.contract import load
from lakehouse.errors import ContractError

SAMPLE = Path(__file__).with_name("trips.odcs.yaml").read_text("utf-8")
GOLDEN = Path(__file__).parents[1] / "golden" / "errors" / "contracts.txt"
ID, PRICE, CITY = "logicalType: integer\n", "{minimum: 0, maximum: 500}", "logicalType: string\n"
CITY_OPTIONS = CITY + "        logicalTypeOptions: "
CITY_QUALITY = CITY + "        quality: [{"
TABLE_QUALITY = "      - type: custom\n"
GX = "type: expect_column_mean_to_be_between"
RULE = "stop >= start"
TRANSFORM = "CAST(start AS DATE)"
SLA = "{property: freshness, value: 2, unit: d, element: trips.start}"
TOP = "id: trips\n"

# name of the case: (text of the sample, what stands there instead)
CASES = {
    # the document
    "not yaml": (TOP, "id: [trips\n"),
    "key twice": (TOP, TOP + "id: other\n"),
    "alias": (TOP, "id: &a trips\ntenant: *a\n"),
    "old standard": ("apiVersion: v3.1.0", "apiVersion: v2.2.2"),
    # keys
    "unknown key": (TOP, TOP + "domian: travel\n"),
    "unknown property key": (CITY, CITY + "        requird: true\n"),
    "unknown option": (PRICE, "{minimun: 0}"),
    "wrong type": (PRICE, "{minimum: low}"),
    "unknown documentation key": ("  name: travel-team", "  name: travel-team\n  membres: []"),
    "servers": (TOP, TOP + "servers: []\n"),
    "roles": (TOP, TOP + "roles: []\n"),
    "default element": (TOP, TOP + "slaDefaultElement: trips.start\n"),
    "physicalName": (CITY, CITY + "        physicalName: town\n"),
    "encryptedName": (CITY, CITY + "        encryptedName: town\n"),
    "unknown custom property": ("property: partition", "property: partitions"),
    "custom property twice": ("property: partition", "property: read"),
    "property custom property": ("property: unit", "property: units"),
    # the dataset
    "several objects": ("schema:\n", "schema:\n  - name: others\n"),
    "name is not the file's": ("  - name: trips", "  - name: voyages"),
    "hostile dataset name": ("  - name: trips", "  - name: ../trips"),
    "hostile column name": ("name: city", "name: 'city\"; DROP TABLE x'"),
    "column twice": ("name: city", "name: PRICE"),
    "no owner": ("team:\n  name: travel-team\n", ""),
    # types and options
    "array": (CITY, "logicalType: array\n"),
    "no type": (CITY, "description: none\n"),
    "narrow integer": (ID, ID + "        logicalTypeOptions: {format: i16}\n"),
    "physical type": (CITY, CITY + "        physicalType: VARCHAR(2)\n"),
    "string format": (CITY, CITY_OPTIONS + "{format: email}\n"),
    "pattern": (CITY, CITY_OPTIONS + "{pattern: '^(?=x)'}\n"),
    "empty range": (PRICE, "{minimum: 5, maximum: 1}"),
    "fraction of an integer": (ID, ID + "        logicalTypeOptions: {maximum: 3.5}\n"),
    "zone": ("stop\n        logicalType: timestamp\n",
             "stop\n        logicalType: timestamp\n"
             "        logicalTypeOptions: {defaultTimezone: America/New_Yrok}\n"),
    "date format": (CITY, "logicalType: date\n        logicalTypeOptions: {format: GGGG}\n"),
    "enum of another type": (ID, ID + "        enum: [{value: x}]\n"),
    "classification": (CITY, CITY + "        classification: pii\n"),
    "measure": (CITY, CITY + "        semanticType: measure\n"),
    # key and partition
    "key does not determine partition": ("primaryKey: true\n        primaryKeyPosition: 2\n", "required: true\n"),
    "gap in key": ("primaryKeyPosition: 2", "primaryKeyPosition: 3"),
    "no partition property": ("  - property: partition\n    value: {granularity: month, start: 2013-01}\n", ""),
    "no partitioned column": ("        partitioned: true\n", ""),
    "partition of text": (CITY, CITY + "        partitioned: true\n"),
    "partition start": ("start: 2013-01}", "start: 2013-13}"),
    "granularity": ("granularity: month", "granularity: monht"),
    "delivery": ("  - property: read", "  - {property: delivery, value: incremantal}\n  - property: read"),
    "limit": ("  - property: read", "  - {property: quarantineLimit, value: 5}\n  - property: read"),
    "delimiter": ('delimiter: ";"', 'delimiter: "||"'),
    "format": ("format: csv", "format: xlsx"),
    # SQL
    "typo in a rule": (RULE, "stopp >= start"),
    "subquery": (RULE, "stop >= (SELECT max(start) FROM trips)"),
    "second statement": (RULE, "true); DROP TABLE trips; SELECT (true"),
    "escape": (RULE, "true) FROM trips WHERE (true"),
    "comment": (RULE, "true --"),
    "clock": (RULE, "stop <= now()"),
    "clock as a name": (RULE, "stop <= current_date"),
    "aggregate": (RULE, "stop <= max(start)"),
    "window": (RULE, "row_number() OVER () > 1"),
    "setting": (RULE, "current_setting('threads') > 1"),
    "no predicate": (RULE, "price + 1"),
    "unknown function": (RULE, "lowr(city) = 'x'"),
    "rule without sql": ("sql: stop", "sq: stop"),
    "typo in a transform": (TRANSFORM, "CAST(strat AS DATE)"),
    "transform of another type": (TRANSFORM, "start"),
    "undeclared source": (TRANSFORM, "CAST(stop AS DATE)"),
    "unknown source": ("[start]", "[strat]"),
    # quality
    "sql check": (TABLE_QUALITY, "      - {type: sql, query: select 1, mustBe: 0}\n" + TABLE_QUALITY),
    "engine": ("engine: greatExpectations", "engine: soda"),
    "no notes": ("meta: {notes: Trips cost something.}", "meta: {}"),
    "unknown expectation": (GX, "type: expect_column_maen_to_be_between"),
    "expectation of unknown column": ("column: price", "column: prize"),
    "severity": ("severity: warning", "severity: critical"),
    "schedule": ("severity: warning", "severity: warning\n        schedule: daily"),
    "expectation twice": (TABLE_QUALITY, "      - {type: custom, engine: greatExpectations, implementation: {type: expect_column_mean_to_be_between, kwargs: {column: price}, meta: {notes: x}}}\n" + TABLE_QUALITY),
    "count without notes": (TABLE_QUALITY, "      - {metric: rowCount, mustBe: 5}\n" + TABLE_QUALITY),
    "tolerated invalid values": (CITY, CITY_QUALITY + "metric: invalidValues, mustBeLessThan: 5, arguments: {validValues: [x]}}]\n"),
    "invalid values of nothing": (CITY, CITY_QUALITY + "metric: invalidValues, mustBe: 0}]\n"),
    "unknown argument": (CITY, CITY_QUALITY + "metric: invalidValues, mustBe: 0, arguments: {validValues: [x], maximum: 3}}]\n"),
    "severity of a rule": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: 0, severity: warning}]\n"),
    # service levels and relationships
    "retention": (SLA, "{property: retention, value: 1, unit: y}"),
    "freshness of unknown column": (SLA, SLA.replace("start", "strat")),
    "freshness unit": (SLA, SLA.replace("unit: d", "unit: fortnight")),
    "orphans": (CITY, CITY + "        relationships: [{to: cities.name, customProperties: [{property: orphans, value: drop}]}]\n"),
    "qualified reference": (CITY, CITY + "        relationships: [{to: schema/x/properties/y}]\n"),
    "self reference": (CITY, CITY + "        relationships: [{to: trips.id}]\n"),
}  # fmt: skip


def message(folder: Path, case: str) -> str:
    """The message that a case is refused with, without the folder."""
    old, new = CASES[case]
    assert old in SAMPLE
    file = folder / "trips.odcs.yaml"
    file.write_text(SAMPLE.replace(old, new, 1), "utf-8")
    with pytest.raises(ContractError) as refused:
        load(file)
    return f"{case} | {str(refused.value).replace(str(folder) + '/', '')}"


@pytest.mark.parametrize("case", CASES)
def test_refusal_names_file_line_key_and_reason(case: str, tmp_path: Path) -> None:
    golden = {line.split(" | ")[0]: line for line in GOLDEN.read_text("utf-8").splitlines()}
    assert message(tmp_path, case) == golden[case]


def test_golden_file_has_no_case_that_is_gone() -> None:
    cases = [line.split(" | ")[0] for line in GOLDEN.read_text("utf-8").splitlines()]
    assert cases == list(CASES)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"none\.odcs\.yaml:1: file: cannot be read"):
        load(tmp_path / "none.odcs.yaml")


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "trips.odcs.yaml"
    file.write_bytes(b"id: \xff\xfe\n")
    with pytest.raises(ContractError, match="not UTF-8"):
        load(file)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "trips.odcs.yaml"
    file.write_text("")
    with pytest.raises(ContractError, match="not a mapping"):
        load(file)
