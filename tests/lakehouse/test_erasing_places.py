"""A person is forgotten on S3 and PostgreSQL, in models, and on the command line."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from servers import Services

from lakehouse import erasing, landing, publishing, registry
from lakehouse.cli import main
from lakehouse.contract import Contract
from lakehouse.erasing import derived
from lakehouse.settings import Secret

pytestmark = pytest.mark.long

WHO, NAME = "MRN-000777", "Zyxwanda"
COLUMNS: list[dict[str, Any]] = [
    {"name": "tag", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "called", "logicalType": "string"},
]
ROWS = f"tag,called\nM2,Al\n{WHO},{NAME}\nM3,\n"
Traces = Callable[..., list[tuple[str, str]]]


def declare(lake: Any) -> Any:
    lake.declare("patients", delivery="incremental", columns=COLUMNS, limit=1)
    return lake


def test_on_s3_and_postgresql(
    make_service_lake: Callable[..., Any], services: Services, traces: Traces
) -> None:
    lake = declare(make_service_lake())
    file = lake.lake.settings.home / "a.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(ROWS)
    lake.lake.storage.copy(f"file://{file}", f"{lake.lake.settings.landing}/patients/a.csv")
    file.unlink()
    landing.land(lake.lake, "patients", run="land")
    lake.refresh("patients")
    assert {word for _, word in traces(services.s3.folder, [WHO, NAME])} == {WHO, NAME}
    person = erasing.Person.parse(lake.lake.contract("patients"), [WHO])
    done = erasing.forget(lake.lake, person, by="dpo", note="request 12", run="forget")
    assert (done.records, done.refusals()) == (1, ())
    assert traces(services.s3.folder, [WHO, NAME]) == []
    silver = lake.lake.catalog.table("silver.patients")
    assert sorted(silver.scan().to_arrow()["tag"].to_pylist()) == ["M2", "M3"]
    assert lake.lake.ledger.read().unfinished == ()


@pytest.fixture
def told(
    make_data_lake: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """Runs the command line on a lake with the person; returns exit code and all output."""
    lake = declare(make_data_lake())
    lake.put("patients", ROWS)
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(lake.folder))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(lake.folder / ".lake"))

    def run(*words: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(["forget", "patients", *words])
        printed = capfd.readouterr()
        code = ended.value.code
        return int(code) if isinstance(code, int) else 0, printed.out + printed.err

    return run


def test_the_command_line_names_nobody(told: Callable[..., tuple[int, str]]) -> None:
    said = ("--by", "dpo", "--note", "request 12")
    code, text = told("--key", WHO, "--dry-run")
    assert (code, "1 record in 1 object" in text, WHO in text) == (0, True, False)
    code, text = told("--key", WHO)
    assert (code, "--by" in text) == (2, True)
    code, text = told("--key", WHO, *said)
    assert (code, "say --yes" in text) == (2, True)
    code, text = told("--key", "tag=-", *said, "--yes", "--json", stdin=f"{WHO}\n")
    assert (code, '"records": 1' in text, WHO in text) == (0, True, False)
    code, text = told("--key", WHO, *said, "--yes")
    assert (code, "No record of patients" in text, WHO in text) == (2, True, False)


def test_models_that_learned_a_name_are_deleted(trained_lake: Any, traces: Traces) -> None:
    """The carrier stands for a person: it is a category of the model, and of its reference."""
    lake, spec = trained_lake.lake, trained_lake.lake.model("late")
    home = trained_lake.folder / ".lake"
    assert traces(home / "mlartifacts", ['"US"'])
    contract = object.__new__(Contract)
    found = derived.Derived((spec.table,), (spec,), ())
    nobody = erasing.Person(contract, {"carrier": Secret("Nobody")})
    assert derived.retire(lake, found, nobody) == {}
    person = erasing.Person(contract, {"carrier": Secret("US")})
    assert derived.retire(lake, found, person) == {"late": (1,)}
    assert traces(home / "mlartifacts", ['"US"']) == []
    assert registry.champion(lake, "late") is None
    # tables that have no champion to score them are emptied

    rows = lake.catalog.table(spec.table).scan().to_arrow().slice(0, 3)
    publishing.replace(lake, spec.predictions.table, rows, run="x")
    found = replace(found, tables=(spec.predictions.table,))
    derived.remake(lake, found, person, "y")
    assert lake.catalog.table(spec.predictions.table).scan().to_arrow().num_rows == 0
