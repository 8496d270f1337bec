"""Silver through Dagster: partitions, refusals, and what the pages of the assets show."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets import checks, names
from lakehouse import landing

WEATHER = [f"weather/weather_2013-{month}.csv" for month in ("01", "02", "03")]
RANGE = {"asset_partition_range_start": "2013-01", "asset_partition_range_end": "2013-03"}

pytestmark = pytest.mark.end_to_end


def landed(session, name: str) -> Path:
    return Path(session.lake.settings.landing.removeprefix("file://")) / name


def set_column(file: Path, column: str, value: str, share: float) -> None:
    """Writes the value into the column of the first rows."""
    head, *rows = file.read_text().splitlines()
    position = head.split(",").index(column)
    for number in range(int(len(rows) * share)):
        fields = rows[number].split(",")
        fields[position] = value
        rows[number] = ",".join(fields)
    file.write_text("\n".join([head, *rows]) + "\n")


def test_one_partition_is_materialized_alone(
    make_lake: Callable, materialize: Callable, materializations: Callable
) -> None:
    session = make_lake("airports/airports.csv", *WEATHER[:2])
    assert materialize(session, "bronze/airports", "bronze/weather", "silver/airports").success

    done = materialize(session, "silver/weather", partition="2013-02")

    assert done.success
    shown = materializations(done, "silver", "weather")
    assert list(shown) == ["2013-02"]
    assert shown["2013-02"]["dagster/partition_row_count"] == 2010
    assert shown["2013-02"]["dagster/row_count"] == 2010
    assert shown["2013-02"]["dagster/table_name"] == "silver.weather"


def test_a_bad_month_is_red_and_the_others_are_published(
    make_lake: Callable, materialize: Callable, materializations: Callable, evaluations: Callable
) -> None:
    session = make_lake("airports/airports.csv", *WEATHER)
    set_column(landed(session, WEATHER[1]), "humid", "4000", share=0.3)
    assert materialize(session, "bronze/airports", "bronze/weather", "silver/airports").success

    done = materialize(session, "silver/weather", **RANGE)

    assert not done.success
    shown = materializations(done, "silver", "weather")
    assert list(shown) == ["2013-01", "2013-03"]
    verdicts = evaluations(done, checks.ADMITTED)
    assert [verdict.passed for verdict in verdicts] == [False]
    assert verdicts[0].blocking
    assert "weather_2013-02.csv" in verdicts[0].description
    failure = next(e for e in done.all_events if e.is_step_failure).step_failure_data
    assert "2013-02] was not published" in failure.user_failure_data.description
    assert failure.user_failure_data.label == "intentional-failure"


def test_a_partition_that_fails_its_audit_has_its_own_evaluations(
    make_lake: Callable, materialize: Callable, materializations: Callable, evaluations: Callable
) -> None:
    session = make_lake("airports/airports.csv", *WEATHER)
    file = landed(session, WEATHER[1])
    set_column(file, "temp", "99.5", share=1)
    assert materialize(session, "bronze/airports", "bronze/weather", "silver/airports").success

    done = materialize(session, "silver/weather", **RANGE)

    assert not done.success
    assert list(materializations(done, "silver", "weather")) == ["2013-01", "2013-03"]
    failed = evaluations(done, "temp__mean_between")
    assert [(e.partition, e.passed) for e in failed] == [("2013-02", False), (None, False)]
    assert failed[-1].description.startswith("failed in 1 of 3 partitions: 2013-02")
    assert set(failed[-1].metadata["observed"].value) == {"2013-01", "2013-02", "2013-03"}
    alone = failed[0].metadata
    assert alone["observed"].value == 99.5
    assert {"min_value", "max_value"} & set(alone["expected"].value)
    assert Path(alone["data_docs"].value).read_text().count("2013-02") > 1
    assert failed[0].blocking


def test_a_partition_that_is_up_to_date_is_shown_again_without_a_snapshot(
    make_lake: Callable, materialize: Callable, materializations: Callable
) -> None:
    session = make_lake("airports/airports.csv", WEATHER[0])
    materialize(session, "bronze/airports", "bronze/weather", "silver/airports")
    materialize(session, "silver/weather", partition="2013-01")
    before = session.lake.catalog.table("silver.weather").current_snapshot().snapshot_id

    done = materialize(session, "silver/weather", partition="2013-01")

    shown = materializations(done, "silver", "weather")
    assert shown["2013-01"]["reason"] == "was up to date"
    assert session.lake.catalog.table("silver.weather").current_snapshot().snapshot_id == before


def test_a_partition_without_deliveries_is_empty(
    make_lake: Callable, materialize: Callable, materializations: Callable
) -> None:
    session = make_lake("airports/airports.csv", WEATHER[0])
    materialize(session, "bronze/airports", "bronze/weather", "silver/airports")

    done = materialize(session, "silver/weather", partition="2013-11")

    assert done.success
    shown = materializations(done, "silver", "weather")
    assert shown["2013-11"]["dagster/partition_row_count"] == 0
    assert shown["2013-11"]["reason"] == "no delivery has rows of it"


def test_what_a_person_accepted_only_warns(
    make_lake: Callable, materialize: Callable, materializations: Callable, evaluations: Callable
) -> None:
    session = make_lake("airports/airports.csv", *WEATHER[:2])
    set_column(landed(session, WEATHER[1]), "temp", "99.5", share=1)
    materialize(session, "bronze/airports", "bronze/weather", "silver/airports")
    assert not materialize(session, "silver/weather", partition="2013-02").success
    last = session.lake.ledger.read().delivered("weather")[-1].number
    landing.decide(session.lake, "accepted", [last], by="owner", note="a hot month")

    done = materialize(session, "silver/weather", partition="2013-02")

    assert done.success
    assert list(materializations(done, "silver", "weather")) == ["2013-02"]
    verdict = evaluations(done, "temp__mean_between")[-1]
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_refused_table_is_no_materialization_and_a_failing_check(
    make_lake: Callable, materialize: Callable, materializations: Callable, evaluations: Callable
) -> None:
    session = make_lake("airports/airports.csv")
    file = landed(session, "airports/airports.csv")
    head, *rows = file.read_text().splitlines()
    file.write_text("\n".join([head, *(row.replace("-", "-9", 1) for row in rows)]) + "\n")

    done = materialize(session, "bronze/airports", "silver/airports", "silver/weather")

    assert not done.success
    assert list(materializations(done, "bronze", "airports")) == [None]
    assert materializations(done, "silver", "airports") == {}
    assert [v.passed for v in evaluations(done, checks.ADMITTED)] == [False]
    assert materializations(done, "silver", "weather") == {}, "what is downstream does not run"


def test_every_judgement_of_the_engine_is_a_declared_check(
    make_lake: Callable, materialize: Callable
) -> None:
    session = make_lake("airports/airports.csv", WEATHER[0])
    materialize(session, "bronze/airports", "bronze/weather", "silver/airports")
    materialize(session, "silver/weather", partition="2013-01")

    for result in session.results:
        dataset = getattr(result, "dataset", "")
        key = dg.AssetKey(["silver", dataset])
        declared = {s.name for s in checks.of_contract(session.lake.contract(dataset), key)}
        assert {names.check(key, check.name) for check in result.checks()} <= declared
