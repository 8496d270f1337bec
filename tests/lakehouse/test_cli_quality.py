"""`lakehouse quality`: what it tells, with which exit code, and which page it opens."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.cli import main

FEW = {
    "type": "library",
    "metric": "rowCount",
    "mustBeGreaterOrEqualTo": 2,
    "severity": "error",
    "description": "A month has at least two trips.",
}
HEADER = "id,start,price,city\n"
GOOD = HEADER + "".join(f"{n},2013-01-05T10:00:00Z,{n},Bonn\n" for n in range(4))
ALONE = HEADER + "9,2013-02-05T10:00:00Z,5,Bonn\n"


@pytest.fixture
def lake(make_data_lake: Callable, monkeypatch: pytest.MonkeyPatch) -> object:
    lake = make_data_lake("trips")
    lake.declare("trips", quality=[FEW])
    monkeypatch.setenv("LAKEHOUSE_PROJECT", str(lake.folder))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(lake.folder / ".lake"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    return lake


@pytest.fixture
def quality(lake: object, capsys: pytest.CaptureFixture[str]) -> Callable:
    def told(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["quality", "trips", *words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return told


def test_before_anything_is_judged_it_says_what_to_do(quality: Callable) -> None:
    code, out, _ = quality()
    assert code == 0
    assert "Nothing of trips has been judged yet: `lakehouse run` does it." in out


def test_what_passes_is_told_with_its_limits_and_reason(lake, quality: Callable) -> None:
    lake.put("trips", GOOD)
    code, out, _ = quality()
    assert code == 0
    (line,) = [line for line in out.splitlines() if "row_count" in line]
    for told in ("PASS", "1 of 1", "min_value=2", "4"):
        assert told in line
    assert "A month has at least two trips." in out
    assert str(lake.lake.settings.home / "docs" / "quality" / "trips" / "index.html") in out


def test_a_refused_partition_is_told_and_ends_with_code_1(lake, quality: Callable) -> None:
    lake.put("trips", GOOD)
    lake.put("trips", ALONE, "b.csv")
    code, out, err = quality()
    assert code == 1
    (line,) = [line for line in out.splitlines() if "row_count" in line]
    for told in ("FAIL", "1 of 2", "2013-02", "1 to 4"):
        assert told in line
    assert "silver.trips [2013-02] was not published" in err


def test_a_withdrawn_delivery_is_no_matter_any_more(lake, quality: Callable) -> None:
    lake.put("trips", GOOD)
    lake.put("trips", ALONE, "b.csv")
    lake.decide("withdrawn", 2)
    lake.refresh("trips")
    code, out, _ = quality()
    assert code == 0
    assert "2013-02" not in out


def test_an_accepted_delivery_is_shown_and_refuses_nothing(lake, quality: Callable) -> None:
    lake.put("trips", ALONE)
    assert quality()[0] == 1
    lake.decide("accepted", 1)
    lake.refresh("trips")
    code, out, _ = quality()
    assert code == 0
    assert "FAIL" in out


def test_programs_get_every_partition(lake, quality: Callable) -> None:
    lake.put("trips", GOOD)
    lake.put("trips", ALONE, "b.csv")
    code, out, err = quality("--json")
    assert (code, err) == (1, "")
    document = json.loads(out)
    assert document["refused"] == ["2013-02"]
    (rows,) = [one for one in document["expectations"] if "row_count" in one["name"]]
    assert [(p["partition"], p["outcome"], p["observed"]) for p in rows["partitions"]] == [
        ("2013-01", "PASS", 4),
        ("2013-02", "FAIL", 1),
    ]
    assert len(document["audits"]) == 2
    assert Path(document["page"]).is_file()


def test_the_page_is_opened_in_the_browser(lake, tmp_path: Path) -> None:
    lake.put("trips", GOOD)
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    done = subprocess.run(
        [Path(sys.executable).with_name("lakehouse"), "quality", "trips", "--open"],
        env={**os.environ, "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        check=True,
    )
    address = seen.read_text().strip()
    assert address.startswith("file:///")
    assert "min_value" in Path(address.removeprefix("file://")).read_text()
    assert address.removeprefix("file://") in done.stdout
