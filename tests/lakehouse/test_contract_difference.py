"""What a changed contract means: breaking or compatible, in words, and how the verb tells it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.cli.contracts import diff
from lakehouse.contract import Contract, Difference, describe, differences, load, recorded, records

SAMPLE = Path(__file__).with_name("trips.odcs.yaml").read_text("utf-8")
ID, CITY, PRICE = (
    "name: id\n        logicalType: integer\n",
    "name: city\n        logicalType: string\n",
    "{minimum: 0, maximum: 500}",
)
PRIVACY = "        customProperties: [{property: privacy, value: "
ABSENT = "        customProperties: [{property: mayBeAbsent, value: true}]\n"
GX = "kwargs: {column: price, min_value: 1}"
ANEW = "every partition is conformed anew"
FEWER = f"{ANEW}, rows may go to quarantine"
MORE = f"{ANEW}, rows may come back from quarantine"
EITHER = f"{ANEW}, rows may go to quarantine or come back"
JUDGED = "every partition is judged anew"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the sample with texts replaced: old, new, and so on."""

    def write(*changes: str, name: str = "trips") -> Path:
        text = SAMPLE
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text, old
            text = text.replace(old, new, 1)
        file = tmp_path / f"{name}.odcs.yaml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def differ(write: Write) -> Callable[..., tuple[Difference, ...]]:
    """What differs after changes of the sample, from what it was after others."""

    def differ(*changes: str, before: tuple[str, ...] = ()) -> tuple[Difference, ...]:
        old = describe(load(write(*before)))
        return differences(old, describe(load(write(*changes))))

    return differ


@pytest.mark.parametrize(
    ("changes", "what", "why"),
    [
        ((PRICE, "{minimum: 0, maximum: 600}"),
         "price between 0 and 500 became price between 0 and 600", MORE),
        ((PRICE, "{minimum: 1, maximum: 500}"),
         "price between 0 and 500 became price between 1 and 500", FEWER),
        ((PRICE, "{minimum: 1, maximum: 600}"),
         "price between 0 and 500 became price between 1 and 600", EITHER),
        (("start: 2013-01}", "start: 2014-01}"),
         "day not before 2013-01-01 became day not before 2014-01-01", FEWER),
        ((CITY, CITY + "        enum: [{value: Bonn}]\n"), "rule 'city in Bonn' is new", FEWER),
        ((CITY, CITY + "        required: true\n"), "rule 'city is required' is new", FEWER),
        (("stop >= start", "stop > start"),
         "rule 'ends after it starts' is computed in another way", EITHER),
        (("ends after it starts", "no way back"), "rule 'ends after it starts' is gone", MORE),
        ((CITY, CITY + "      - name: zone\n        logicalType: string\n"),
         "column zone VARCHAR is new", "files so far need mayBeAbsent: true"),
        ((CITY, CITY + "      - name: zone\n        logicalType: string\n" + ABSENT),
         "column zone VARCHAR is new", f"{ANEW}, it is empty where files lack it"),
        ((CITY, CITY + ABSENT), "how files have city changed", ANEW),
        ((ID, ID + "        logicalTypeOptions: {format: i64}\n"),
         "column id INTEGER became BIGINT", "every value fits"),
        ((CITY, CITY + PRIVACY + "hash}]\n"), "privacy of city none became hash",
         f"{ANEW}, earlier snapshots keep the former values"),
        (("CAST(start AS DATE)", "CAST(start - INTERVAL 1 DAY AS DATE)"),
         "computation of day TRY(CAST(start AS DATE)) became "
         "TRY(CAST(start - INTERVAL 1 DAY AS DATE))", ANEW),
        (('delimiter: ";"', 'delimiter: "|"'), "read delimiter ; became |", ANEW),
        (("value: EUR", "value: USD"), "unit of price EUR became USD",
         "documentation; other values belong into a column of another name"),
        ((GX, "kwargs: {column: price, min_value: 2}"),
         "expectation expect_column_mean_to_be_between__price: min_value 1 became 2",
         f"{JUDGED} and may be refused"),
        (("severity: warning", "severity: error"),
         "expectation expect_column_mean_to_be_between__price: severity warning became error",
         f"{JUDGED} and may be refused"),
        ((CITY, CITY + "        relationships: [{to: cities.name}]\n"),
         "references none became city in cities (report)", EITHER),
        (("value: 2, unit: d", "value: 3, unit: d"),
         "freshness start, 2 days, 0:00:00 became start, 3 days, 0:00:00", "watched from now on"),
        (("Shows trips.", "All trips."), "descriptions, notes, owner or tags changed",
         "documentation"),
    ],
)  # fmt: skip
def test_compatible_changes(
    differ: Callable[..., tuple[Difference, ...]], changes: tuple[str, ...], what: str, why: str
) -> None:
    assert Difference(what, why) in differ(*changes)
    assert not any(difference.breaking for difference in differ(*changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (("      - " + CITY, ""), "column city is gone"),
        ((CITY, CITY.replace("string", "date")), "column city VARCHAR became DATE"),
        ((CITY, CITY + PRIVACY + "drop}]\n"), "column city is dropped before publishing"),
        ((ID, ID + PRIVACY + "hash}]\n"), "column id INTEGER became VARCHAR"),
        ((CITY, CITY + "      - name: zone\n        logicalType: string\n        required: true\n"),
         "required column zone VARCHAR is new"),
        ((CITY, CITY + "        primaryKey: true\n        primaryKeyPosition: 3\n"),
         "the key id, start became id, start, city"),
        (("granularity: month, start: 2013-01", "granularity: year, start: 2013"),
         "the partition month of day became year of day"),
        (("  - property: read", "  - {property: delivery, value: full}\n  - property: read"),
         "delivery replace became full"),
    ],
)  # fmt: skip
def test_breaking_changes_come_first(
    differ: Callable[..., tuple[Difference, ...]], changes: tuple[str, ...], what: str
) -> None:
    first = differ(*changes)[0]
    assert (first.what, first.breaking) == (what, True)


def test_narrowing_is_breaking(differ: Callable[..., tuple[Difference, ...]]) -> None:
    wide = (ID, ID + "        logicalTypeOptions: {format: i64}\n")
    assert differ(before=wide)[0].what == "column id BIGINT became INTEGER"
    assert differ(before=wide)[0].breaking


def test_a_rename_by_id_is_one_change(differ: Callable[..., tuple[Difference, ...]]) -> None:
    old, new = "name: price\n", "name: price\n        id: paid\n"
    renamed = (old, new.replace("price", "amount"), "column: price", "column: amount")
    found = differ(*renamed, before=(old, new))
    why = "the table's column takes the new name, rows and earlier snapshots stay"
    why += "; files so far need fileNames: [price]"
    assert Difference("column price became amount", why) in found
    # the rule of its range reads the same under the new name
    assert not [d for d in found if d.breaking or "between 0" in d.what]


def test_without_an_id_another_name_is_another_column(
    differ: Callable[..., tuple[Difference, ...]],
) -> None:
    found = differ("name: city", "name: town")
    assert [d.what for d in found] == ["column city is gone", "column town VARCHAR is new"]


def test_equal_contracts_do_not_differ(differ: Callable[..., tuple[Difference, ...]]) -> None:
    assert differ() == ()


def test_the_latest_three_contracts_are_recorded(write: Write) -> None:
    def made(number: int) -> Contract:
        return load(write(PRICE, f"{{minimum: 0, maximum: {number}}}"))

    properties: dict[str, str] = {}
    for number in (500, 600, 700, 800, 600):
        properties |= recorded(made(number), properties)
    assert list(records(properties)) == [made(number).fingerprint for number in (700, 800, 600)]
    assert recorded(made(600), properties) == {}


def test_the_verb_compares_two_files(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(name="before")
    new = write(PRICE, "{minimum: 0, maximum: 600}", "version: 1.2.0", "version: 1.3.0")
    diff(str(old), str(new), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["old"], found["new"], found["breaking"]) == ("1.2.0", "1.3.0", 0)
    assert found["differences"][0]["why"] == MORE
    diff(str(old), str(write(name="copy")))
    assert "Contract 1.2.0 → 1.2.0: no difference." in capsys.readouterr().out


def test_the_verb_ends_with_one_if_a_change_is_breaking(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    old, new = write(name="before"), write("      - " + CITY, "")
    with pytest.raises(typer.Exit) as ended:
        diff(str(old), str(new))
    assert ended.value.exit_code == 1
    told = capsys.readouterr().out
    assert "breaking" in told
    assert "column city is gone" in told
