"""`lakehouse new dataset` on the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "lake"))
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(tmp_path / "project"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    (tmp_path / "orders.csv").write_text("no,city\n1,Rome\n2,Oslo\n3,NA\n")

    def words(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return words


def test_it_says_what_was_found_and_what_comes_next(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("new", "dataset", "orders", "--from", str(tmp_path / "orders.csv"))
    assert code == 0
    assert "key        no" in out
    assert "`lakehouse land orders FILES`" in out
    assert (tmp_path / "project" / "assets" / "contracts" / "orders.odcs.yaml").is_file()
    assert run("contracts", "check")[0] == 0


def test_as_json(run: Run, tmp_path: Path) -> None:
    _, out, _ = run("new", "dataset", "orders", "--from", str(tmp_path / "orders.csv"), "--json")
    facts = json.loads(out)["facts"]
    assert (facts["rows"], facts["key"], facts["delivery"]) == (3, ["no"], "full")
    assert facts["questions"]


def test_a_second_draft_and_a_missing_sample_are_refused(run: Run, tmp_path: Path) -> None:
    sample = str(tmp_path / "orders.csv")
    run("new", "dataset", "orders", "--from", sample)
    code, out, err = run("new", "dataset", "orders", "--from", sample)
    assert (code, out) == (2, "")
    assert "is there already" in err
    code, _, err = run("new", "dataset", "bills", "--from", str(tmp_path / "bills.csv"))
    assert code == 2
    assert "there is no such file or folder" in err


def test_nothing_of_the_sample_is_left_behind(run: Run, tmp_path: Path) -> None:
    run("new", "dataset", "orders", "--from", str(tmp_path / "orders.csv"))
    assert list((tmp_path / "lake" / "tmp").iterdir()) == []
