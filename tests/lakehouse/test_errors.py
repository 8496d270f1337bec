"""Errors: one tree, exit codes, sentences that say what, why, the state and what next."""

import pickle
from collections.abc import Callable, Iterator

import pytest

from lakehouse import errors
from lakehouse.errors import LakehouseError, did_you_mean

EXAMPLES: tuple[LakehouseError, ...] = (
    errors.SettingsError("LAKEHOUSE_NOW", "noon", "use ISO 8601"),
    errors.ContractError("trips.odcs.yaml", 12, "schema[0].name", "it is missing", " Add it."),
    errors.ModelSpecError("late.yaml", 3, "label", "it is missing"),
    errors.UnknownName("dataset", "trip", ("cities", "trips")),
    errors.UnknownName("delivery", "7", ()),
    errors.QueryRefused("DROP TABLE t", "a DROP statement changes the lake"),
    errors.LakeFormatError("/data/.lake", 3, 1),
    errors.LakeFormatError("/data/.lake", 1, 2),
    errors.RestoreRefused("friday", "a.json is missing"),
    errors.RestoreRefused("friday", "the lake holds 3 tables already", " Take --replace."),
    errors.MigrationRefused("the target holds a lake of 9 tables already"),
    errors.MigrationRefused("bronze/a.csv is missing", "Put it back."),
    errors.UnreadableObject("trips", "a.csv", "line 1 is empty, a header is expected"),
    errors.BuildRefused(("test unique of daily: got 2 results",), "Readers still see build 4."),
    errors.BreakingChange(
        "silver.trips", ("column city is gone (queries would fail)",), "readers see 3 rows"
    ),
    errors.DraftRefused("orders.csv", "it is empty"),
    errors.RollbackRefused("silver.trips", "readers see snapshot 7 already"),
    errors.RollbackRefused("silver.trips", "no rollback holds it", "released"),
    errors.TagRefused("silver.trips", "good", "it names snapshot 7 of silver.trips"),
    errors.DbtFailed("parse", "/data/dbt_project", "Compilation Error"),
    errors.PublishConflict(["silver.trips"], "another run published it during the audit"),
    errors.PublishConflict(["silver.trips", "quarantine.trips"], "another run was faster"),
    errors.ServiceFailed("S3", "copying a.csv", "connection refused"),
    errors.Unanswered("The database", "committing", "server closed the connection"),
    errors.ExpectationRefused("expect_column_mean", "it has no column"),
    errors.FrameRefused("late", "gold.features", "it has no rows"),
    errors.QueryStopped("it took longer than 300 s", "--timeout, or LAKEHOUSE_QUERY_SECONDS"),
    errors.TamperedModel("late", 3, "model.skops", "has another sha256"),
)


def family(root: type[LakehouseError] = LakehouseError) -> Iterator[type[LakehouseError]]:
    for child in root.__subclasses__():
        yield child
        yield from family(child)


def test_messages(golden: Callable[[str, str], None]) -> None:
    told = [f"# {type(error).__name__} ({error.exit_code})\n{error}\n" for error in EXAMPLES]
    golden("errors/tree.txt", "\n".join(told))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_to_another_process(error: LakehouseError) -> None:
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), str(copied), copied.exit_code) == (
        type(error),
        str(error),
        error.exit_code,
    )


def test_every_error_that_says_something_of_its_own_is_in_the_examples() -> None:
    own = {
        kind
        for kind in family()
        if "message" in vars(kind) and kind.__module__.startswith("lakehouse.errors")
    }
    assert own <= {type(error) for error in EXAMPLES}


def test_every_error_is_drawn_in_the_tree() -> None:
    drawn = {kind.__name__ for kind in family() if kind.__module__.startswith("lakehouse.errors")}
    assert {name for name in drawn if name not in str(errors.__doc__)} == set()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.Refused, 1),
        (errors.UnreadableObject, 1),
        (errors.UsageError, 2),
        (errors.ContractError, 2),
        (errors.PublishConflict, 3),
        (errors.ServiceFailed, 3),
    ],
)
def test_exit_codes(kind: type[LakehouseError], code: int) -> None:
    assert kind.exit_code == code


def test_the_nearest_name_is_offered() -> None:
    assert did_you_mean("flihgts", ["weather", "flights"]) == " Did you mean 'flights'?"


def test_a_name_like_no_other_gets_no_offer() -> None:
    assert did_you_mean("xyz", ["weather", "flights"]) == ""
