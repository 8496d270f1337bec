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

KEY = "primaryKey: true\n        primaryKeyPosition: "
UNCUT = (
    "  - property: partition\n    value: {granularity: month, start: 2013-01}\n",
    "",
    "        partitioned: true\n",
    "",
)
PRIVACY, WAIVER = (
    "customProperties: [{property: privacy, value: ",
    "customProperties: [{property: waiver, value: ",
)
READ, DAY = "  - property: read", "        partitioned: true\n"
HISTORY = "  - {property: history, value: "
TOTALS = "  - {property: controlTotals, value: "
KEPT = "  - {property: snapshots, value: "
SQL = "      - {type: sql, description: Why., mustBe: 0, query: "

# name of the case: (text of the sample, what stands there instead, and so on)
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
    "owners as a list": ("team:\n  name: travel-team\n", "team:\n  - username: ann\n"),
    # types and options
    "array": (CITY, "logicalType: array\n"),
    "no type": (CITY, "description: none\n"),
    "wide integer": (ID, ID + "        logicalTypeOptions: {format: u64}\n"),
    "physical type": (CITY, CITY + "        physicalType: VARCHAR(2)\n"),
    "string format": (CITY, CITY_OPTIONS + "{format: e-mail}\n"),
    "format without near": (CITY, CITY_OPTIONS + "{format: xyz}\n"),
    "format of a type": (CITY, CITY_OPTIONS + "{format: date-time}\n"),
    "format of input forms": (CITY, CITY_OPTIONS + "{format: password}\n"),
    "format of bytes": (CITY, CITY_OPTIONS + "{format: binary}\n"),
    "option of a boolean": (CITY, "logicalType: boolean\n        logicalTypeOptions: {minimum: 0}\n"),
    "offset without place": ("{timezone: true}", "{timezone: true, format: yyyy-MM-dd HH:mm}"),
    "offset denied": ("{timezone: true}", "{timezone: false, format: \"yyyy-MM-dd'T'HH:mm:ssXXX\"}"),
    "zone of a time": (CITY, "logicalType: time\n        logicalTypeOptions: {timezone: true}\n"),
    "pattern": (CITY, CITY_OPTIONS + "{pattern: '^(?=x)'}\n"),
    "empty range": (PRICE, "{minimum: 5, maximum: 1}"),
    "fraction of an integer": (ID, ID + "        logicalTypeOptions: {maximum: 3.5}\n"),
    "zone": ("stop\n        logicalType: timestamp\n",
             "stop\n        logicalType: timestamp\n"
             "        logicalTypeOptions: {defaultTimezone: America/New_Yrok}\n"),
    "date format": (CITY, "logicalType: date\n        logicalTypeOptions: {format: GGGG}\n"),
    "enum of another type": (ID, ID + "        enum: [{value: x}]\n"),
    "classification": (CITY, CITY + "        classification: pii\n"),
    "id twice": (ID, ID + "        id: a\n", CITY, CITY + "        id: a\n"),
    # columns in files
    "name of two columns in files": (CITY, CITY + "        customProperties: [{property: fileNames, value: [price]}]\n"),
    "name in files as a text": (CITY, CITY + "        customProperties: [{property: fileNames, value: town}]\n"),
    "names of a computed column": (DAY, DAY + "        customProperties: [{property: fileNames, value: [d]}]\n"),
    "absence as a text": (CITY, CITY + "        customProperties: [{property: mayBeAbsent, value: sometimes}]\n"),
    "absence of what is required": (CITY, CITY + "        required: true\n        customProperties: [{property: mayBeAbsent, value: true}]\n"),
    "absence without a header": ("format: csv,", "format: csv, header: false,", CITY, CITY + "        customProperties: [{property: mayBeAbsent, value: true}]\n"),
    "absence in objects": ('format: csv, delimiter: ";",', "format: ndjson,", CITY, CITY + "        customProperties: [{property: mayBeAbsent, value: true}]\n"),
    # personal data
    "unknown treatment": (CITY, CITY + f"        {PRIVACY}hide}}]\n"),
    "drop of a key": (ID, ID + f"        {PRIVACY}drop}}]\n"),
    "mask of a key": (ID, ID + f"        {PRIVACY}mask}}]\n"),
    "hash of the partition": (DAY, DAY + f"        {PRIVACY}hash}}]\n"),
    "waiver without reason": (CITY, CITY + f"        {WAIVER}{{kinds: [name], by: ann}}}}]\n"),
    "waiver without kinds": (CITY, CITY + f"        {WAIVER}{{by: ann, reason: names of towns}}}}]\n"),
    "typo in a waiver": (CITY, CITY + f"        {WAIVER}{{kind: [name], by: ann, reason: x}}}}]\n"),
    "waiver of an unknown kind": (CITY, CITY + f"        {WAIVER}{{kinds: [emial], by: ann, reason: x}}}}]\n"),
    "waiver of a treated column": (CITY, CITY + f"        {PRIVACY}hash}}, {{property: waiver, value: {{}}}}]\n"),
    "expectation of a dropped column": ("[{property: unit, value: EUR}]", "[{property: privacy, value: drop}]"),
    "condition on a dropped column": (CITY, CITY + f"        {PRIVACY}drop}}]\n", "{column: price, min_value: 1}", "{column: price, row_condition: \"city = 'Bonn'\"}"),
    "unique but dropped": (CITY, CITY + f"        unique: true\n        {PRIVACY}drop}}]\n"),
    "freshness of a hashed column": (SLA, SLA.replace("start", "stop"), "stop\n        logicalType: timestamp\n",
        f"stop\n        logicalType: timestamp\n        {PRIVACY}hash}}]\n"),
    # history
    "history of a partitioned dataset": (READ, HISTORY + "true}\n  - {property: delivery, value: full}\n" + READ),
    "history of replaced files": (READ, HISTORY + "true}\n" + READ),
    "history without a key": (*UNCUT, KEY + "1\n", "required: true\n", KEY + "2\n", "required: true\n", READ, HISTORY + "true}\n" + READ),
    "history says no": (*UNCUT, READ, HISTORY + "no}\n" + READ),
    "history with a typo": (*UNCUT, READ, HISTORY + "{sinse: 2013-01-01}}\n" + READ),
    "history since no day": (*UNCUT, READ, HISTORY + "{since: 2013}}\n" + READ),
    "history pattern": (*UNCUT, READ, HISTORY + "{pattern: 'trips_('}}\n" + READ),
    "history pattern without a group": (*UNCUT, READ, HISTORY + r"{pattern: 'trips_\d+\.csv'}}" + "\n" + READ),
    "history over a column": (*UNCUT, READ, HISTORY + "true}\n" + READ, "name: city", "name: valid_to"),
    # control totals
    "totals without side file": (READ, TOTALS + "{rows: rows}}\n" + READ),
    "totals of nothing": (READ, TOTALS + "{}}\n" + READ),
    "side file without totals": (READ, TOTALS + "{sideFile: '{name}.json'}}\n" + READ),
    "side file of one name": (READ, TOTALS + "{sideFile: totals.json, rows: rows}}\n" + READ),
    "side file elsewhere": (READ, TOTALS + "{sideFile: '../{name}.json', rows: rows}}\n" + READ),
    "side file of unknown parts": (READ, TOTALS + "{sideFile: '{nmae}.json', rows: rows}}\n" + READ),
    "sum of a text": (READ, TOTALS + "{sideFile: '{name}.json', sums: {city: c}}}\n" + READ),
    "sum of an unknown column": (READ, TOTALS + "{sideFile: '{name}.json', sums: {prize: p}}}\n" + READ),
    "files of a fraction": (READ, TOTALS + "{files: 1.5}}\n" + READ),
    "no snapshot kept": (READ, KEPT + "{keep: 0}}\n" + READ),
    "snapshots of no age": (READ, KEPT + "{days: -1}}\n" + READ),
    "snapshots with a typo": (READ, KEPT + "{kept: 5}}\n" + READ),
    "bronze deleted after no retention": (
        READ,
        "  - {property: bronzeRetention, value: delete}\n" + READ,
    ),
    "totals with a typo": (READ, TOTALS + "{file: 1}}\n" + READ),
    "measure": (CITY, CITY + "        semanticType: measure\n"),
    # key and partition
    "key does not determine partition": ("primaryKey: true\n        primaryKeyPosition: 2\n", "required: true\n"),
    "position without key": (CITY, CITY + "        primaryKeyPosition: 3\n"),
    "position without partition": (CITY, CITY + "        partitionKeyPosition: 1\n"),
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
    "sql check": (TABLE_QUALITY, SQL + "select 1}\n" + TABLE_QUALITY),
    "sql of two columns": (TABLE_QUALITY, SQL + "'SELECT 1, 2 FROM ${table}'}\n" + TABLE_QUALITY),
    "sql of a text": (TABLE_QUALITY, SQL + "'SELECT max(city) FROM ${table}'}\n" + TABLE_QUALITY),
    "sql of many rows": (TABLE_QUALITY, SQL + "'SELECT price FROM ${table}'}\n" + TABLE_QUALITY),
    "sql of groups": (TABLE_QUALITY, SQL + "'SELECT count(*) FROM ${table} GROUP BY city'}\n" + TABLE_QUALITY),
    "sql typo": (TABLE_QUALITY, SQL + "'SELECT max(prize) FROM ${table}'}\n" + TABLE_QUALITY),
    "sql of another table": (TABLE_QUALITY, SQL + "'SELECT count(*) FROM ${table} JOIN silver.fares ON true'}\n" + TABLE_QUALITY),
    "sql of a file": (TABLE_QUALITY, SQL + "\"SELECT count(*) FROM ${table}, read_csv('x.csv')\"}\n" + TABLE_QUALITY),
    "sql of the clock": (TABLE_QUALITY, SQL + "'SELECT count(*) FROM ${table} WHERE day > current_date'}\n" + TABLE_QUALITY),
    "sql of chance": (TABLE_QUALITY, SQL + "'SELECT count(*) FROM ${table} USING SAMPLE 10'}\n" + TABLE_QUALITY),
    "sql that writes": (TABLE_QUALITY, SQL + "'DELETE FROM ${table}'}\n" + TABLE_QUALITY),
    "sql of two statements": (TABLE_QUALITY, SQL + "'SELECT count(*) FROM ${table}; SELECT 1'}\n" + TABLE_QUALITY),
    "sql of a column at the table": (TABLE_QUALITY, SQL + "'SELECT max(${column}) FROM ${table}'}\n" + TABLE_QUALITY),
    "sql compared with a text": (TABLE_QUALITY, SQL.replace("0", "none") + "'SELECT count(*) FROM ${table}'}\n" + TABLE_QUALITY),
    "sql without description": (TABLE_QUALITY, SQL.replace("description: Why., ", "") + "'SELECT count(*) FROM ${table}'}\n" + TABLE_QUALITY),
    "sql twice": (TABLE_QUALITY, 2 * (SQL + "'SELECT count(*) FROM ${table}'}\n") + TABLE_QUALITY),
    "engine": ("engine: greatExpectations", "engine: soda"),
    "no notes": ("meta: {notes: Trips cost something.}", "meta: {}"),
    "unknown expectation": (GX, "type: expect_column_maen_to_be_between"),
    "expectation of unknown column": ("column: price", "column: prize"),
    "severity": ("severity: warning", "severity: critical"),
    "schedule": ("severity: warning", "severity: warning\n        schedule: daily"),
    "expectation twice": (TABLE_QUALITY, "      - {type: custom, engine: greatExpectations, implementation: {type: expect_column_mean_to_be_between, kwargs: {column: price}, meta: {notes: x}}}\n" + TABLE_QUALITY),
    "count without notes": (TABLE_QUALITY, "      - {metric: rowCount, mustBe: 5}\n" + TABLE_QUALITY),
    "tolerance without notes": (CITY, CITY_QUALITY + "metric: invalidValues, mustBeLessThan: 5, arguments: {validValues: [x]}}]\n"),
    "unit": (CITY, CITY_QUALITY + "metric: nullValues, mustBeLessThan: 5, unit: percents, description: x}]\n"),
    "share above all": (CITY, CITY_QUALITY + "metric: nullValues, mustBeLessThan: 105, unit: percent, description: x}]\n"),
    "count below none": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: -1, description: x}]\n"),
    "count of a text": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: none, description: x}]\n"),
    "percent of rows": (TABLE_QUALITY, "      - {metric: rowCount, mustBe: 5, unit: percent, description: x}\n" + TABLE_QUALITY),
    "fraction of a row": (TABLE_QUALITY, "      - {metric: rowCount, mustBeLessThan: 4.5, description: x}\n" + TABLE_QUALITY),
    "row count of a column": (CITY, CITY_QUALITY + "metric: rowCount, mustBe: 5, description: x}]\n"),
    "nulls of the table": (TABLE_QUALITY, "      - {metric: nullValues, mustBe: 0}\n" + TABLE_QUALITY),
    "no metric": (CITY, CITY_QUALITY + "description: x}]\n"),
    "unknown metric": (CITY, CITY_QUALITY + "metric: nulValues, mustBe: 0}]\n"),
    "no comparison": (CITY, CITY_QUALITY + "metric: nullValues}]\n"),
    "two comparisons": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: 0, mustBeLessThan: 5}]\n"),
    "duplicates of unknown columns": (TABLE_QUALITY, "      - {metric: duplicateValues, mustBe: 0, description: x, arguments: {properties: [id, citi]}}\n" + TABLE_QUALITY),
    "duplicates of nothing": (TABLE_QUALITY, "      - {metric: duplicateValues, mustBe: 0, description: x}\n" + TABLE_QUALITY),
    "nulls of a dropped column": (CITY, CITY_QUALITY + f"metric: nullValues, mustBeLessThan: 5, description: x}}]\n        {PRIVACY}drop}}]\n"),
    "values of a hashed column": (CITY, CITY_QUALITY + f"metric: invalidValues, mustBeLessThan: 5, arguments: {{pattern: x}}, description: x}}]\n        {PRIVACY}hash}}]\n"),
    "duplicates of a masked column": (CITY, CITY_QUALITY + f"metric: duplicateValues, mustBeLessThan: 5, description: x}}]\n        {PRIVACY}mask}}]\n"),
    "comparison of an expectation": ("engine: greatExpectations", "engine: greatExpectations\n        mustBe: 0"),
    "query of a library check": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: 0, query: 'SELECT 1'}]\n"),
    "metric of a text": (CITY, CITY_QUALITY + "type: text, metric: nullValues, mustBe: 0}]\n"),
    "severity inside": ("          type: expect", "          severity: warning\n          type: expect"),
    "expectation as a text": (CITY, CITY_QUALITY + "type: custom, engine: greatExpectations, implementation: expect_column_to_exist}]\n"),
    "expectation elsewhere": (CITY, CITY_QUALITY + "type: custom, engine: greatExpectations, implementation: {type: expect_column_values_to_not_be_null, kwargs: {column: price}, meta: {notes: x}}}]\n"),
    "kwargs of a list": (CITY, CITY_QUALITY + "type: custom, engine: greatExpectations, implementation: {type: expect_column_values_to_not_be_null, kwargs: [], meta: {notes: x}}}]\n"),
    "invalid values of nothing": (CITY, CITY_QUALITY + "metric: invalidValues, mustBe: 0}]\n"),
    "unknown argument": (CITY, CITY_QUALITY + "metric: invalidValues, mustBe: 0, arguments: {validValues: [x], maximum: 3}}]\n"),
    "severity of a rule": (CITY, CITY_QUALITY + "metric: nullValues, mustBe: 0, severity: warning}]\n"),
    # service levels and relationships
    "retention": (SLA, "{property: retention, value: 1, unit: y}"),
    "retention unit": (SLA, "{property: retention, value: 1, unit: eon, element: trips.day}"),
    "retention of another column": (SLA, "{property: retention, value: 1, unit: y, element: trips.start}"),
    "retention of nothing": (SLA, "{property: retention, value: 0, unit: y, element: trips.day}"),
    "retention of a whole": (*UNCUT, SLA, "{property: retention, value: 1, unit: y, element: trips.day}"),
    "retention twice": (SLA, 2 * "{property: retention, value: 1, unit: y, element: trips.day}\n  - " + SLA),
    "unknown service level": (SLA, SLA.replace("freshness", "retentoin")),
    "freshness of unknown column": (SLA, SLA.replace("start", "strat")),
    "freshness unit": (SLA, SLA.replace("unit: d", "unit: fortnight")),
    "orphans": (CITY, CITY + "        relationships: [{to: cities.name, customProperties: [{property: orphans, value: drop}]}]\n"),
    "qualified reference": (CITY, CITY + "        relationships: [{to: schema/x/properties/y}]\n"),
    "self reference": (CITY, CITY + "        relationships: [{to: trips.id}]\n"),
}  # fmt: skip


def message(folder: Path, case: str) -> str:
    """The message that a case is refused with, without the folder."""
    text = SAMPLE
    for old, new in zip(CASES[case][::2], CASES[case][1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "trips.odcs.yaml"
    file.write_text(text, "utf-8")
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
