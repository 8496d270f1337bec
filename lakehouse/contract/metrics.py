"""The standard's library of metrics: nulls, missing, invalid and duplicate values, row counts.

What is demanded of every row becomes a rule. A tolerated number or share is judged on what remains
of a partition: as an expectation of Great Expectations where it has one that says the same, else
as a query that counts. Shares are of all rows. A duplicate is a row that repeats an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.connection import quote_name
from lakehouse.contract.check import Check
from lakehouse.contract.compiling import matches, none_of, one_of, required
from lakehouse.contract.expectations import check_columns, expectation, row_count, unique
from lakehouse.contract.parts import Column, Expectation, Query, Rule
from lakehouse.contract.queries import TABLE, make
from lakehouse.errors import did_you_mean

Made = Sequence[Rule | Expectation | Query]

_UNITS = ("rows", "percent")
_LISTED = {"missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern")}


def read_metric(check: Check) -> Made:
    """Returns what one check of the library becomes.

    Raises:
        ContractError: A unit, an argument or a limit that the metric does not have.
    """
    metric = check.entry.metric
    if metric is None:
        raise check.refuse("metric", "is missing: a library check names its metric")
    if check.entry.unit not in (None, *_UNITS):
        hint = did_you_mean(str(check.entry.unit), _UNITS)
        raise check.refuse("unit", f"{check.entry.unit!r} is not rows or percent", hint)
    _check_limits(check)
    if metric == "rowCount":
        return (row_count(check),)
    if metric == "duplicateValues":
        return (_duplicates(check),)
    return _values(check)


def _check_limits(check: Check) -> None:
    """Refuses a number that no count or share can be compared with."""
    percent = check.entry.unit == "percent"
    for limit in check.limit if isinstance(check.limit, list) else [check.limit]:
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise check.refuse(check.operator, f"{limit!r} is not a number to compare with")
        if limit < 0 or (percent and limit > 100):
            why = "is no share: shares are from 0 to 100" if percent else "is below any count"
            raise check.refuse(check.operator, f"{limit} {why}")


def _none(check: Check) -> bool:
    """Tells whether not a single row may be counted."""
    return check.operator == "mustBe" and check.limit == 0


def _values(check: Check) -> Made:
    """Returns what becomes of a metric that judges each value by itself."""
    column = check.column
    if column is None:
        raise check.refuse("metric", f"'{check.entry.metric}' belongs to a property, not a table")
    try:
        rules = _rules(check, column)
    except ValueError as error:
        raise check.refuse("arguments", str(error)) from None
    if _none(check) and check.entry.severity in (None, "error"):
        return rules
    _check_published(check, column)
    tolerated = check.entry.unit == "percent" and check.operator == "mustBeLessOrEqualTo"
    if check.entry.metric == "nullValues" and (_none(check) or tolerated):
        kept = {} if _none(check) else {"mostly": round(1 - check.limit / 100, 10)}
        kwargs = {"column": column.name, **kept}
        return (expectation(check, "expect_column_values_to_not_be_null", kwargs),)
    broken = " OR ".join(f"({rule.sql}) IS FALSE" for rule in rules)
    return (_counted(check, f"count(*) FILTER (WHERE {broken})"),)


def _check_published(check: Check, column: Column) -> None:
    """Refuses to count, among published values, what can no longer be seen there."""
    if column.treatment == "drop":
        why = f"'{column.name}' is dropped before publishing, so nothing can be expected of it"
        raise check.refuse("metric", why, " `mustBe: 0` is a rule of the row as it came.")
    if column.treatment and check.entry.metric != "nullValues":
        why = f"'{column.name}' is published as a text that says nothing about its value"
        raise check.refuse("metric", why, " `mustBe: 0` is a rule of the row as it came.")


def _rules(check: Check, column: Column) -> tuple[Rule, ...]:
    """Returns the rules that a row must keep so that the metric does not count it."""
    metric, arguments = str(check.entry.metric), check.entry.arguments or {}
    known = _LISTED.get(metric, ())
    for name in arguments:
        if name not in known:
            hint = did_you_mean(name, known)
            raise check.refuse("arguments", f"'{name}' is not honoured for {metric}", hint)
    if metric == "nullValues":
        return (required(column),)
    if metric == "missingValues":
        return _missing(column, arguments.get("missingValues"))
    return _invalid(column, arguments)


def _missing(column: Column, values: Any) -> tuple[Rule, ...]:
    """Returns the rules against values that stand for a missing one; null may be among them."""
    if not isinstance(values, list) or not values:
        raise ValueError("lists no missingValues")
    present = [value for value in values if value is not None]
    rules = (required(column),) if None in values else ()
    return rules + ((none_of(column, present),) if present else ())


def _invalid(column: Column, arguments: dict[str, Any]) -> tuple[Rule, ...]:
    """Returns the rules of valid values and pattern."""
    values = arguments.get("validValues", [None])
    if not isinstance(values, list) or not values:
        raise ValueError("validValues is not a list of values")
    listed = (one_of(column, values),) if "validValues" in arguments else ()
    pattern = (matches(column, str(arguments["pattern"])),) if "pattern" in arguments else ()
    if not listed and not pattern:
        raise ValueError("names neither validValues nor pattern")
    return listed + pattern


def _duplicates(check: Check) -> Expectation | Query:
    """Returns what becomes of repeated values, or combinations of values."""
    names = _repeated(check)
    if _none(check):
        return unique(check, names)
    if len(names) == 1:
        quoted = quote_name(names[0])
        return _counted(check, f"count({quoted}) - count(DISTINCT {quoted})")
    there = " AND ".join(f"{quote_name(name)} IS NOT NULL" for name in names)
    row = ", ".join(map(quote_name, names))
    where = f"FILTER (WHERE {there})"
    return _counted(check, f"count(*) {where} - count(DISTINCT ({row})) {where}")


def _repeated(check: Check) -> tuple[str, ...]:
    """Returns the columns whose combinations are compared."""
    if check.column is not None:
        if check.entry.arguments:
            raise check.refuse("arguments", "are not honoured for the duplicates of one property")
        if check.column.treatment in ("drop", "mask"):
            why = f"'{check.column.name}' is not published as it is, so its repetitions are gone"
            raise check.refuse("metric", why, " Write `privacy: hash`: equal values stay equal.")
        return (check.column.name,)
    properties = (check.entry.arguments or {}).get("properties")
    if set(check.entry.arguments or ()) != {"properties"} or not isinstance(properties, list):
        raise check.refuse("arguments", "name not only the list `properties`")
    check_columns(check, "arguments", properties)
    return tuple(properties)


def _counted(check: Check, count: str) -> Query:
    """Returns the query of a number of rows, or of their share in percent."""
    if check.entry.unit == "percent":
        count = f"100 * ({count}) / nullif(count(*), 0)"
    return make(check, f"SELECT {count} FROM {TABLE}", str(check.entry.metric))
