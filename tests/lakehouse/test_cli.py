"""The command line as a user meets it: words in, exit code, stdout and stderr out."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from typer.main import get_command

from lakehouse import publishing
from lakehouse.cli import main
from lakehouse.cli.app import app
from lakehouse.lake import Lake
from lakehouse.storage import local_path

PROJECT = Path(__file__).parents[2]
COMMANDS = {
    name: [f"{name} {below}" for below in getattr(command, "commands", ())] or [name]
    for name, command in get_command(app).commands.items()
}
VERBS = sorted(verb for verbs in COMMANDS.values() for verb in verbs)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "lake"))
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(PROJECT))
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("LAKEHOUSE_NOW", raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    return tmp_path / "lake"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def words(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return words


@pytest.fixture
def lake(home: Path) -> Lake:
    lake = Lake()
    rows = pa.table({"n": [1, 2, None], "name": ["a", 'it\'s, "b"', "Zürich"]})
    publishing.replace(lake, "gold.things", rows, run="run-1")
    return lake


def test_every_promised_verb_is_there() -> None:
    assert set(VERBS) == {
        "accept", "backup", "backups", "contracts check", "contracts diff", "demo", "doctor",
        "drift", "forget", "land", "maintain", "migrate", "new dataset", "plan", "quality",
        "quarantine", "release", "replay", "restore", "rollback", "run", "services start",
        "services status", "services stop", "snapshots", "sql", "status", "tag", "ui", "untag",
        "upgrade", "withdraw",
    }  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_has_an_example(run: Run, verb: str) -> None:
    code, out, _ = run(*verb.split(), "--help")
    assert code == 0
    assert "Example:" in out
    assert f"lakehouse {verb}" in out


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "ui"])
def test_every_verb_that_answers_can_answer_in_json(run: Run, verb: str) -> None:
    assert "--json" in run(*verb.split(), "--help")[1]


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_is_in_the_readme_with_an_example(words: str) -> None:
    line = next(
        (
            line
            for line in (PROJECT / "README.md").read_text().splitlines()
            if f"| `{words}` |" in line
        ),
        "",
    )
    assert f"`lakehouse {words}" in line


def test_starting_imports_nothing_heavy() -> None:
    code = (
        "import sys, lakehouse.cli.app; "
        "print([m for m in ('duckdb', 'pyarrow', 'pyiceberg', 'dagster', 'torch', 'mlflow', "
        "'great_expectations', 'polars', 'pandas', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_verb_is_a_usage_error(run: Run) -> None:
    code, out, err = run("stauts")
    assert (code, out) == (2, "")
    assert "stauts" in err


def test_an_unknown_dataset_is_a_usage_error_in_one_line(run: Run) -> None:
    code, out, err = run("land", "fligths")
    assert (code, out) == (2, "")
    assert "There is no dataset 'fligths'. Did you mean 'flights'?" in " ".join(err.split())
    assert "Traceback" not in err


def test_debug_shows_the_traceback(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from lakehouse.cli import main; main()", "land", "x", "--debug"],
        capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert "Traceback" in done.stderr
    assert "UnknownName" in done.stderr


def test_an_unforeseen_error_is_told_without_a_traceback(home: Path) -> None:
    home.mkdir()
    (home / "catalog.db").write_text("this is no database, and nobody expects it" * 100)
    done = subprocess.run(
        [sys.executable, "-c", "from lakehouse.cli import main; main()", "status"],
        capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "file is not a database" in " ".join(done.stderr.split())


def test_a_bad_setting_is_a_configuration_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_NOW", "yesterday")
    code, _, err = run("status")
    assert code == 2
    assert "LAKEHOUSE_NOW='yesterday' cannot be used" in " ".join(err.split())


def test_sql_prints_a_table_and_its_seconds_apart(run: Run, lake: Lake) -> None:
    code, out, err = run("sql", "select * from gold.things order by name")
    assert code == 0
    assert "Zürich" in out
    assert err.startswith("3 rows in ")


def test_sql_csv_is_only_csv(run: Run, lake: Lake) -> None:
    code, out, err = run("sql", "select * from gold.things order by name", "--format", "csv")
    assert (code, err) == (0, "")
    assert list(csv.reader(io.StringIO(out))) == [
        ["n", "name"], ["", "Zürich"], ["1", "a"], ["2", "it's, \"b\""],
    ]  # fmt: skip


@pytest.mark.parametrize("option", [("--format", "json"), ("--json",)])
def test_sql_json_is_only_json(run: Run, lake: Lake, option: tuple[str, ...]) -> None:
    code, out, err = run("sql", "select n from gold.things order by n", *option)
    assert (code, err) == (0, "")
    found = json.loads(out)
    rows = found if option[0] == "--format" else found["rows"]
    assert rows == [{"n": 1}, {"n": 2}, {"n": None}]


def test_sql_of_no_rows_is_a_header(run: Run, lake: Lake) -> None:
    assert run("sql", "select n from gold.things where n > 9", "-f", "csv")[1] == "n\n"


def test_sql_markup_in_data_is_only_text(run: Run, lake: Lake) -> None:
    assert "[red]no[/red]" in run("sql", "select '[red]no[/red]' as x")[1]


def test_sql_that_writes_is_refused(run: Run, lake: Lake, tmp_path: Path) -> None:
    code, out, err = run("sql", f"copy gold.things to '{tmp_path}/x.csv'")
    assert (code, out) == (2, "")
    assert err.startswith("Refused: COPY does more than read")
    assert not (tmp_path / "x.csv").exists()


def test_sql_of_an_unknown_table_suggests_one(run: Run, lake: Lake) -> None:
    code, _, err = run("sql", "select * from gold.thinks")
    assert code == 2
    assert "Did you mean 'gold.things'?" in err


def test_snapshots_lists_what_was_published(run: Run, lake: Lake) -> None:
    code, out, _ = run("snapshots", "gold.things", "--json")
    found = json.loads(out)["snapshots"]
    assert code == 0
    assert [entry["rows"] for entry in found] == [3, 0]
    assert found[0]["note"] == "readers see this one"


def test_an_empty_lake_says_what_to_do(run: Run) -> None:
    code, out, _ = run("status")
    assert code == 0
    assert "`lakehouse demo`" in out


def test_contracts_check_lists_every_contract(run: Run) -> None:
    code, out, _ = run("contracts", "check", "--json")
    assert code == 0
    names = {contract["dataset"] for contract in json.loads(out)["contracts"]}
    assert names == {"airlines", "airports", "flights", "planes", "weather"}


def test_doctor_finds_a_fresh_lake_well_and_makes_nothing(run: Run, home: Path) -> None:
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert all(part["ok"] for part in json.loads(out)["parts"])
    assert not (home / "catalog.db").exists()
    assert not (home / "mlflow.db").exists()


def test_doctor_tells_of_metadata_that_is_gone(run: Run, lake: Lake) -> None:
    Path(local_path(lake.catalog.locations()["gold.things"])).unlink()
    code, out, _ = run("doctor")
    assert code == 3
    assert "the metadata of gold.things" in out
    assert "lakehouse restore" in out


def test_doctor_never_shows_a_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_CATALOG_URI", "postgresql+psycopg2://u:s3cr3t@127.0.0.1:1/db")
    code, out, err = run("doctor")
    assert code == 3
    assert "s3cr3t" not in out + err
    assert "FAILED" in out
