import duckdb
import polars as pl
import pytest

from lakehouse import profiling
from lakehouse.model_spec import FeatureSpec
from lakehouse.profiling import LABEL, MONTH, SCORE, Bins, Reference

FEATURES = [FeatureSpec(name="x", kind="numeric"), FeatureSpec(name="city", kind="categorical")]


def rows(x, city, month="2013-01"):
    n = len(x)
    return pl.DataFrame(
        {
            "x": pl.Series(x, dtype=pl.Float32),
            "city": pl.Series(city, dtype=pl.String),
            SCORE: [0.5] * n,
            LABEL: pl.Series([1] + [None] * (n - 1), dtype=pl.Int8),
            MONTH: [month] * n,
        }
    )


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def reference(connection):
    x = [float(i) for i in range(100)] + [None] * 10
    return profiling.reference(connection, rows(x, ["a"] * 60 + ["b"] * 45 + [None] * 5), FEATURES)


def test_numbers_are_cut_at_their_deciles(reference):
    assert reference.bins[0].edges == tuple(float(v) for v in range(9, 90, 10))
    assert reference.profile.counts["x"] == (10,) * 10 + (10,)


def test_every_row_is_in_one_bin_of_each_column(reference):
    assert {sum(counts) for counts in reference.profile.counts.values()} == {110}
    assert set(reference.profile.counts) == {"x", "city", SCORE}


def test_nulls_have_a_bin_of_their_own(reference):
    assert reference.bins[1].labels == ("a", "b", "other", "null")
    assert reference.profile.counts["city"] == (60, 45, 0, 5)


def test_later_rows_are_counted_on_the_reference_bins(connection, reference):
    later = rows([-5.0, 500.0, 9.0, 9.5], ["b", "new", None, "a"], "2013-10")

    found = profiling.profiles(connection, later, reference.bins)["2013-10"]

    assert found.counts["x"] == (2, 1, *[0] * 7, 1, 0)
    assert found.counts["city"] == (1, 1, 1, 1)


def test_months_are_counted_apart(connection, reference):
    both = pl.concat([rows([1.0, 2.0], ["a", "a"]), rows([3.0], ["b"], "2013-02")])

    found = profiling.profiles(connection, both, reference.bins)

    assert {month: profile.rows for month, profile in found.items()} == {"2013-01": 2, "2013-02": 1}


def test_labels_are_counted_where_they_are_known(reference):
    profile = reference.profile

    assert (profile.rows, profile.labelled, profile.positives) == (110, 1, 1)


def test_a_column_of_mostly_one_value_keeps_that_value_apart(connection):
    wet = profiling.reference(connection, rows([0.0] * 95 + [0.2] * 5, ["a"] * 100), FEATURES)

    assert wet.bins[0].labels == ("<= 0", "> 0", "null")
    assert wet.profile.counts["x"] == (95, 5, 0)


def test_a_column_without_any_value_has_one_bin(connection):
    empty = profiling.reference(connection, rows([None] * 4, [None] * 4), FEATURES)

    assert empty.profile.counts["x"] == (0, 4)
    assert empty.profile.counts["city"] == (0, 4)


def test_infinities_are_no_edges(connection):
    found = profiling.reference(
        connection, rows([float("-inf"), 1.0, 2.0, float("inf")], ["a"] * 4), FEATURES
    )

    assert sum(found.profile.counts["x"]) == 4


def test_names_and_values_are_data_and_not_sql(connection):
    hostile = "'; DROP TABLE profiled; --"
    bins = [Bins('x" FROM profiled; --', "categorical", values=(hostile,))]
    frame = rows([1.0], [hostile]).rename({"x": "y", "city": bins[0].column})

    assert profiling.profiles(connection, frame, bins)["2013-01"].counts[bins[0].column] == (
        1,
        0,
        0,
    )


def test_a_reference_is_kept_as_json(reference):
    assert Reference.loads(reference.dumps()) == reference
