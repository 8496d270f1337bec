"""What the checks of an asset show after a run that was refused."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from assets import standing

KEY = dg.AssetKey(["silver", "x"])
WARN = dg.AssetCheckSeverity.WARN


def asset(judge: Callable[[], Iterator[dg.AssetCheckResult]], refuses: bool) -> dg.AssetsDefinition:
    """An asset with the checks `gate` and `mean`, of which a run judges what `judge` yields."""

    @dg.multi_asset(
        specs=[dg.AssetSpec(KEY, skippable=True)],
        check_specs=[dg.AssetCheckSpec(name, asset=KEY) for name in ("gate", "mean")],
        can_subset=True,
    )
    def x(context: dg.AssetExecutionContext):
        told = list(judge())
        names = [result.check_name for result in told]
        told.extend(standing.repeated(context, KEY, names, refuses))
        if not refuses:
            yield from told
        else:
            standing.log(context, told)
            raise dg.Failure("refused")
        yield dg.MaterializeResult(asset_key=KEY)

    return x


def verdict(name: str, passed: bool, **more) -> Callable[[], Iterator[dg.AssetCheckResult]]:
    def judge() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(asset_key=KEY, check_name=name, passed=passed, **more)

    return judge


@pytest.fixture
def shown(instance: dg.DagsterInstance, evaluations: Callable) -> Callable:
    """Runs the asset and returns what the run says of one check."""

    def run(assets: dg.AssetsDefinition, name: str) -> dg.AssetCheckEvaluation | None:
        done = dg.materialize([assets], instance=instance, raise_on_error=False)
        return next(iter(evaluations(done, name)), None)

    return run


@pytest.mark.parametrize(("passed", "more"), [(True, {}), (False, {"severity": WARN})])
def test_a_check_that_a_refused_run_did_not_judge_keeps_its_verdict(
    shown: Callable, passed: bool, more: dict
) -> None:
    before = verdict("mean", passed, description="12 degrees", metadata={"observed": 12}, **more)
    shown(asset(before, refuses=False), "mean")
    refused = asset(verdict("gate", False), refuses=True)

    shown(refused, "mean")
    again = shown(refused, "mean")

    assert again.passed is passed
    assert again.description == "still holds of what readers see: 12 degrees"
    assert again.metadata["observed"].value == 12


def test_an_error_was_about_refused_data_and_is_not_repeated(shown: Callable) -> None:
    shown(asset(verdict("mean", True, description="good"), refuses=False), "mean")
    shown(asset(verdict("mean", False), refuses=True), "mean")

    again = shown(asset(verdict("gate", False), refuses=True), "mean")

    assert again.passed
    assert again.description.endswith("good")


def test_a_check_that_was_never_judged_says_so(shown: Callable) -> None:
    found = shown(asset(verdict("gate", False), refuses=True), "mean")
    assert (found.passed, found.severity) == (False, WARN)
    assert found.description == "not judged: the delivery was refused before its audit"


def test_a_run_without_work_repeats_the_verdict_unless_it_was_an_error(shown: Callable) -> None:
    shown(asset(verdict("mean", True, description="good"), refuses=False), "mean")
    idle = asset(verdict("gate", True), refuses=False)
    assert shown(idle, "mean").passed

    shown(asset(verdict("mean", False), refuses=True), "mean")
    assert shown(idle, "mean") is None
