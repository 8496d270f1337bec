"""What the producer promises, through Dagster: missing files warn, two columns tell of time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from assets.silver import silver
from lakehouse.contract import History, Totals
from lakehouse.planning.totals import FILES

MONTHS = ("2013-01", "2013-03")


def declare(session: Any, dataset: str, **changes: Any) -> None:
    """Lets the lake's contract of a dataset say more than its file."""
    known = session.lake.contracts
    changed = replace(known[dataset], **changes)
    session.lake.__dict__["contracts"] = {**known, dataset: changed}


@pytest.mark.end_to_end
def test_months_without_a_file_warn_and_the_others_are_published(
    make_lake: Callable, materialize: Callable, materializations: Callable, evaluations: Callable
) -> None:
    files = [f"weather/weather_{month}.csv" for month in MONTHS]
    session = make_lake("airports/airports.csv", *files)
    declare(session, "weather", totals=Totals(files=1))
    assert materialize(session, "bronze/airports", "bronze/weather", "silver/airports").success

    tags = {"asset_partition_range_start": "2013-01", "asset_partition_range_end": "2013-03"}
    done = materialize(session, "silver/weather", **tags)

    assert done.success
    assert list(materializations(done, "silver", "weather"))[:1] == ["2013-01"]
    *each, whole = evaluations(done, FILES)
    assert {said.partition for said in each} == {"2013-02"} | {
        f"2013-{month:02}" for month in range(4, 13)
    }
    assert not whole.passed
    assert whole.severity == dg.AssetCheckSeverity.WARN
    assert "weather [2013-02]: 0 of 1 expected files" in whole.description


def test_a_check_of_files_is_declared_where_the_contract_counts_them(make_lake: Callable) -> None:
    session = make_lake()
    declared = {}
    for count in (None, 2):
        totals = Totals(files=count) if count else None
        declare(session, "weather", totals=totals)
        asset = silver(session.lake.contract("weather"), None)
        found = [spec for spec in asset.check_specs if spec.name == FILES]
        declared[count] = [(spec.description, spec.blocking) for spec in found]
    assert declared == {None: [], 2: [("Each partition that is over has 2 files or more.", False)]}


def test_the_page_of_a_dimension_with_history_shows_its_two_times(make_lake: Callable) -> None:
    session = make_lake()
    declare(session, "planes", history=History())
    (spec,) = silver(session.lake.contract("planes"), None).specs
    columns = [column.name for column in spec.metadata["dagster/column_schema"].columns]
    assert columns[-2:] == ["valid_from", "valid_to"]
