"""Kill -9 at every boundary between two steps: readers see the old or the new, nothing is lost."""

import ast
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import lakes
import pytest
import seeing
from filelock import FileLock
from harness import BRIEF, Bench, Case, Nursery
from tallying import Tally

import lakehouse
from lakehouse import faults
from lakehouse.errors import SettingsError, UnknownName
from lakehouse.faults import POINTS
from lakehouse.lake import Lake
from lakehouse.settings import Settings

LAKES = Path(__file__).parents[1] / "golden" / "lakes"

SHORT = (
    "admitting.inspected",
    "branch.written",
    "refusing.discarded",
    "commit.done",
)
"""Points that the short suite dies at, once each, beside a move; the long one dies at all, in each
job that reaches them."""


def _called() -> Iterator[tuple[str, str]]:
    """Yields each point that the engine reaches, with the file that does."""
    for file in sorted(Path(lakehouse.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("faults.reach", "reach"):
                argument = node.args[0]
                assert isinstance(argument, ast.Constant), f"{file}: {ast.unparse(node)}"
                yield str(argument.value), file.name


def test_every_point_stands_somewhere_and_says_what_it_is() -> None:
    assert {point for point, _ in _called()} == set(POINTS)
    assert [point for point, told in POINTS.items() if not told] == []


def test_a_point_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_FAULT", "landing.bookd")
    with pytest.raises(UnknownName, match=r"no fault point 'landing.bookd'. Did you mean"):
        faults.reach("landing.booked")
    monkeypatch.setenv("LAKEHOUSE_FAULT", "landing.booked:x")
    with pytest.raises(SettingsError, match="POINT:N:stop"):
        faults.reach("landing.booked")


MOVE = "commit.moved"
MOVERS = ("silver", "gold", "model", "maintained", "back", "ahead", "forgotten")
"""The stages that move tables in the catalog. Of moves each counts, as only those between two
tables of a publish can tear it; so each stage has a test of its own, that workers share them."""


def _chosen(cases: list[Case]) -> list[Case]:
    """The first, the middle and the last of a job's cases at a point."""
    return [cases[place] for place in sorted({0, len(cases) // 2, len(cases) - 1})]


OF_OLDER_LAKES = "upgrade."


@pytest.mark.parametrize("name", MOVERS)
def test_killed_between_two_tables(name: str, bench: Bench, long: bool) -> None:
    if not long and name != BRIEF[0].name:
        pytest.skip("only in `make torture`")
    found = {cases[0].stage.name: cases for cases in bench.cases(MOVE)}
    assert set(found) == (set(MOVERS) if long else {name})
    for case in found[name] if long else [_middle(found[name])]:
        _survived(bench, case)


@pytest.mark.parametrize(
    "point", [p for p in POINTS if p != MOVE and not p.startswith(OF_OLDER_LAKES)]
)
def test_killed(point: str, bench: Bench, long: bool) -> None:
    if not long and point not in SHORT:
        pytest.skip("only in `make torture`")
    found = bench.cases(point)
    assert found, f"no job reaches {point}"
    for cases in found if long else found[:1]:
        for case in _chosen(cases) if long else [_middle(cases)]:
            _survived(bench, case)


def _middle(cases: list[Case]) -> Case:
    return cases[len(cases) // 2]


def _survived(bench: Bench, case: Case) -> None:
    stage, environment = case.stage, bench.environment
    bench.restore(stage.start)
    with bench.watched(stage):
        bench.kill(case)
        bench.hold_between(stage)
        bench.nursery.start(stage.job, environment).done()
    bench.hold_after(stage)
    bench.nursery.start("maintain", environment).done()
    bench.hold_clean(stage)


@pytest.mark.parametrize("point", [p for p in POINTS if p.startswith(OF_OLDER_LAKES)])
def test_killed_while_an_older_lake_is_upgraded(
    point: str, nursery: Nursery, tally: Tally, long: bool
) -> None:
    if not long:
        pytest.skip("only in `make torture`")
    folder = Path("/tmp/lakehouse-format-1")
    with FileLock(f"{folder}.lock"):
        shutil.rmtree(folder, ignore_errors=True)
        with tarfile.open(LAKES / "format-1.tar.gz") as archive:
            archive.extractall(folder.parent, filter="data")
        environment = {
            "LAKEHOUSE_PROJECT": str(folder),
            "LAKEHOUSE_HOME": str(folder / ".lake"),
            "LAKEHOUSE_NOW": lakes.NOW,
        }
        lake = Lake(Settings.load(environment))
        refs = lake.catalog.refs(older=True)
        shown = [name for name in refs.tables if not name.startswith("ledger.")]
        before = {name: seeing.rows(refs, name) for name in shown}
        armed = {**environment, "LAKEHOUSE_FAULT": point}
        child = nursery.start("command", armed, words=["upgrade"])
        assert child.wait() == -9, child.told()
        tally.injected("kill")
        tally.killed_at.add(point)
        refs = lake.catalog.refs(older=True)
        assert {name: seeing.rows(refs, name) for name in shown} == before
        nursery.start("command", environment, words=["upgrade"]).done()
        refs = Lake(Settings.load(environment)).catalog.refs()
        assert {name: seeing.rows(refs, name) for name in shown} == before
        shutil.rmtree(folder)
