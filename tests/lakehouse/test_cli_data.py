"""What a person does with deliveries, on one small dataset of the lake."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse import ingestion
from lakehouse.cli import main
from lakehouse.lake import Lake

PROJECT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]
CODES = [f"{first}{second}" for first in "ABCDE" for second in "ABCDEFGH"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "lake"))
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(PROJECT))
    monkeypatch.setenv("LAKEHOUSE_NOW", "2014-01-01")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def words(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return words


def airlines(folder: Path, name: str, broken: int) -> str:
    """Writes a file of 40 airlines of which the last `broken` lack their name."""
    lines = [f"{code},Airline {code}" for code in CODES]
    lines[len(lines) - broken :] = [f"{code}," for code in CODES[len(lines) - broken :]]
    file = folder / name
    file.write_text("\n".join(["carrier,name", *lines]) + "\n")
    return str(file)


def refresh() -> None:
    ingestion.refresh(Lake(), "airlines", run="run-1")


def deliveries(run: Run) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("status", "--json")[1])["deliveries"]
    return found


def accounted(entry: dict[str, object]) -> bool:
    names = ("published", "quarantined", "duplicates", "superseded", "refused")
    places = (*names, "withdrawn", "waiting")
    return entry["rows"] == sum(int(str(entry[name])) for name in places)


def test_landing_twice_adds_nothing(run: Run, tmp_path: Path) -> None:
    file = airlines(tmp_path, "a.csv", broken=0)
    assert json.loads(run("land", "airlines", file, "--json")[1])["facts"]["deliveries"] == [1]
    code, out, _ = run("land", "airlines", file)
    assert (code, out) == (0, "bronze/airlines: nothing new\n")


def test_a_landed_file_waits_until_it_is_run(run: Run, tmp_path: Path) -> None:
    run("land", "airlines", airlines(tmp_path, "a.csv", broken=0))
    assert [entry["state"] for entry in deliveries(run)] == ["waiting"]
    steps = json.loads(run("plan", "--json")[1])["steps"]
    assert "silver/airlines" in [step["asset"] for step in steps]


def test_broken_rows_are_shown_with_line_text_and_reason(run: Run, tmp_path: Path) -> None:
    run("land", "airlines", airlines(tmp_path, "a.csv", broken=2))
    refresh()
    (entry,) = deliveries(run)
    assert (entry["state"], entry["published"], entry["quarantined"]) == ("published", 38, 2)
    assert accounted(entry)
    found = json.loads(run("quarantine", "airlines", "--delivery", "1", "--json")[1])
    assert [row["line"] for row in found["examples"]] == [40, 41]
    assert [row["raw"] for row in found["examples"]] == ["EG,", "EH,"]
    code, out, _ = run("quarantine", "airlines")
    assert code == 0
    assert found["by_rule"][0]["rule"] in out


def test_a_refused_delivery_is_told_shown_and_accepted(run: Run, tmp_path: Path) -> None:
    run("land", "airlines", airlines(tmp_path, "a.csv", broken=10))
    refresh()
    (entry,) = deliveries(run)
    assert (entry["state"], entry["rows"], entry["refused"]) == ("refused", 40, 40)
    assert "lakehouse accept 1" in str(entry["reasons"])
    code, _, err = run("status")
    assert code == 0
    assert "refused: silver.airlines" in err
    found = json.loads(run("quarantine", "airlines", "--delivery", "1", "--json")[1])
    assert found["rows"] == 10

    assert run("accept", "1", "--by", "ann", "--note", "seen")[0] == 0
    refresh()
    (entry,) = deliveries(run)
    assert (entry["state"], entry["published"], entry["quarantined"]) == ("published", 30, 10)
    assert accounted(entry)


def test_a_newer_whole_file_supersedes_the_older(run: Run, tmp_path: Path) -> None:
    run("land", "airlines", airlines(tmp_path, "a.csv", broken=0))
    refresh()
    run("land", "airlines", airlines(tmp_path, "b.csv", broken=1))
    refresh()
    old, new = deliveries(run)
    assert (old["state"], old["superseded"]) == ("superseded", 40)
    assert (new["state"], new["published"]) == ("published", 39)
    assert accounted(old)
    assert accounted(new)


def test_a_withdrawn_delivery_counts_no_more(run: Run, tmp_path: Path) -> None:
    run("land", "airlines", airlines(tmp_path, "a.csv", broken=0))
    run("land", "airlines", airlines(tmp_path, "b.csv", broken=1))
    refresh()
    assert run("withdraw", "2", "--by", "ann", "--note", "sent in error")[0] == 0
    refresh()
    kept, gone = deliveries(run)
    assert (kept["state"], kept["published"]) == ("published", 40)
    assert (gone["state"], gone["withdrawn"]) == ("withdrawn", 40)


def test_replay_without_refusals_says_so(run: Run) -> None:
    code, out, _ = run("replay", "airlines")
    assert code == 0
    assert "none" in out


@pytest.mark.parametrize(
    "words",
    [
        ("withdraw", "99", "--by", "ann", "--note", "x"),
        ("accept", "99", "--by", "ann", "--note", "x"),
        ("quarantine", "airlines", "--delivery", "99"),
    ],
)
def test_an_unknown_delivery_is_a_usage_error(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "There is no delivery '99'" in err


@pytest.mark.parametrize("verb", ["accept", "withdraw"])
def test_a_decision_needs_someone_who_decides_and_why(run: Run, verb: str) -> None:
    code, _, err = run(verb, "1")
    assert code == 2
    assert "--by" in err
