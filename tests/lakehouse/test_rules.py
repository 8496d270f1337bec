"""The cheap predicate and the list of broken rules agree, on any row."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.connection import quote_name
from lakehouse.contract import Contract, Rule, load
from lakehouse.rules import broken, valid

TRIPS = load(Path(__file__).with_name("trips.odcs.yaml"))
ROWS = st.tuples(
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.datetimes(),
    st.none() | st.datetimes(),
    st.none() | st.floats(),
    st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3),
)


def with_rules(*rules: Rule) -> Contract:
    return replace(TRIPS, rules=rules)


def judge(contract: Contract, row: tuple[object, ...]) -> tuple[bool, list[str]]:
    """Returns what `valid` and `broken` say of a row in DuckDB."""
    read = contract.read_columns
    casts = ", ".join(f"CAST(? AS {column.type}) AS {quote_name(column.name)}" for column in read)
    computed = ", ".join(
        f"{c.transform} AS {quote_name(c.name)}" for c in contract.columns if c.transform
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        rows = f"(SELECT *, {computed} FROM (SELECT {casts}))"
        sql = f"SELECT {valid(contract)}, {broken(contract)} FROM {rows}"
        answer = connection.execute(sql, row).fetchone()
    assert answer is not None
    return answer


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_valid_says_that_no_rule_is_broken(row: tuple[object, ...]) -> None:
    verdict, names = judge(TRIPS, row)
    assert verdict == (len(names) == 0)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ((1, "2013-01-01", "2013-01-02", 5.0, "x"), []),
        ((1, "2013-01-01", None, None, None), []),
        ((None, "2013-01-01", None, None, None), ["id is required"]),
        ((1, "2013-01-02", "2013-01-01", 501, None),
         ["price between 0 and 500", "ends after it starts"]),
        ((1, "2012-12-31", None, float("nan"), None),
         ["price between 0 and 500", "day not before 2013-01-01"]),
        ((1, None, None, None, None), ["start is required", "day is required"]),
    ],
)  # fmt: skip
def test_broken_names_each_rule_in_order(row: tuple[object, ...], names: list[str]) -> None:
    assert judge(TRIPS, row) == (not names, names)


def test_no_rules_are_kept_by_all() -> None:
    assert judge(with_rules(), (None,) * 5) == (True, [])


def test_names_with_quotes_are_text() -> None:
    contract = with_rules(Rule('it\'s "x"', "id > 5"))
    assert judge(contract, (1, None, None, None, None)) == (False, ['it\'s "x"'])


def test_a_rule_that_cannot_be_computed_does_not_end_the_query() -> None:
    contract = with_rules(Rule("no overflow", "TRY(id * 2147483647 > 0)"))
    assert judge(contract, (2**31 - 1, None, None, None, None)) == (True, [])
