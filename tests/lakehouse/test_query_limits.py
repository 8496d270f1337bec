"""What one query may use: time, memory, disk and rows, and how a cut answer is told."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse import publishing
from lakehouse.cli import main
from lakehouse.errors import QueryStopped, SettingsError
from lakehouse.lake import Lake
from lakehouse.query import Limits, Session, limits, query
from lakehouse.settings import Settings

ENDLESS = (
    "select count(*) from range(1000000000) a, range(1000000) b where (a.range*b.range) % 7 = 3"
)
DEAF = "select levenshtein(repeat('a', {0}), repeat('b', {0}))"
"""One call of a function that does not see that it is interrupted: 18 s for 100,000."""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("limits")
    lake = Lake(Settings.load({"LAKEHOUSE_HOME": str(home)}))
    publishing.replace(lake, "gold.numbers", pa.table({"n": list(range(50_000))}), run="run-1")
    return home


@pytest.fixture(scope="module")
def session(home: Path) -> Iterator[Session]:
    small = {"LAKEHOUSE_MEMORY": "64MB", "LAKEHOUSE_SPILL": "32MB"}
    with Session(Lake(Settings.load({"LAKEHOUSE_HOME": str(home), **small}))) as session:
        yield session


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def words(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, " ".join(err.split())

    return words


def test_a_query_is_stopped_when_its_time_is_over(session: Session) -> None:
    started = time.monotonic()
    with pytest.raises(QueryStopped, match=r"took longer than 0\.3 s.*LAKEHOUSE_QUERY_SECONDS"):
        session.query(ENDLESS, Limits(seconds=0.3))
    assert time.monotonic() - started < 5


def test_rows_that_never_end_are_stopped_too(session: Session) -> None:
    """The time also runs while rows are taken from the query, not only until the first comes."""
    endless = "select a.range from range(1000000000) a, range(1000000) b where a.range > 999999990"
    with pytest.raises(QueryStopped, match="took longer"):
        session.query(endless, Limits(seconds=0.3))


def test_the_session_answers_after_a_query_was_stopped(session: Session) -> None:
    with pytest.raises(QueryStopped):
        session.query(ENDLESS, Limits(seconds=0.1))
    assert session.query("select 1 as one", Limits(seconds=60)).table["one"].to_pylist() == [1]


def test_a_query_that_does_not_heed_its_end_is_told_of_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.2)
    heard: list[QueryStopped] = []
    with pytest.raises(QueryStopped):
        session.query(DEAF.format(40_000), Limits(seconds=0.1), heard.append)
    assert [str(stopped).split(".")[0] for stopped in heard] == [
        "The query was stopped: it took longer than 0"
    ]


def test_a_query_that_ends_when_told_needs_no_other_end(session: Session) -> None:
    heard: list[QueryStopped] = []
    with pytest.raises(QueryStopped):
        session.query(ENDLESS, Limits(seconds=0.1), heard.append)
    assert heard == []


def test_the_command_line_outlives_no_query(home: Path) -> None:
    """The query alone would take a minute and more."""
    program = (
        "import sys; from lakehouse.cli import main; from lakehouse.query import limits; "
        "limits.GRACE = 1; main(sys.argv[1:])"
    )
    words = ["sql", DEAF.format(250_000), "--timeout", "0.5", "--json"]
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        check=False,
        env={**os.environ, "LAKEHOUSE_HOME": str(home), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("The query was stopped: it took longer than 0.5 s.")
    assert time.monotonic() - started < 30


def test_an_answer_is_cut_at_the_row_limit_and_says_so(session: Session) -> None:
    answer = session.query("select n from gold.numbers order by n", Limits(rows=7))
    assert answer.table["n"].to_pylist() == list(range(7))
    assert answer.refusals() == ("only the first 7 rows were taken, there are more",)
    assert answer.facts()["complete"] is False
    assert answer.summary().startswith("the first 7 rows in ")


def test_an_answer_of_just_as_many_rows_is_complete(session: Session) -> None:
    answer = session.query("select n from gold.numbers", Limits(rows=50_000))
    assert (answer.table.num_rows, answer.cut, answer.facts()["complete"]) == (50_000, "", True)


def test_rows_beyond_the_limit_are_never_made(session: Session) -> None:
    """All of them would take hours."""
    answer = session.query("select * from range(1000000000000)", Limits(seconds=60, rows=5))
    assert answer.table.num_rows == 5


def test_an_answer_larger_than_the_memory_limit_is_cut(session: Session) -> None:
    answer = session.query("select repeat('x', 1000) as x from range(10000000)")
    assert "more fill the memory limit" in answer.refusals()[0]
    assert answer.table.nbytes < 256 * 2**20


def test_memory_and_disk_are_limited(session: Session) -> None:
    sql = "select count(distinct repeat('x', 1000) || range) from range(10000000)"
    with pytest.raises(QueryStopped, match="needs more memory or disk than it may use"):
        session.query(sql)


@pytest.mark.parametrize(
    "setting",
    ["memory_limit='100GB'", "max_temp_directory_size='1TB'", "temp_directory='/tmp'"],
)
def test_a_query_cannot_lift_its_limits(session: Session, setting: str) -> None:
    with pytest.raises(Exception, match="does more than read"):
        session.query(f"SET {setting}")


def test_the_settings_limit_a_query_that_says_nothing(home: Path) -> None:
    few = {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_QUERY_ROWS": "3", "LAKEHOUSE_QUERY_SECONDS": "1"}
    lake = Lake(Settings.load(few))
    assert query(lake, "from gold.numbers").table.num_rows == 3
    with pytest.raises(QueryStopped, match="took longer than 1 s"):
        query(lake, ENDLESS)


def test_the_command_line_tells_of_a_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_QUERY_ROWS", "4")
    code, out, err = run("sql", "from gold.numbers", "--format", "csv")
    assert (code, len(out.splitlines())) == (1, 5)
    assert err == (
        "refused: only the first 4 rows were taken, there are more. "
        "Another limit: --limit, or LAKEHOUSE_QUERY_ROWS."
    )


def test_a_cut_that_was_asked_for_is_told_and_is_no_failure(run: Run) -> None:
    code, out, err = run("sql", "from gold.numbers", "--limit", "2", "--format", "json")
    assert (code, len(json.loads(out))) == (0, 2)
    assert err == "only the first 2 rows were taken, there are more"


def test_json_says_whether_the_answer_is_complete(run: Run) -> None:
    code, out, _ = run("sql", "select 7 as x", "--json")
    document = json.loads(out)
    assert (code, document["complete"], document["rows"]) == (0, True, [{"x": 7}])
    cut = json.loads(run("sql", "from gold.numbers order by n", "--limit", "1", "--json")[1])
    assert (cut["complete"], cut["rows"]) == (False, [{"n": 0}])


def test_no_limit_is_zero(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_QUERY_ROWS", "4")
    code, out, _ = run("sql", "from gold.numbers", "--limit", "0", "--format", "csv")
    assert (code, len(out.splitlines())) == (0, 50_001)


def test_the_command_line_stops_a_query(run: Run) -> None:
    code, out, err = run("sql", ENDLESS, "--timeout", "0.2")
    assert (code, out) == (1, "")
    assert err.startswith("The query was stopped: it took longer than 0.2 s.")


@pytest.mark.parametrize("name", ["MEMORY", "SPILL"])
@pytest.mark.parametrize("value", ["lots", "4 GB'; --", "-1GB"])
def test_an_amount_is_an_amount(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match="use an amount"):
        Settings.load({f"LAKEHOUSE_{name}": value})
