"""Quality checks in SQL, each judged on the rows of one partition."""

from dataclasses import replace
from datetime import date

import duckdb
import pytest

from lakehouse.contract import Column, Contract, Partition, Query, ReadOptions
from lakehouse.results import Severity
from lakehouse.validation import Outcome, Report, Verdict, validate

MONTHS = ("2013-01", "2013-02", "2013-03")
COLUMNS = {"day": "DATE", "id": "BIGINT", "price": "DECIMAL(9,2)", "word": "VARCHAR"}
# three rows in January, ten in February, of which two are dear, none in March
ROWS = """
create temp view trips as
select make_date(2013, 1, i::int + 1) as day, i as id, 1.5::decimal(9,2) as price, 'a' as word
from range(3) r(i)
union all
select make_date(2013, 2, i::int + 1), i, if(i < 2, 900, 10)::decimal(9,2), 'x' from range(10) r(i)
"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(ROWS)
    return connection


def contract(*queries: Query) -> Contract:
    return Contract(
        dataset="trips",
        version="1.0.0",
        description="",
        owner="team",
        domain="",
        tags=(),
        columns=tuple(Column(name, kind) for name, kind in COLUMNS.items()),
        key=("id", "day"),
        partition=Partition("day", "month", date(2013, 1, 1)),
        delivery="replace",
        limit=0.05,
        read=ReadOptions(),
        rules=(),
        expectations=(),
        queries=queries,
    )


def query(
    sql: str,
    operator: str = "mustBe",
    limit: float | tuple[float, float] = 0,
    severity: Severity = "error",
) -> Query:
    return Query("told", sql, operator, limit, severity, "because the test says so")


def audit(connection: duckdb.DuckDBPyConnection, *queries: Query) -> Report:
    return validate(connection, "trips", contract(*queries), MONTHS[:2])


def verdicts(report: Report) -> dict[str, Verdict]:
    return {verdict.partition: verdict for verdict in report.verdicts}


DEAR = query("SELECT count(*) FROM ${table} WHERE price > 100")


def test_each_partition_is_asked_by_itself(connection):
    report = audit(connection, DEAR)
    assert report.failed_partitions == ("2013-02",)
    found = verdicts(report)
    assert (found["2013-01"].observed, found["2013-02"].observed) == (0, 2)
    assert found["2013-02"].expected == {"mustBe": 0, "query": DEAR.sql}
    assert found["2013-02"].notes == "because the test says so"


def test_an_unpartitioned_table_is_asked_as_a_whole(connection):
    whole = replace(contract(DEAR), partition=None)
    report = validate(connection, "trips", whole, ("all",))
    assert verdicts(report)["all"].observed == 2


def test_the_rows_may_be_read_more_than_once_and_by_another_name(connection):
    shares = query(
        "WITH dear AS (SELECT * FROM ${table} t WHERE t.price > 100) "
        "SELECT (SELECT count(*) FROM dear) / count(*) FROM ${table}",
        "mustBeLessThan",
        0.2,
    )
    assert audit(connection, shares).failed_partitions == ("2013-02",)


@pytest.mark.parametrize(
    ("operator", "limit", "passes"),
    [
        ("mustBe", 3, True),
        ("mustBe", 4, False),
        ("mustNotBe", 4, True),
        ("mustNotBe", 3, False),
        ("mustBeGreaterThan", 2, True),
        ("mustBeGreaterThan", 3, False),
        ("mustBeGreaterOrEqualTo", 3, True),
        ("mustBeGreaterOrEqualTo", 4, False),
        ("mustBeLessThan", 4, True),
        ("mustBeLessThan", 3, False),
        ("mustBeLessOrEqualTo", 3, True),
        ("mustBeLessOrEqualTo", 2, False),
        ("mustBeBetween", (3, 5), True),
        ("mustBeBetween", (4, 5), False),
        ("mustNotBeBetween", (4, 5), True),
        ("mustNotBeBetween", (1, 3), False),
    ],
)
def test_the_number_is_compared_as_the_standard_says(connection, operator, limit, passes):
    report = audit(connection, query("SELECT count(*) FROM ${table}", operator, limit))
    wanted = Outcome.PASS if passes else Outcome.FAIL
    assert verdicts(report)["2013-01"].outcome is wanted


def test_a_decimal_is_a_number(connection):
    mean = query("SELECT max(price) FROM ${table}", "mustBe", 1.5)
    assert verdicts(audit(connection, mean))["2013-01"].outcome is Outcome.PASS


@pytest.mark.parametrize("none", ["NULL::BIGINT", "'nan'::DOUBLE"])
def test_no_number_fails_whatever_it_is_compared_with(connection, none):
    report = audit(connection, query(f"SELECT any_value({none}) FROM ${{table}}", "mustNotBe", 7))
    verdict = verdicts(report)["2013-01"]
    assert (verdict.outcome, verdict.message) == (Outcome.FAIL, "the query gave no number")


def test_what_cannot_be_evaluated_is_an_error_of_that_partition_alone(connection):
    numbers = query("SELECT count(*) FROM ${table} WHERE CAST(replace(word, 'a', '1') AS INT) > 1")
    report = audit(connection, numbers, DEAR)
    found = {(v.partition, v.expected["query"]): v for v in report.verdicts}
    assert found["2013-01", numbers.sql].outcome is Outcome.PASS
    broken = found["2013-02", numbers.sql]
    assert broken.outcome is Outcome.ERROR
    assert "Could not convert string 'x'" in broken.message
    assert found["2013-02", DEAR.sql].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT price FROM ${table}", "gave 2 rows, not one"),
        ("SELECT price FROM ${table} WHERE false", "gave no rows, not one"),
        ("SELECT max(word) FROM ${table}", "gave 'a', which is no number"),
    ],
)
def test_what_is_not_one_number_is_an_error(connection, sql, told):
    verdict = verdicts(audit(connection, query(sql)))["2013-01"]
    assert verdict.outcome is Outcome.ERROR
    assert told in verdict.message


def test_a_warning_tells_and_an_error_refuses(connection):
    assert audit(connection, replace(DEAR, severity="warning")).failed_partitions == ()
    assert audit(connection, DEAR).refusals() == (
        "trips: told [2013-02]: FAIL; observed 2; expected mustBe=0",
    )


def test_a_partition_without_rows_is_not_asked(connection):
    report = validate(connection, "trips", contract(DEAR), MONTHS)
    assert verdicts(report)["2013-03"].name == "has_rows"
