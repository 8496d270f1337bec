"""The audit: real Great Expectations on real DuckDB, judged partition by partition."""

import gc
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import duckdb
import pytest

from lakehouse.contract import Column, Contract, Expectation, Partition, ReadOptions
from lakehouse.errors import ExpectationRefused, UnknownName
from lakehouse.results import Severity
from lakehouse.validation import Outcome, Report, Verdict, validate

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))
COLUMNS = {
    "day": "DATE",
    "id": "BIGINT",
    "origin": "VARCHAR",
    "dep": "BIGINT",
    "arr": "BIGINT",
    "delay": "DOUBLE",
}
# April is wholly bad in `origin`; ids repeat in May only; `delay` is null now and then and rises
# in December; every month's ids begin anew at 0, so that they repeat across months.
ROWS = """
create temp view flights as
select make_date(2013, m::int, 1 + (i % 28)::int) as day,
       case when m = 5 and i = 1 then 0 else i end as id,
       case when m = 4 then 'XXX' when i % 2 = 0 then 'EWR' else 'JFK' end as origin,
       i % 5 as dep,
       case when m = 7 and i < 3 then -1 else i % 5 + 2 end as arr,
       case when i % 10 = 0 then null else (i % 40) + if(m = 12, 100, 0) end::double as delay
from range(1, 13) t(m), range(if(m = 2, 50, 200)) u(i)
"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(ROWS)
    return connection


def expect(kind: str, severity: Severity = "error", **kwargs: object) -> Expectation:
    return Expectation(kind, kwargs, severity, "because the test says so")


def contract(
    *expectations: Expectation,
    columns: Mapping[str, str] = COLUMNS,
    partitioned: bool = True,
) -> Contract:
    return Contract(
        dataset="flights",
        version="1.0.0",
        description="",
        owner="team",
        domain="aviation",
        tags=(),
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        key=("day", "id"),
        partition=Partition("day", "month", date(2013, 1, 1)) if partitioned else None,
        delivery="replace",
        limit=0.05,
        read=ReadOptions(),
        rules=(),
        expectations=expectations,
    )


def audit(
    connection: duckdb.DuckDBPyConnection,
    *expectations: Expectation,
    partitions: tuple[str, ...] = MONTHS,
) -> Report:
    return validate(connection, "flights", contract(*expectations), partitions)


def only(report: Report, partition: str) -> Verdict:
    (verdict,) = (verdict for verdict in report.verdicts if verdict.partition == partition)
    return verdict


def test_a_wholly_bad_month_among_twelve_is_named_and_the_others_pass(connection):
    report = audit(
        connection,
        expect("expect_column_values_to_be_in_set", column="origin", value_set=["EWR", "JFK"]),
    )
    assert report.failed_partitions == ("2013-04",)
    assert report.passed_partitions == tuple(month for month in MONTHS if month != "2013-04")


def test_mostly_counts_within_a_partition_not_over_the_year(connection):
    lenient = expect(
        "expect_column_values_to_be_in_set", column="origin", value_set=["EWR", "JFK"], mostly=0.9
    )
    assert audit(connection, lenient).failed_partitions == ("2013-04",)


def test_row_count_bounds_hold_per_partition(connection):
    bounds = expect("expect_table_row_count_to_be_between", min_value=100, max_value=300)
    report = audit(connection, bounds)
    assert report.failed_partitions == ("2013-02",)
    assert only(report, "2013-02").observed == 50


def test_compound_uniqueness_is_judged_within_each_partition(connection):
    unique = expect("expect_compound_columns_to_be_unique", column_list=["id", "dep"])
    connection.execute("create temp view twice as from flights union all from flights where id = 7")
    report = validate(connection, "twice", contract(unique), MONTHS)
    assert report.failed_partitions == MONTHS
    assert only(report, "2013-01").unexpected == 2
    assert audit(connection, unique).failed_partitions == ()


def test_a_value_that_repeats_across_partitions_only_is_unique(connection):
    report = audit(connection, expect("expect_column_values_to_be_unique", column="id"))
    assert report.failed_partitions == ("2013-05",)
    assert only(report, "2013-05").unexpected == 2
    assert [row["id"] for row in only(report, "2013-05").examples] == [0, 0]


@pytest.mark.parametrize(
    "expectation",
    [
        expect("expect_column_mean_to_be_between", column="delay", min_value=0, max_value=50),
        expect("expect_column_median_to_be_between", column="delay", min_value=0, max_value=50),
        expect("expect_column_max_to_be_between", column="delay", min_value=0, max_value=50),
        expect(
            "expect_column_quantile_values_to_be_between",
            column="delay",
            quantile_ranges={"quantiles": [0.1, 0.9], "value_ranges": [[0, 50], [0, 50]]},
        ),
    ],
    ids=lambda expectation: expectation.type,
)
def test_statistics_are_of_one_partition(connection, expectation):
    assert audit(connection, expectation).failed_partitions == ("2013-12",)


def test_quantiles_count_from_the_smallest_value(connection):
    low = {"quantiles": [0.25], "value_ranges": [[0, 50]]}
    report = audit(
        connection,
        expect("expect_column_quantile_values_to_be_between", column="dep", quantile_ranges=low),
        partitions=("2013-01", "2013-03"),
    )
    assert only(report, "2013-01").observed == {"quantiles": [0.25], "values": [1]}


def test_a_regular_expression_may_match_anywhere_as_in_great_expectations(connection):
    report = audit(
        connection, expect("expect_column_values_to_match_regex", column="origin", regex="W|K$")
    )
    assert report.failed_partitions == ("2013-04",)


def test_a_regular_expression_may_be_forbidden(connection):
    report = audit(
        connection, expect("expect_column_values_to_not_match_regex", column="origin", regex="^X")
    )
    assert report.failed_partitions == ("2013-04",)


def test_pairs_of_columns_are_compared_in_one_pass(connection):
    report = audit(
        connection,
        expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="arr", column_B="dep"),
    )
    assert report.failed_partitions == ("2013-07",)
    assert only(report, "2013-07").unexpected == 3


def test_a_row_condition_narrows_the_rows(connection):
    positive = expect(
        "expect_column_values_to_be_between",
        column="arr",
        min_value=0,
        row_condition='col("id") >= 3',
    )
    assert audit(connection, positive).failed_partitions == ()


def test_a_row_condition_may_leave_a_partition_without_rows(connection):
    enough = expect(
        "expect_table_row_count_to_be_between", min_value=1, row_condition='col("id") >= 100'
    )
    report = audit(connection, enough)
    assert report.failed_partitions == ("2013-02",)
    assert only(report, "2013-02").observed == 0


def test_a_partition_without_rows_fails(connection):
    harmless = expect("expect_column_values_to_not_be_null", column="id")
    report = audit(connection, harmless, partitions=("2013-01", "2014-01"))
    assert report.failed_partitions == ("2014-01",)
    verdict = only(report, "2014-01")
    assert (verdict.name, verdict.outcome) == ("has_rows", Outcome.FAIL)


def test_an_empty_unpartitioned_table_fails(connection):
    connection.execute("create temp view nothing as from flights where false")
    whole = contract(expect("expect_column_values_to_not_be_null", column="id"), partitioned=False)
    assert validate(connection, "nothing", whole, ("all",)).failed_partitions == ("all",)


def test_an_unpartitioned_table_is_judged_whole(connection):
    count = expect("expect_table_row_count_to_be_between", min_value=2250, max_value=2250)
    report = validate(connection, "flights", contract(count, partitioned=False), ("all",))
    assert report.failed_partitions == ()
    assert report.rows == {"all": 2250}


def test_a_partition_that_was_not_asked_for_is_not_judged(connection):
    known = expect("expect_column_values_to_be_in_set", column="origin", value_set=["EWR", "JFK"])
    report = audit(connection, known, partitions=("2013-03", "2013-05"))
    assert report.failed_partitions == ()
    assert report.rows == {"2013-03": 200, "2013-05": 200}


def test_a_missing_column_fails_the_schema_and_is_an_error_of_its_expectation(connection):
    columns = {**COLUMNS, "gate": "VARCHAR"}
    gate = expect("expect_column_values_to_not_be_null", column="gate")
    report = validate(connection, "flights", contract(gate, columns=columns), ("2013-01",))
    schema, verdict = report.verdicts
    assert (schema.name, schema.outcome) == ("has_columns", Outcome.FAIL)
    assert schema.message == "column 'gate' is missing"
    assert verdict.outcome is Outcome.ERROR
    assert "gate" in verdict.message


def test_a_column_of_another_type_fails_the_schema(connection):
    columns = {**COLUMNS, "delay": "BIGINT"}
    report = validate(connection, "flights", contract(columns=columns), ("2013-01",))
    assert report.verdicts[0].message == "column 'delay' is DOUBLE, not BIGINT"


def test_a_missing_partition_column_fails_every_partition(connection):
    connection.execute("create temp view dayless as select * exclude (day) from flights")
    report = validate(connection, "dayless", contract(), ("2013-01", "2013-02"))
    assert report.failed_partitions == ("2013-01", "2013-02")


def test_pass_fail_and_error_are_three_outcomes(connection):
    report = audit(
        connection,
        expect("expect_column_values_to_not_be_null", column="id"),
        expect("expect_column_values_to_not_be_null", column="delay"),
        expect("expect_column_values_to_match_regex", column="dep", regex="[0-9]"),
        partitions=("2013-01",),
    )
    assert [v.outcome for v in report.verdicts] == [Outcome.PASS, Outcome.FAIL, Outcome.ERROR]
    assert "regexp_matches" in report.verdicts[2].message


def test_an_expectation_that_cannot_be_evaluated_refuses_the_partition(connection):
    impossible = expect("expect_column_values_to_match_regex", column="dep", regex="[0-9]")
    assert audit(connection, impossible, partitions=MONTHS[:2]).failed_partitions == MONTHS[:2]


def test_an_expectation_that_cannot_be_evaluated_does_not_take_others_with_it(connection):
    report = audit(
        connection,
        expect("expect_column_values_to_match_regex", column="dep", regex="[0-9]"),
        expect("expect_column_values_to_match_regex", column="origin", regex="."),
        partitions=("2013-01", "2013-02"),
    )
    outcomes = [verdict.outcome for verdict in report.verdicts]
    assert outcomes == [Outcome.ERROR, Outcome.PASS, Outcome.ERROR, Outcome.PASS]


def test_failing_rows_are_shown_by_key(connection):
    report = audit(
        connection, expect("expect_column_values_to_be_between", column="arr", min_value=0)
    )
    july = only(report, "2013-07")
    assert july.examples == tuple(
        {"day": f"2013-07-0{i + 1}", "id": i, "arr": -1} for i in range(3)
    )
    assert july.observed == pytest.approx(1 - 3 / 200)


def test_at_most_five_failing_rows_are_shown(connection):
    report = audit(connection, expect("expect_column_values_to_be_null", column="origin"))
    assert {len(verdict.examples) for verdict in report.verdicts} == {5}


def test_a_warning_does_not_refuse_the_partition(connection):
    report = audit(
        connection,
        expect("expect_column_values_to_be_null", "warning", column="origin"),
    )
    assert {verdict.outcome for verdict in report.verdicts} == {Outcome.FAIL}
    assert report.failed_partitions == ()
    assert report.refusals() == ()


def test_a_repeated_expectation_gets_a_name_of_its_own(connection):
    known = expect("expect_column_values_to_not_be_null", column="id")
    report = audit(connection, known, known, partitions=("2013-01",))
    assert len({check.name for check in report.checks()}) == 2


def test_the_report_is_json(connection):
    report = audit(
        connection,
        expect("expect_column_max_to_be_between", column="day", max_value=date(2013, 6, 1)),
        expect("expect_column_values_to_be_null", column="day"),
    )
    facts = [dict(check.facts) for check in report.checks()]
    assert json.loads(json.dumps(facts)) == facts
    json.dumps(report.facts())


def test_the_report_says_what_was_refused_and_why(connection):
    bounds = expect("expect_table_row_count_to_be_between", min_value=100)
    report = audit(connection, bounds, partitions=("2013-01", "2013-02"))
    assert report.summary() == (
        "flights: 1 of 2 expectations passed over 2 partition(s), 1 failed, "
        "0 could not be evaluated; refused: 2013-02"
    )
    assert report.refusals() == (
        "flights: expect_table_row_count_to_be_between [2013-02]: FAIL; observed 50; "
        "expected min_value=100",
    )


def test_an_unknown_expectation_is_refused_with_a_hint(connection):
    with pytest.raises(UnknownName, match="Did you mean 'expect_column_mean_to_be_between'"):
        audit(connection, expect("expect_column_meen_to_be_between", column="delay"))


def test_an_unknown_argument_is_refused_with_a_hint(connection):
    with pytest.raises(ExpectationRefused, match="Did you mean 'min_value'"):
        audit(connection, expect("expect_column_mean_to_be_between", column="delay", min_valeu=1))


def test_an_impossible_argument_is_refused(connection):
    with pytest.raises(ExpectationRefused, match="mostly"):
        audit(connection, expect("expect_column_values_to_be_null", column="id", mostly="most"))


def test_importing_the_package_does_not_import_great_expectations():
    code = "import sys, lakehouse.validation; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_more_partitions_do_not_cost_more_queries(connection):
    suite = (
        expect("expect_column_values_to_be_between", column="arr", min_value=-1),
        expect("expect_column_values_to_match_regex", column="origin", regex="."),
        expect("expect_column_values_to_be_unique", column="id", mostly=0.5),
        expect("expect_compound_columns_to_be_unique", column_list=["id", "dep"]),
        expect("expect_multicolumn_sum_to_equal", column_list=["arr", "dep"], sum_total=2),
        expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="arr", column_B="dep"),
        expect("expect_column_mean_to_be_between", column="delay", min_value=0),
        expect("expect_column_stdev_to_be_between", column="delay", min_value=0),
        expect("expect_column_median_to_be_between", column="delay", min_value=0),
        expect("expect_column_unique_value_count_to_be_between", column="dep", min_value=1),
        expect(
            "expect_column_quantile_values_to_be_between",
            column="delay",
            quantile_ranges={"quantiles": [0.5], "value_ranges": [[0, 200]]},
        ),
        expect("expect_column_distinct_values_to_be_in_set", column="origin", value_set=["EWR"]),
        expect("expect_column_most_common_value_to_be_in_set", column="dep", value_set=[0]),
        expect("expect_column_proportion_of_unique_values_to_be_between", column="id", max_value=1),
        expect("expect_column_proportion_of_non_null_values_to_be_between", column="delay"),
    )
    connection.execute("call enable_logging('QueryLog', storage = 'memory')")

    def queries(partitions: tuple[str, ...]) -> int:
        connection.execute("call truncate_duckdb_logs()")
        audit(connection, *suite, partitions=partitions)
        (count,) = connection.execute(
            "select count(*) from duckdb_logs where type = 'QueryLog'"
        ).fetchone()
        return count

    few, many = queries(MONTHS[6:8]), queries(MONTHS)  # July fails, and examples are a query
    assert few > 5
    assert many == few


def test_all_that_is_asked_of_the_same_rows_is_one_scan(connection):
    suite = (
        expect("expect_table_row_count_to_be_between", min_value=1),
        expect("expect_column_values_to_not_be_null", column="id"),
        expect("expect_column_values_to_be_between", column="arr", min_value=-1),
        expect("expect_column_values_to_match_regex", column="origin", regex="."),
        expect("expect_column_mean_to_be_between", column="delay", min_value=0),
        expect("expect_column_stdev_to_be_between", column="delay", min_value=0),
        expect("expect_column_distinct_values_to_contain_set", column="dep", value_set=[0, 1]),
        expect("expect_column_distinct_values_to_be_in_set", column="dep", value_set=[*range(5)]),
    )
    connection.execute("call enable_logging('QueryLog', storage = 'memory')")
    audit(connection, *suite)
    (scans,) = connection.execute(
        "select count(*) from duckdb_logs "
        "where type = 'QueryLog' and message like 'SELECT%flights%'"
    ).fetchone()
    assert scans == 1


def test_expected_values_of_another_type_are_compared_as_the_database_compares(connection):
    connection.execute(
        "create temp view texts as select * replace (dep::varchar as dep) from flights"
    )
    some = expect("expect_column_distinct_values_to_contain_set", column="dep", value_set=[0, 4, 9])
    columns = {**COLUMNS, "dep": "VARCHAR"}
    report = validate(connection, "texts", contract(some, columns=columns), ("2013-01",))
    (verdict,) = report.verdicts
    lacking = {"missing_count": 1, "partial_missing_list": [9]}
    assert (verdict.outcome, verdict.observed) == (Outcome.FAIL, lacking)


def test_a_partition_by_day_or_year_is_told_apart(connection):
    count = expect("expect_table_row_count_to_be_between", min_value=8)
    whole = contract(count)
    days = replace(whole, partition=Partition("day", "day", date(2013, 1, 1)))
    report = validate(connection, "flights", days, ("2013-02-28", "2013-03-01", "2012-12-31"))
    assert report.rows == {"2013-02-28": 1, "2013-03-01": 8, "2012-12-31": 0}
    years = replace(whole, partition=Partition("day", "year", date(2013, 1, 1)))
    assert validate(connection, "flights", years, ("2012", "2013")).rows == {
        "2012": 0,
        "2013": 2250,
    }


def test_the_callers_connection_stays_open(connection):
    audit(connection, expect("expect_column_values_to_not_be_null", column="id"))
    gc.collect()
    assert connection.execute("select count(*) from flights").fetchone() == (2250,)
