"""Personal data from landing to silver: what must not be seen is in no file and no output."""

import hmac
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.cli import main
from lakehouse.errors import LakehouseError, SettingsError
from lakehouse.privacy import HIDDEN, WITHHELD

UNCLASSIFIED = "077-22-8726"
KEY = "canary-of-the-key-0123456789"
OTHER = "another-key-of-the-lake-987654"
SECRETS = ("Zyxwanda", "536-22-8726", "MRN-000777", "1951-07-23", "555-0199", "23/07/1951")


def treated(name: str, kind: str, treatment: str, **more: Any) -> dict[str, Any]:
    """A personal column."""
    said = [{"property": "privacy", "value": treatment}]
    return {
        "name": name,
        "logicalType": kind,
        "classification": "confidential",
        "customProperties": said,
        **more,
    }


COLUMNS = [
    treated("mrn", "string", "hash", primaryKey=True, primaryKeyPosition=1),
    treated("first_name", "string", "drop"),
    treated("ssn", "string", "mask", logicalTypeOptions={"pattern": r"^\d{3}-\d{2}-\d{4}$"}),
    treated("born", "date", "hash"),
    treated("phone", "string", "mask"),
    {"name": "ward", "logicalType": "string"},
    {
        "name": "day",
        "logicalType": "date",
        "partitioned": True,
        "primaryKey": True,
        "primaryKeyPosition": 2,
    },
    {"name": "score", "logicalType": "integer", "logicalTypeOptions": {"maximum": 100}},
]
HEADER = "mrn,first_name,ssn,born,phone,ward,day,score\n"
GOOD = "MRN-000777,Zyxwanda,536-22-8726,1951-07-23,+1 212 555-0199,north,2013-01-05,7\n"
SHORT = "M2,Al,,,110,south,2013-01-06,9\n"
DIRTY = (
    # a personal cell that is no date, another that breaks a rule, a rule about another column
    "MRN-000777,Zyxwanda,536-22-8726,23/07/1951,+1 212 555-0199,north,2013-01-07,7\n"
    "MRN-000777,Zyxwanda,536-22-8726 x,1951-07-23,+1 212 555-0199,north,2013-01-08,7\n"
    'MRN-000777,"Zyxwanda, the ""2nd""",,1951-07-23,,"nor,th ""x""",2013-01-09,700\n'
    # records that cannot be divided
    "MRN-000777,Zyxwanda,536-22-8726\n"
    'MRN-000777,"Zyxwanda,536-22-8726,1951-07-23,1,north,2013-01-10,7\n'
)


@pytest.fixture
def patients(make_data_lake: Callable[..., Any]) -> Any:
    """A lake with a dataset of which most columns are personal."""
    lake = make_data_lake()
    lake.environment = {"LAKEHOUSE_HASH_KEY": KEY}
    declare(lake)
    return lake


def declare(lake: Any, columns: list[dict[str, Any]] = COLUMNS, **more: Any) -> None:
    """Writes the contract."""
    lake.declare(
        "patients", delivery="incremental", month="2013-01", columns=columns, limit=1, **more
    )


def hashed(text: str, key: str = KEY) -> str:
    """The hash as Python's own library makes it."""
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


def test_columns_are_dropped_hashed_and_masked(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD + SHORT)
    silver = patients.reader().load_table("silver.patients").scan().to_arrow().sort_by("day")
    assert silver.column_names == ["mrn", "ssn", "born", "phone", "ward", "day", "score"]
    assert silver.column("mrn").to_pylist() == [hashed("MRN-000777"), hashed("M2")]
    assert silver.column("born").to_pylist() == [hashed("1951-07-23"), None]
    assert silver.column("ssn").to_pylist() == ["****26", None]
    assert silver.column("phone").to_pylist() == ["****99", "****"]


def test_keys_are_resolved_and_rules_judged_on_the_values_as_delivered(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD, "a.csv")
    again = patients.put("patients", HEADER + GOOD.replace(",7\n", ",8\n"), "b.csv")
    assert patients.rows("silver.patients", "score") == [(8,)]
    assert (again.rows, again.quarantined) == (1, 0)


def test_expectations_see_what_is_published(patients: Any) -> None:
    lengths = {
        "type": "custom",
        "engine": "greatExpectations",
        "severity": "error",
        "implementation": {
            "type": "expect_column_value_lengths_to_equal",
            "kwargs": {"column": "mrn", "value": 64},
            "meta": {"notes": "A hash has 64 digits."},
        },
    }
    declare(patients, quality=[lengths])
    done = patients.put("patients", HEADER + GOOD)
    assert [c.passed for c in done.checks() if "lengths" in c.name] == [True]


def test_quarantine_hides_personal_fields(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD + DIRTY)
    found = patients.reader().load_table("quarantine.patients").scan().to_arrow().sort_by("line")
    hidden = ",".join([HIDDEN] * 5)
    assert found.column("raw").to_pylist() == [
        f"{hidden},north,2013-01-07,7",
        f"{hidden},north,2013-01-08,7",
        f'{hidden},"nor,th ""x""",2013-01-09,700',
        WITHHELD,
        WITHHELD,
    ]
    told = [rules[0] for rules in found.column("rules").to_pylist()]
    assert told[0] == "born: the value is not a date"
    assert told[1].startswith("ssn ")
    assert told[2].startswith("score ")
    assert told[3] == "8 fields expected, 3 found"
    assert told[4] == "a quote opens and never closes"


def test_a_header_in_another_order_hides_the_same_fields(patients: Any) -> None:
    header = "ward,mrn,first_name,ssn,born,phone,day,score\n"
    good = "w,M1,Al,,,,2013-01-06,1\n"
    patients.put("patients", header + good + "w,MRN-000777,Zyxwanda,,,,2013-01-07,x\n")
    ((raw,),) = patients.rows("quarantine.patients", "raw")
    assert raw == f"w,{','.join([HIDDEN] * 5)},2013-01-07,x"


@pytest.mark.parametrize("content", [GOOD, HEADER.replace("ward", "Zyxwanda") + GOOD])
def test_a_header_that_may_be_a_row_is_refused_without_its_values(
    patients: Any, content: str
) -> None:
    patients.put("patients", content)
    (refused,) = patients.state("patients").refused
    assert "column 'ward' is missing" in refused.reason
    assert content == GOOD or "column 6 is not in the contract" in refused.reason
    assert not [secret for secret in SECRETS if secret in refused.reason]


def everything(lake: Any, text_of: Callable[[Path], str]) -> dict[str, str]:
    """The text of every file of the lake, but what was landed and bronze, its copy."""
    home = lake.folder / ".lake"
    files = (file for file in home.rglob("*") if file.is_file())
    outside = (home / "landing", home / "warehouse" / "bronze")
    kept = (file for file in files if not any(file.is_relative_to(folder) for folder in outside))
    return {str(file.relative_to(home)): text_of(file) for file in kept}


def run_cli(*arguments: str) -> None:
    with pytest.raises(SystemExit):
        main(arguments)


def test_no_file_and_no_output_shows_personal_values_or_the_key(
    patients: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    text_of: Callable[[Path], str],
) -> None:
    """The control is the ward: a value that may be seen is found by the same search."""
    caplog.set_level("DEBUG")
    patients.put("patients", HEADER + GOOD + DIRTY, "a.csv")
    patients.put("patients", GOOD, "no_header.csv")
    # one that the audit refuses: an unclassified column with an SSN in it
    patients.put("patients", HEADER + GOOD.replace("north", UNCLASSIFIED), "ssn.csv")
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(patients.folder))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(patients.folder / ".lake"))
    monkeypatch.setenv("LAKEHOUSE_HASH_KEY", KEY)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    for words in (
        ("quarantine", "patients"),
        ("quarantine", "patients", "--json"),
        ("quarantine", "patients", "--delivery", "2"),
        ("status",),
        ("doctor",),
        ("doctor", "--json"),
        ("contracts", "check"),
        ("replay", "patients"),
        ("sql", "SELECT * FROM silver.patients"),
    ):
        run_cli(*words)
    told = capfd.readouterr()
    files = {
        **everything(patients, text_of),
        "stdout": told.out,
        "stderr": told.err,
        "log": caplog.text,
    }
    pads = [bytes(b ^ pad for b in KEY.encode()).hex() for pad in (0x36, 0x5C)]
    hits = [
        (file, secret)
        for file, text in files.items()
        for secret in (*SECRETS, KEY, *pads)
        if secret in text
    ]
    # what the audit refused was never published, but its branch was written
    outputs = {file: text for file, text in files.items() if not file.startswith("warehouse")}
    hits += [(file, UNCLASSIFIED) for file, text in outputs.items() if UNCLASSIFIED in text]
    assert hits == []
    kinds = {Path(file).suffix for file, text in files.items() if "north" in text}
    assert {".parquet", ".avro"} <= kinds
    assert "north" in told.out


def test_without_a_key_nothing_is_read(patients: Any) -> None:
    patients.environment = {}
    patients.land("patients", HEADER + GOOD)
    with pytest.raises(SettingsError, match=r"LAKEHOUSE_HASH_KEY_FILE.*mrn, born.*openssl rand"):
        patients.refresh("patients")
    assert not patients.reader().table_exists("silver.patients")


def test_a_short_key_is_refused_and_not_shown(patients: Any) -> None:
    patients.environment = {"LAKEHOUSE_HASH_KEY": "tiny-canary"}
    patients.land("patients", HEADER + GOOD)
    with pytest.raises(SettingsError) as refused:
        patients.refresh("patients")
    assert "16 bytes" in refused.value.message()
    assert "tiny-canary" not in repr(refused.value)


def test_the_key_comes_from_a_file(patients: Any, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    patients.environment = {"LAKEHOUSE_HASH_KEY_FILE": str(file)}
    patients.put("patients", HEADER + GOOD)
    assert patients.rows("silver.patients", "mrn") == [(hashed("MRN-000777"),)]


def test_a_key_file_that_is_not_there_is_named(patients: Any, tmp_path: Path) -> None:
    patients.environment = {"LAKEHOUSE_HASH_KEY_FILE": str(tmp_path / "none")}
    with pytest.raises(SettingsError, match=r"none.*No such file"):
        patients.refresh("patients")


def test_settings_do_not_show_the_key(patients: Any) -> None:
    assert KEY not in repr(patients.lake.settings)


def test_another_key_makes_partitions_stale(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD)
    assert patients.state("patients").stale == {}
    patients.environment = {"LAKEHOUSE_HASH_KEY": OTHER}
    declare(patients)
    assert patients.state("patients").stale == {"2013-01": "the key of hashed columns changed"}
    patients.refresh("patients")
    assert patients.rows("silver.patients", "mrn") == [(hashed("MRN-000777", OTHER),)]
    assert patients.state("patients").stale == {}


def test_without_its_key_the_books_can_still_be_read(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD)
    patients.environment = {}
    declare(patients)
    assert patients.state("patients").stale == {}


def test_a_hashed_reference_finds_its_partner(make_data_lake: Callable[..., Any]) -> None:
    lake = make_data_lake("cities")
    lake.environment = {"LAKEHOUSE_HASH_KEY": KEY}
    name = treated("name", "string", "hash", primaryKey=True, primaryKeyPosition=1)
    lake.declare("cities", columns=[name, {"name": "people", "logicalType": "integer"}])
    quarantined = [{"property": "orphans", "value": "quarantine"}]
    to = [{"to": "cities.name", "customProperties": quarantined}]
    number = {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1}
    columns = [number, treated("city", "string", "hash", relationships=to)]
    lake.declare("stays", delivery="incremental", columns=columns)
    lake.put("cities", "name,people\nUlm,3\n")
    lake.put("stays", "id,city\n1,Ulm\n2,Bonn\n")
    assert lake.rows("silver.stays", "id", "city") == [(1, hashed("Ulm"))]
    assert lake.rows("quarantine.stays", "raw", "rules") == [(f"2,{HIDDEN}", ["city is in cities"])]


def test_a_changed_treatment_treats_what_is_there(patients: Any) -> None:
    patients.put("patients", HEADER + GOOD)
    columns = [treated("born", "date", "mask") if c["name"] == "born" else c for c in COLUMNS]
    declare(patients, columns)
    patients.refresh("patients")
    assert patients.rows("silver.patients", "born") == [("****23",)]


def test_an_unknown_kind_of_a_waiver_is_refused(patients: Any) -> None:
    waiver = {"kinds": ["e-mail"], "by": "ann", "reason": "x"}
    ward = {
        "name": "ward",
        "logicalType": "string",
        "customProperties": [{"property": "waiver", "value": waiver}],
    }
    declare(patients, [ward if c["name"] == "ward" else c for c in COLUMNS])
    with pytest.raises(LakehouseError, match=r"'e-mail' is no kind.*Did you mean 'email'"):
        json.dumps(list(patients.lake.contracts))


def test_other_formats_hide_the_same(patients: Any) -> None:
    declare(patients, read={"format": "ndjson"})
    good = {"mrn": "M1", "ward": "w", "day": "2013-01-05", "score": 7}
    personal = {"mrn": "MRN-000777", "first_name": "Zyxwanda", "born": "23/07/1951"}
    lines = [good, good | personal, good | {"Zyxwanda": 1}, good | {"mrn": 536}]
    text = "\n".join([*map(json.dumps, lines), '{"ssn": "536-22-8726", "'])
    patients.put("patients", text, "a.ndjson")
    broken = patients.rows("quarantine.patients", "line", "raw", "rules")
    assert [row[0] for row in broken] == [2, 3, 4, 5]
    assert json.loads(broken[0][1])["first_name"] == HIDDEN
    assert broken[0][2] == ["born: the value is not a date"]
    assert broken[1][1:] == (WITHHELD, ["a key is not in the contract"])
    assert broken[2][2] == ["mrn: the value is not a text"]
    assert broken[3][1:] == (WITHHELD, ["the record is not valid JSON"])
    assert not [s for s in (*SECRETS, "536") if s in str(broken)]


def test_a_damaged_file_is_refused_without_its_values(patients: Any, tmp_path: Path) -> None:
    declare(patients, read={"format": "parquet"})
    cells = {column["name"]: pa.array(["Zyxwanda"]) for column in COLUMNS}
    pq.write_table(
        pa.table(cells | {"score": pa.array([7])}),
        tmp_path / "a",
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    broken = (tmp_path / "a").read_bytes().replace(b"Zyxwanda", b"Zyxwand\xff")
    patients.put("patients", broken, "a.parquet")
    (refused,) = patients.state("patients").refused
    assert "the file is damaged. Nothing" in refused.reason


def test_the_order_of_a_history_does_not_tell_the_order_of_hashed_keys(patients: Any) -> None:
    key = treated("code", "string", "hash", primaryKey=True, primaryKeyPosition=1)
    columns = [key, {"name": "ward", "logicalType": "string"}]
    patients.declare("nurses", delivery="full", history=True, columns=columns)
    codes = [f"N{number:02}" for number in range(20)]
    patients.put("nurses", "code,ward\n" + "".join(f"{code},w\n" for code in codes))
    silver = patients.reader().load_table("silver.nurses").scan().to_arrow()
    assert silver.column("code").to_pylist() == sorted(map(hashed, codes))
