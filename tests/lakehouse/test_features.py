from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from lakehouse import features
from lakehouse.errors import FrameRefused, UnknownName
from lakehouse.model_spec import FeatureSpec, Period


def test_samples_follow_each_other_in_time(shared_lake):
    frame = features.assemble(shared_lake.lake, "late")

    train, validation, test = (sample.rows["flight_date"] for sample in frame.samples)
    assert train.max() == date(2013, 8, 29)
    assert train.max() < validation.min() <= validation.max() < test.min()


def test_every_labelled_row_is_in_one_sample_and_no_other_row(shared_lake, flights):
    frame = features.assemble(shared_lake.lake, "late")

    known = flights.filter(pl.col("arr_delay").is_not_null())
    assert sum(sample.rows.height for sample in frame.samples) == known.height < flights.height
    late = sum(int(sample.y.sum()) for sample in frame.samples)
    assert late == known.filter(pl.col("arr_delay") > 15).height


def test_an_estimator_sees_the_declared_inputs_and_nothing_else(shared_lake):
    frame = features.assemble(shared_lake.lake, "late", also=["dep_delay"])

    seen = frame.train.inputs(frame.spec.features)
    assert seen.columns == ["carrier", "dest", "sched_dep_time", "distance"]
    assert seen.dtypes == [pl.String, pl.String, pl.Float32, pl.Float32]
    assert "dep_delay" in frame.train.rows.columns


def test_later_rows_change_nothing_in_train(model_lake, flights):
    before = features.assemble(model_lake.lake, "late").train
    later = pl.col("flight_date") >= date(2013, 9, 1)
    model_lake.publish(flights.with_columns(arr_delay=pl.col("arr_delay") + 20 * later))

    after = features.assemble(model_lake.lake, "late").train

    assert after.rows.equals(before.rows)


def test_an_input_that_knows_the_label_is_refused(model_lake, flights):
    model_lake.publish(flights.with_columns(gate_minutes=pl.col("arr_delay") * 3 + 7))
    model_lake.declare(features=[{"name": "gate_minutes", "kind": "numeric"}])

    with pytest.raises(FrameRefused, match=r"'gate_minutes' alone has AUC 1\.000"):
        features.assemble(model_lake.lake, "late")


def test_an_input_that_is_known_only_for_late_rows_is_refused(model_lake, flights):
    excuse = pl.when(pl.col("arr_delay") > 15).then(pl.col("distance"))
    model_lake.publish(flights.with_columns(excuse=excuse))
    model_lake.declare(features=[{"name": "excuse", "kind": "numeric"}])

    with pytest.raises(FrameRefused, match="'excuse' alone"):
        features.assemble(model_lake.lake, "late")


def test_a_category_that_is_the_label_is_refused(model_lake, flights):
    model_lake.publish(flights.with_columns(remark=(pl.col("arr_delay") > 15).cast(pl.String)))
    model_lake.declare(features=[{"name": "remark", "kind": "categorical"}])

    with pytest.raises(FrameRefused, match="'remark' alone"):
        features.assemble(model_lake.lake, "late")


def test_a_missing_column_is_named_with_its_neighbour(model_lake):
    model_lake.declare(features=[{"name": "distanse", "kind": "numeric"}])

    with pytest.raises(
        FrameRefused, match=r"column 'distanse' is missing\. Did you mean 'distance'"
    ):
        features.assemble(model_lake.lake, "late")


def test_a_period_without_rows_is_refused(model_lake, flights):
    model_lake.publish(flights.filter(pl.col("month") != 9))

    with pytest.raises(FrameRefused, match=r"validation .* has 0 rows"):
        features.assemble(model_lake.lake, "late")


def test_a_refused_frame_leaves_no_tag(model_lake, flights):
    model_lake.publish(flights.filter(pl.col("month") != 9))

    with pytest.raises(FrameRefused):
        features.assemble(model_lake.lake, "late")

    assert set(model_lake.lake.catalog.table("gold.departures").refs()) == {"main"}


def test_a_table_that_is_not_there_is_named(model_lake):
    model_lake.declare(table="gold.arrivals")

    with pytest.raises(UnknownName, match=r"gold\.arrivals"):
        features.assemble(model_lake.lake, "late")


def test_the_snapshot_is_protected_by_one_tag(model_lake):
    first = features.assemble(model_lake.lake, "late")
    before = model_lake.lake.catalog.locations()
    again = features.assemble(model_lake.lake, "late")

    assert model_lake.lake.catalog.locations() == before
    table = model_lake.lake.catalog.table("gold.departures")
    assert first.tag == again.tag
    assert set(table.refs()) == {"main", first.tag}
    assert table.refs()[first.tag].snapshot_id == table.current_snapshot().snapshot_id


def test_a_pinned_table_does_not_change(model_lake, flights):
    lake = model_lake.lake
    spec, pinned = lake.model("late"), features.pin(lake, "gold.departures")
    model_lake.publish(flights.head(10))
    year = Period(start=date(2013, 1, 1), end=date(2014, 1, 1))

    assert features.read(lake, spec, pinned, year, name="all").rows.height == flights.height


def test_not_a_number_is_unknown(shared_lake):
    frame = features.assemble(shared_lake.lake, "late")
    rows = frame.train.rows.with_columns(distance=pl.lit(float("nan")))
    inputs = replace(frame.train, rows=rows).inputs(frame.spec.features)

    assert inputs["distance"].null_count() == rows.height


def test_the_area_is_that_of_scikit_learn():
    values = np.array([3.0, 1.0, 2.0, 2.0, 5.0, 4.0, 2.0])
    y = np.array([1, 0, 0, 1, 1, 0, 0])
    rows = pl.DataFrame({"x": values, features.LABEL: pl.Series(y, dtype=pl.Int8)})
    period = Period(start=date(2013, 1, 1), end=date(2014, 1, 1))

    found = features.single_aucs(
        features.Sample("train", period, rows), [FeatureSpec(name="x", kind="numeric")]
    )

    assert found["x"] == pytest.approx(roc_auc_score(y, values))
