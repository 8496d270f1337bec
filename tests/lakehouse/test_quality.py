"""Which verdict stands, and the page that shows it: real verdicts, a real template."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lakehouse.contract import Column, Contract, Partition, ReadOptions
from lakehouse.ledger import Judgement
from lakehouse.quality import Expected, add, history, page, stand, write
from lakehouse.quality.charts import draw

CONTRACT = Contract(
    dataset="trips",
    version="1.2.0",
    description="What was <driven>.",
    owner="fleet team",
    domain="transport",
    tags=(),
    columns=(Column("day", "DATE"),),
    key=(),
    partition=Partition("day", "month", date(2013, 1, 1)),
    delivery="replace",
    limit=0.05,
    read=ReadOptions(),
    rules=(),
    expectations=(),
)
HOSTILE = "<script>alert('x')</script>"


def judged(partition: str = "2013-01", sequence: int = 1, **more: object) -> Judgement:
    said = {
        "observed": 12.5,
        "expected": {"column": "price", "min_value": 10, "max_value": 20},
        "examples": [],
        **more,
    }
    told = {name: json.dumps(said.pop(name)) for name in ("observed", "expected", "examples")}
    made = Judgement(
        dataset="trips",
        partition=partition,
        run=f"run-{sequence}",
        snapshot=7,
        sequence=sequence,
        published=True,
        version="1.2.0",
        fingerprint="f",
        name="mean_price",
        type="expect_column_mean_to_be_between",
        outcome="PASS",
        severity="error",
        unexpected=None,
        notes="Prices hardly change.",
        message="",
        judged_at=datetime(2014, 1, 1, tzinfo=UTC),
        **told,
    )
    return replace(made, **said)


def test_the_last_audit_of_a_partition_stands() -> None:
    failed = judged(sequence=1, outcome="FAIL", published=False)
    standing = stand("trips", [judged(sequence=3), failed, judged("2013-02", 2)])
    (expected,) = standing.expected
    assert [(v.partition, v.outcome) for v in expected.latest] == [
        ("2013-01", "PASS"),
        ("2013-02", "PASS"),
    ]
    assert expected.before == (failed,)
    assert standing.refused == ()


def test_an_expectation_that_the_last_audit_did_not_judge_does_not_stand() -> None:
    standing = stand("trips", [judged(name="gone"), judged(sequence=2)])
    assert [expected.name for expected in standing.expected] == ["mean_price"]


def test_a_refused_partition_is_named_until_a_later_audit_publishes_it() -> None:
    refused = judged(outcome="FAIL", published=False)
    assert stand("trips", [refused]).refused == ("2013-01",)
    assert stand("trips", [refused, judged(sequence=2)]).refused == ()


def test_partitions_that_are_gone_are_left_out() -> None:
    found = [judged("2013-01", outcome="FAIL"), judged("2013-02", 2)]
    standing = stand("trips", found, {"2013-02"})
    assert standing.partitions == ("2013-02",)
    assert standing.expected[0].outcome == "PASS"


def test_what_could_not_be_evaluated_is_worse_than_what_failed_and_errors_than_warnings() -> None:
    failed = judged("2013-01", outcome="FAIL", unexpected=5)
    more = judged("2013-02", outcome="FAIL", unexpected=9)
    broken = judged("2013-03", outcome="ERROR")
    assert Expected((failed, more)).worst is more
    assert Expected((failed, broken, more)).worst is broken
    warned = judged(name="other", severity="warning", outcome="ERROR")
    worst = stand("trips", [warned, failed]).worst
    assert worst is not None
    assert worst.severity == "error"


@pytest.mark.parametrize(
    ("verdict", "limits"),
    [
        (judged(), ((10, 20),)),
        (judged(expected={"value": 3}), ((3, 3),)),
        (judged(expected={"mustBeLessThan": 5, "query": "SELECT 1"}), ((None, 5),)),
        (judged(expected={"mustBeBetween": [1, 2]}), ((1, 2),)),
        (judged(expected={"mostly": 0.9}, unexpected=4), ((0.9, None),)),
        (judged(expected={}, unexpected=4), ((1.0, None),)),
        (judged(expected={"min_value": "2013-01-01"}), ((None, None),)),
        (
            judged(expected={"quantile_ranges": {"value_ranges": [[1, 2], [None, 9]]}}),
            ((1, 2), (None, 9)),
        ),
    ],
)
def test_limits_are_read_from_the_arguments(verdict: Judgement, limits: tuple) -> None:
    assert Expected((verdict,)).limits == limits


def test_a_chart_marks_what_failed_and_bands_what_is_allowed() -> None:
    months = [judged(f"{2013 + at // 12}-{at % 12 + 1:02}", observed=15.0) for at in range(100)]
    months[50] = replace(months[50], observed="30.0", outcome="FAIL")
    chart = draw(Expected(tuple(months)), by_audit=False)
    assert chart is not None
    (mark,) = chart.marks
    assert mark.verdict is months[50]
    (band,) = chart.bands
    assert mark.y < band.top
    (line,) = chart.lines
    assert len(line.split()) == 100
    assert (chart.first, chart.last) == ("2013-01", "2021-04")


def test_quantiles_are_a_line_each() -> None:
    found = {"quantiles": [0.5, 0.9], "values": [1, 9]}
    months = tuple(judged(f"2013-0{m}", observed=found, expected={}) for m in (1, 2, 3))
    chart = draw(Expected(months), by_audit=False)
    assert chart is not None
    assert [len(line.split()) for line in chart.lines] == [3, 3]


def test_without_numbers_or_with_one_verdict_there_is_no_chart() -> None:
    assert draw(Expected((judged(),)), by_audit=False) is None
    texts = tuple(judged(f"2013-0{m}", observed=["a"]) for m in (1, 2))
    assert draw(Expected(texts), by_audit=False) is None


def test_a_whole_table_is_drawn_over_its_audits() -> None:
    before = tuple(judged("all", at, observed=float(at)) for at in (2, 1))
    chart = draw(Expected((judged("all", 3),), before), by_audit=True)
    assert chart is not None
    assert len(chart.lines[0].split()) == 3


def test_the_page_says_who_answers_what_is_expected_why_and_what_failed(tmp_path: Path) -> None:
    failed = judged("2013-02", 2, outcome="FAIL", published=False, unexpected=1234,
                    examples=[{"id": 2013, "price": None}])  # fmt: skip
    text = write(tmp_path, CONTRACT, [judged(), failed]).read_text()
    for told in (
        "fleet team",
        "transport",
        "What was &lt;driven&gt;.",
        "Prices hardly change.",
        "refuses the partition",
        "<code>max_value</code> 20",
        "1,234",
        "id=2013, price=null",
        "2013-02: readers see what they saw before",
        "version 1.2.0",
    ):
        assert told in text


def test_no_value_of_the_data_becomes_markup(tmp_path: Path) -> None:
    hostile = judged(
        HOSTILE,
        2,
        name=HOSTILE,
        notes=HOSTILE,
        outcome="FAIL",
        message=HOSTILE,
        observed=HOSTILE,
        expected={HOSTILE: HOSTILE},
        examples=[{HOSTILE: HOSTILE}],
    )
    named = replace(CONTRACT, owner=HOSTILE, description=HOSTILE, domain=HOSTILE)
    text = write(tmp_path, named, [hostile, judged()]).read_text()
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 10


def test_a_page_needs_no_network(tmp_path: Path) -> None:
    text = write(tmp_path, CONTRACT, [judged(), judged("2013-02")]).read_text()
    assert "<svg" in text
    assert re.findall(r"(?:https?:)?//[\w.]+|url\(|<script|<link|<img", text) == []


def test_a_later_audit_is_added_to_the_page(tmp_path: Path) -> None:
    add(tmp_path, CONTRACT, [judged(outcome="FAIL", published=False)])
    add(tmp_path, CONTRACT, [judged(sequence=2)])
    text = page(tmp_path, "trips").read_text()
    assert "run-1" in text
    assert "run-2" in text
    assert "overtaken by a later audit" in text


@pytest.mark.parametrize(("partition", "kept"), [("2013-01", 3), ("all", 100)])
def test_the_page_keeps_the_last_audits_only(tmp_path: Path, partition: str, kept: int) -> None:
    found = [judged(partition, at) for at in range(150)]
    file = write(tmp_path, CONTRACT, found).with_name("history.ndjson")
    assert history.read(file) == found[-kept:]


def test_what_is_kept_beside_the_page_does_not_grow_with_the_audits(tmp_path: Path) -> None:
    for at in range(12):
        file = add(tmp_path, CONTRACT, [judged(sequence=at)]).with_name("history.ndjson")
        assert len(history.read(file)) <= 6
    assert history.read(file)[-1] == judged(sequence=11)
    assert "run-8" not in page(tmp_path, "trips").read_text()


def test_the_newest_partitions_and_those_with_troubles_are_on_the_page(tmp_path: Path) -> None:
    months = [judged(f"{2013 + at // 12}-{at % 12 + 1:02}", at) for at in range(200)]
    months[7] = replace(months[7], outcome="FAIL")
    file = write(tmp_path, CONTRACT, months).with_name("history.ndjson")
    assert history.read(file) == [months[7], *months[-120:]]


def test_a_torn_line_beside_the_page_is_passed_over(tmp_path: Path) -> None:
    file = add(tmp_path, CONTRACT, [judged()]).with_name("history.ndjson")
    file.write_text(file.read_text() + file.read_text()[:50] + "\n")
    add(tmp_path, CONTRACT, [judged("2013-02", 2)])
    assert [one.partition for one in history.read(file)] == ["2013-01", "2013-02"]


def test_pages_are_the_same_added_or_made_anew(tmp_path: Path) -> None:
    first, second = [judged(), judged("2013-02")], [judged("2013-03", 2)]
    add(tmp_path / "a", CONTRACT, first)
    added = add(tmp_path / "a", CONTRACT, second).read_text()
    assert added == write(tmp_path / "b", CONTRACT, [*first, *second]).read_text()


# --- from the audit to the ledger and the page ---------------------------------------------------

MEAN = {
    "type": "custom",
    "engine": "greatExpectations",
    "severity": "error",
    "implementation": {
        "type": "expect_column_mean_to_be_between",
        "kwargs": {"column": "price", "max_value": 100},
        "meta": {"notes": "Trips are cheap."},
    },
}
DEAR = {
    "type": "sql",
    "name": "few dear trips",
    "query": "SELECT count(*) FROM ${table} WHERE price > 400",
    "mustBeLessOrEqualTo": 1,
    "severity": "warning",
    "description": "Most trips stay in town.",
}


def trips(month: str, price: int) -> str:
    rows = "".join(f"{n},{month}-05T10:00:00Z,{price},Bonn\n" for n in range(4))
    return f"id,start,price,city\n{rows}"


@pytest.fixture
def judged_lake(make_data_lake: Callable) -> object:
    """January and March are fine, February is too dear."""
    lake = make_data_lake("trips")
    lake.declare("trips", quality=[MEAN, DEAR])
    lake.land("trips", trips("2013-01", 5), "a.csv")
    lake.land("trips", trips("2013-02", 450), "b.csv")
    lake.put("trips", trips("2013-03", 7), "c.csv")
    return lake


def test_every_verdict_is_kept_with_what_became_of_its_partition(judged_lake) -> None:
    mean = "expect_column_mean_to_be_between__price"
    kept = judged_lake.lake.ledger.judgements("trips")
    found = {(v.partition, v.name): v for v in kept if v.name in (mean, "few_dear_trips")}
    assert {key: (v.outcome, v.published) for key, v in found.items()} == {
        ("2013-01", mean): ("PASS", True),
        ("2013-01", "few_dear_trips"): ("PASS", True),
        ("2013-02", mean): ("FAIL", False),
        ("2013-02", "few_dear_trips"): ("FAIL", False),
        ("2013-03", mean): ("PASS", True),
        ("2013-03", "few_dear_trips"): ("PASS", True),
    }
    refused = found["2013-02", mean]
    assert json.loads(refused.observed) == 450
    assert json.loads(refused.expected)["max_value"] == 100
    assert (refused.run, refused.version, refused.notes) == ("test", "1.0.0", "Trips are cheap.")
    assert refused.fingerprint == judged_lake.lake.contract("trips").fingerprint


def test_what_a_person_accepts_is_kept_as_published(judged_lake) -> None:
    judged_lake.decide("accepted", 2)
    judged_lake.refresh("trips")
    standing = stand("trips", judged_lake.lake.ledger.judgements("trips"))
    assert standing.refused == ()
    worst = standing.worst
    assert worst is not None
    assert (worst.partition, worst.outcome, worst.published) == ("2013-02", "FAIL", True)
    assert len(standing.audits) == 2


def test_verdicts_are_published_in_the_commit_of_their_rows(make_data_lake: Callable) -> None:
    lake = make_data_lake("trips")
    lake.declare("trips", quality=[MEAN])
    lake.put("trips", trips("2013-01", 5), "a.csv")
    before = len(lake.reader().load_table("ledger.verdicts").snapshots())
    lake.put("trips", trips("2013-02", 5), "b.csv")
    assert len(lake.reader().load_table("ledger.verdicts").snapshots()) == before + 1
    lake.refresh("trips")
    assert len(lake.reader().load_table("ledger.verdicts").snapshots()) == before + 1


def test_planning_does_not_read_the_verdicts(judged_lake) -> None:
    table = judged_lake.reader().load_table("ledger.verdicts")
    for task in table.scan().plan_files():
        Path(task.file.file_path.removeprefix("file://")).unlink()
    assert judged_lake.open().ledger.read().deliveries
    assert judged_lake.refresh("trips").summary() == "silver/trips: up to date"


def test_the_audit_makes_the_page_and_its_checks_say_where_it_is(judged_lake) -> None:
    home = judged_lake.lake.settings.home
    text = page(home, "trips").read_text()
    assert "Trips are cheap." in text
    assert "2013-02: readers see what they saw before" in text
    result = judged_lake.put("trips", trips("2013-04", 7), "d.csv")
    assert {check.facts["data_docs"] for check in result.checks()} == {str(page(home, "trips"))}
    assert "2013-04" in page(home, "trips").read_text()
