"""An audit that finds personal data leaves none of it in its own evidence."""

from collections.abc import Callable
from pathlib import Path

from lakehouse.ingestion.withholding import WITHHELD, withhold
from lakehouse.validation import Outcome, Verdict

ADDRESS = "ann.example{}@mail.example"


def found(**said: object) -> Verdict:
    told = {"observed": None, "examples": (), "expected": {"column": "note"}, "message": "", **said}
    outcome = told.pop("outcome", Outcome.FAIL)
    return Verdict("2013-01", "some", "some", outcome, "error", **told)


PERSONAL = [found(expected={"column": "note"})]


def test_examples_keep_their_keys_and_lose_the_values() -> None:
    (verdict,) = withhold([found(examples=({"id": 7, "note": "ann@b.example"},))], PERSONAL)
    assert verdict.examples == ({"id": 7, "note": WITHHELD},)


def test_an_observed_text_is_withheld_and_a_number_is_not() -> None:
    text, number, other = withhold(
        [
            found(observed="ann@b.example"),
            found(observed=0.5),
            found(observed=["id"], expected={"column": "id"}),
        ],
        PERSONAL,
    )
    assert (text.observed, number.observed, other.observed) == (WITHHELD, 0.5, ["id"])


def test_what_the_database_says_of_an_error_is_withheld() -> None:
    said = "Could not convert string 'ann@b.example' to INT"
    (verdict,) = withhold([found(outcome=Outcome.ERROR, message=said)], PERSONAL)
    assert verdict.message == WITHHELD


def test_other_partitions_and_what_the_scan_passed_keep_their_evidence() -> None:
    verdict = found(observed="free text")
    assert withhold([verdict], [found(outcome=Outcome.PASS)]) == (verdict,)


def test_nothing_that_an_audit_writes_holds_the_values(make_data_lake: Callable) -> None:
    lake = make_data_lake("trips")
    empty = {
        "type": "custom",
        "engine": "greatExpectations",
        "severity": "error",
        "implementation": {
            "type": "expect_column_values_to_be_null",
            "kwargs": {"column": "city"},
            "meta": {"notes": "Cities are not known."},
        },
    }
    lake.declare("trips", quality=[empty])
    rows = "".join(f"{n},2013-01-05T10:00:00Z,5,{ADDRESS.format(n)}\n" for n in range(20))
    result = lake.put("trips", f"id,start,price,city\n{rows}")
    (refusal,) = result.refusals()
    assert "personal_data__city" in refusal
    assert ADDRESS.format("")[:11] not in refusal + repr(result.checks())
    verdicts = lake.lake.ledger.judgements("trips")
    assert any(WITHHELD in verdict.examples for verdict in verdicts)
    assert ADDRESS[:11] not in repr(verdicts)
    pages = [*Path(lake.lake.settings.home / "docs").rglob("*.*")]
    assert len(pages) == 2
    assert [page for page in pages if ADDRESS[:11] in page.read_text()] == []
