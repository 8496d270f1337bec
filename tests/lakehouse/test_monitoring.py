from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import monitoring, training
from lakehouse.monitoring import tables, workflow
from lakehouse.monitoring.distances import js_distance, p_value, psi

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)
pairs = st.integers(2, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 10_000), min_size=n, max_size=n)] * 2)
)


@pytest.fixture(scope="module")
def report(shared_lake):
    return monitoring.measure(shared_lake.lake, "late", run="r")


def month(report, name):
    return next(found for found in report.months if found.month == name)


@given(counts)
def test_equal_histograms_are_no_distance_apart(same):
    assert psi(same, same) == 0
    assert js_distance(same, same) == 0


@given(pairs)
def test_distances_are_symmetric_and_bounded(pair):
    one, other = pair

    assert psi(one, other) == pytest.approx(psi(other, one))
    assert psi(one, other) >= 0
    assert js_distance(one, other) == pytest.approx(js_distance(other, one), abs=1e-9)
    assert 0 <= js_distance(one, other) <= 1 + 1e-9


def test_known_values_of_the_distances():
    assert psi([500_000, 500_000], [250_000, 750_000]) == pytest.approx(0.2747, abs=1e-4)
    assert js_distance([1, 0], [0, 1]) == pytest.approx(1)
    assert js_distance([1, 1], [1, 0]) == pytest.approx(0.5579, abs=1e-4)


def test_chance_is_told_from_shift():
    assert p_value([500, 500], [260, 240]) > 0.05
    assert p_value([500, 500], [400, 100]) < 1e-6
    assert p_value([10, 0], [5, 0]) == 1.0
    assert p_value([10, 5], [0, 0]) == 1.0


def test_every_month_is_measured_against_the_training_months(report):
    assert [found.month for found in report.months] == [f"2013-{m:02}" for m in range(1, 13)]
    assert [found.month for found in report.judged] == [f"2013-{m:02}" for m in range(9, 13)]
    per_month = {found.month: 0 for found in report.months}
    for drift in report.drifts:
        per_month[drift.month] += 1
    assert set(per_month.values()) == {4 + 1 + 1}  # inputs, score, label


def test_base_rates_are_those_of_the_rows(report, flights):
    for found in report.months:
        rows = flights.filter(pl.col("month") == int(found.month[5:]))
        known = rows["arr_delay"].drop_nulls()
        assert found.rows == rows.height
        assert found.labelled == len(known)
        assert found.base_rate == pytest.approx((known > 15).mean())


def test_the_real_shift_of_autumn_is_seen(report):
    label = next(d for d in report.drifts if (d.month, d.kind) == ("2013-10", "label"))

    assert label.drifted
    assert label.change < -0.05
    assert any(alarm.startswith("2013-10: label") for alarm in report.alarms)
    assert report.wants_retraining


def test_a_column_that_stays_does_not_drift(report):
    assert not any(drift.drifted for drift in report.drifts if drift.feature == "carrier")


def test_months_the_champion_learned_from_are_not_judged(report):
    assert month(report, "2013-03").in_training
    assert month(report, "2013-03").auc is None
    assert 0.5 < month(report, "2013-12").auc < 0.8


def test_each_judged_month_has_two_warnings(report):
    checks = report.checks()

    assert [(c.name, c.partition) for c in checks[:3]] == [
        ("drift", "2013-09"),
        ("performance", "2013-09"),
        ("drift", "2013-10"),
    ]
    assert len(checks) == 8
    assert {check.severity for check in checks} == {"warning"}


def test_performance_below_the_limit_is_an_alarm(trained_lake):
    limits = trained_lake.lake.model("late").monitoring.model_dump() | {"limit": 0.99}
    trained_lake.declare(monitoring=limits)
    training.train(trained_lake.lake, "late", run="r")

    report = monitoring.measure(trained_lake.lake, "late", run="r")

    failed = [c.partition for c in report.checks() if c.name == "performance" and not c.passed]
    assert failed == ["2013-09", "2013-10", "2013-11", "2013-12"]
    assert "auc 0." in report.reason


def test_measuring_again_changes_nothing(shared_lake, report):
    before = shared_lake.lake.catalog.locations()

    again = monitoring.measure(shared_lake.lake, "late", run="again")

    assert not again.changed
    assert again.computed == ()
    assert (again.drifts, again.months) == (report.drifts, report.months)
    assert shared_lake.lake.catalog.locations() == before


def test_profiles_hold_every_row_of_every_column(shared_lake, report, flights):
    table = shared_lake.lake.catalog.table("monitoring.profiles_late")

    rows = pl.from_arrow(table.scan().to_arrow()).group_by("month", "feature").agg(pl.sum("rows"))

    assert set(rows["feature"]) == {"carrier", "dest", "sched_dep_time", "distance", "score"}
    assert rows["rows"].sum() == 5 * flights.height


def test_only_a_month_whose_rows_changed_is_measured_again(trained_lake, flights):
    first = monitoring.measure(trained_lake.lake, "late", run="r")
    trained_lake.publish(flights.filter((pl.col("month") != 11) | (pl.col("carrier") != "DL")))

    second = monitoring.measure(trained_lake.lake, "late", run="r")

    assert second.computed == ("2013-11",)
    assert month(second, "2013-11").rows < month(first, "2013-11").rows
    assert [m for m in second.months if m.month != "2013-11"] == [
        m for m in first.months if m.month != "2013-11"
    ]
    assert second.drifts != first.drifts


def test_what_was_kept_is_what_would_be_measured(trained_lake, flights):
    changed = flights.filter((pl.col("month") != 11) | (pl.col("carrier") != "DL"))
    monitoring.measure(trained_lake.lake, "late", run="r")
    trained_lake.publish(changed)
    kept = monitoring.measure(trained_lake.lake, "late", run="r")
    for kind in ("profiles", "drift", "performance"):
        trained_lake.lake.catalog.iceberg.drop_table(f"monitoring.{kind}_late")

    anew = monitoring.measure(trained_lake.lake, "late", run="r")

    assert len(anew.computed) == 12
    assert (anew.drifts, anew.months) == (kept.drifts, kept.months)


def test_an_older_measurement_does_not_replace_a_newer_one(trained_lake, flights, monkeypatch):
    older, write = trained_lake.lake, tables.write

    def meanwhile(*args, **more):
        monkeypatch.setattr(tables, "write", write)
        trained_lake.publish(flights.filter(pl.col("month") != 12))
        monitoring.measure(trained_lake.lake, "late", run="newer")
        write(*args, **more)

    monkeypatch.setattr(tables, "write", meanwhile)
    told = monitoring.measure(older, "late", run="older")
    assert not told.changed
    assert "2013-12" not in {month.month for month in tables.read(trained_lake.lake, "late").months}


def test_a_month_without_labels_is_measured_without_performance(trained_lake, flights):
    unknown = pl.when(pl.col("month") != 12).then(pl.col("arr_delay"))
    trained_lake.publish(flights.with_columns(arr_delay=unknown))

    report = monitoring.measure(trained_lake.lake, "late", run="r")

    december = month(report, "2013-12")
    assert (december.labelled, december.base_rate, december.auc) == (0, None, None)
    assert {d.kind for d in report.drifts if d.month == "2013-12"} == {"input", "score"}
    performance = next(
        c for c in report.checks() if c.partition == "2013-12" and c.name == "performance"
    )
    assert performance.passed
    assert performance.description == "no labels yet"


def test_without_a_champion_nothing_is_measured(model_lake):
    report = monitoring.measure(model_lake.lake, "late", run="r")

    assert "has no champion" in report.refusals()[0]
    assert monitoring.status(model_lake.lake, "late") is None
    made = [name for name in model_lake.lake.catalog.names() if not name.startswith("ledger.")]
    assert made == ["gold.departures"]


def test_an_alarm_waits_for_the_cooldown(trained_lake):
    report = monitoring.measure(trained_lake.lake, "late", run="r")

    soon = monitoring.status(trained_lake.lake, "late")
    trained_lake.now = "2014-01-08T00:00:00Z"
    later = monitoring.status(trained_lake.lake, "late")

    assert (soon.alarm, soon.wants_retraining) == (True, False)
    assert "not again before 2014-01-08" in soon.reason
    assert (later.alarm, later.wants_retraining) == (True, True)
    assert later.reason == report.reason


def test_months_are_read_in_groups_of_bounded_size():
    contents = {f"2013-{m:02}": workflow._Content(150_000, "") for m in range(1, 6)}

    groups = list(workflow._groups(contents))

    assert groups == [("2013-01", "2013-02"), ("2013-03", "2013-04"), ("2013-05",)]


def test_a_month_larger_than_a_group_is_read_alone():
    contents = {f"2013-{m:02}": workflow._Content(900_000, "") for m in range(1, 3)}

    assert list(workflow._groups(contents)) == [("2013-01",), ("2013-02",)]


def test_the_month_after_december_is_january():
    assert workflow._first_day("2013-12", later=1) == date(2014, 1, 1)
