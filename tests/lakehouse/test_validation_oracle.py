"""The audit agrees with Great Expectations' own pandas engine, asked partition by partition."""

import random
from datetime import date

import duckdb
import pandas as pd
import pytest

from lakehouse.contract import Column, Contract, Expectation, Partition, ReadOptions
from lakehouse.validation import Outcome, suite, validate

MONTHS = ("2013-01", "2013-02", "2013-03")
SUITE = [
    ("expect_column_values_to_not_be_null", {"column": "value", "mostly": 0.85}),
    ("expect_column_values_to_be_null", {"column": "value", "mostly": 0.1}),
    ("expect_column_values_to_be_between", {"column": "value", "max_value": 80, "mostly": 0.8}),
    ("expect_column_values_to_be_in_set", {"column": "code", "value_set": ["A", "B"]}),
    ("expect_column_values_to_not_be_in_set", {"column": "code", "value_set": ["C"]}),
    ("expect_column_values_to_match_regex", {"column": "code", "regex": "A|B", "mostly": 0.7}),
    ("expect_column_values_to_not_match_regex", {"column": "code", "regex": "^C$"}),
    ("expect_column_values_to_match_regex_list", {"column": "code", "regex_list": ["A", "B"]}),
    ("expect_column_value_lengths_to_equal", {"column": "code", "value": 1}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "code"]}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["id", "other"]}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "other"], "sum_total": 9}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "other"}),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "id", "column_B": "other", "or_equal": True, "mostly": 0.5},
    ),
    (
        "expect_column_value_z_scores_to_be_less_than",
        {"column": "id", "threshold": 1.2, "double_sided": True},
    ),
    ("expect_column_mean_to_be_between", {"column": "value", "min_value": 45, "max_value": 55}),
    ("expect_column_stdev_to_be_between", {"column": "value", "min_value": 28, "max_value": 31}),
    ("expect_column_median_to_be_between", {"column": "id", "min_value": 8, "max_value": 12}),
    ("expect_column_min_to_be_between", {"column": "id", "min_value": 1}),
    ("expect_column_sum_to_be_between", {"column": "id", "max_value": 400}),
    ("expect_column_unique_value_count_to_be_between", {"column": "id", "max_value": 17}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "id", "max_value": 0.4}),
    (
        "expect_column_proportion_of_non_null_values_to_be_between",
        {"column": "value", "min_value": 0.85},
    ),
    ("expect_column_distinct_values_to_be_in_set", {"column": "code", "value_set": ["A", "B"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "code", "value_set": ["C"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "code", "value_set": ["A"]}),
    ("expect_table_row_count_to_be_between", {"min_value": 35, "max_value": 45}),
    ("expect_table_column_count_to_equal", {"value": 6}),
]


def frame(seed: int) -> pd.DataFrame:
    """Rows of three months of different size and dirt, some of them unlike the others."""
    draw = random.Random(seed)
    rows = []
    for month, size in zip((1, 2, 3), (30, 40, 50), strict=True):
        codes = draw.choice(["AB", "ABC", "AC", "A"])
        for _ in range(size):
            identity = draw.randrange(draw.choice([5, 20]))
            other = identity if draw.random() < 0.3 else draw.randrange(20)
            value = None if draw.random() < 0.15 else draw.random() * 100
            rows.append((date(2013, month, 5), identity, other, draw.choice(codes), value, 1.0))
    return pd.DataFrame(rows, columns=["day", "id", "other", "code", "value", "one"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_verdicts_equal_those_of_each_partition_alone(seed):
    expectations = tuple(Expectation(kind, kwargs, "error", "why") for kind, kwargs in SUITE)
    rows = frame(seed)
    columns = {"day": "DATE", "id": "BIGINT", "other": "BIGINT", "code": "VARCHAR"}
    columns |= {"value": "DOUBLE", "one": "DOUBLE"}
    contract = Contract(
        dataset="d", version="1", description="", owner="o", domain="d", tags=(),
        columns=tuple(Column(name, kind) for name, kind in columns.items()), key=("id",),
        partition=Partition("day", "month", date(2013, 1, 1)), delivery="replace", limit=0.05,
        read=ReadOptions(), rules=(), expectations=expectations,
    )  # fmt: skip
    connection = duckdb.connect()
    connection.register("frame", rows)
    connection.execute("create temp view rows as select * replace (day::date as day) from frame")
    report = validate(connection, "rows", contract, MONTHS)

    ours = {(v.partition, v.name): (str(v.outcome), v.unexpected) for v in report.verdicts}
    assert [v.sentence() for v in report.verdicts if v.outcome is Outcome.ERROR] == []
    assert {v.outcome for v in report.verdicts} == {Outcome.PASS, Outcome.FAIL}
    assert ours == alone(rows, expectations)


def alone(rows: pd.DataFrame, expectations: tuple[Expectation, ...]) -> dict:
    """What Great Expectations says of each month when it sees nothing else."""
    items = suite.build(expectations)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("rows")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    found = {}
    for number, name in enumerate(MONTHS, start=1):
        part = rows[[day.month == number for day in rows["day"]]].reset_index(drop=True)
        batch = definition.get_batch(batch_parameters={"dataframe": part})
        for item in items:
            result = batch.validate(item.built, result_format="BASIC")
            assert not result.exception_info.get("raised_exception"), result
            counted = result.result.get("unexpected_count") if item.about_rows else None
            found[name, item.name] = ("PASS" if result.success else "FAIL", counted)
    return found
