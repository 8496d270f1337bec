"""Kill -9 at every boundary between two steps: readers see the old or the new, nothing is lost."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Bench, Case
from jobs import JOBS

import lakehouse
from lakehouse import faults
from lakehouse.errors import SettingsError, UnknownName
from lakehouse.faults import POINTS

SHORT = (
    "landing.renamed",
    "landing.booked",
    "admitting.inspected",
    "conforming.broken",
    "branch.written",
    "refresh.audited",
    "refusing.discarded",
    "commit.moved",
    "commit.done",
    "gold.exported",
    "training.registered",
    "training.promoted",
)
"""Points that the short suite dies at, once each; the long one dies at all, in each job."""


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


def _chosen(cases: list[Case], *, many: bool) -> list[Case]:
    """The middle one of a job's cases at a point; of many also the first and the last."""
    middle = len(cases) // 2
    places = {0, middle, len(cases) - 1} if many else {middle}
    return [cases[place] for place in sorted(places)]


@pytest.mark.parametrize("point", POINTS)
def test_killed(point: str, bench: Bench, long: bool) -> None:
    if not long and point not in SHORT:
        pytest.skip("only in `make torture`")
    found = bench.cases(point)
    assert found, f"no job reaches {point}"
    for cases in found if long else found[:1]:
        for case in _chosen(cases, many=long):
            _survived(bench, case)


def _survived(bench: Bench, case: Case) -> None:
    bench.restore(case.stage.start)
    reader = bench.watch(case.stage)
    bench.kill(case)
    bench.hold_between(case.stage)
    bench.nursery.start(case.stage.job, bench.environment).done()
    bench.stop(reader)
    bench.hold_after(case.stage.job)
    if "maintain" in JOBS:
        bench.nursery.start("maintain", bench.environment).done()
        bench.hold_clean(case.stage.job)
