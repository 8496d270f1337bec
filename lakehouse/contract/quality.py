"""Quality checks of a contract: what is a property of a row becomes a rule, the rest is expected.

Of the standard's library, `mustBe: 0` of nulls, missing or invalid values speaks about each row.
Row counts, duplicates and tolerated shares speak about what remains of a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from open_data_contract_standard.model import DataQuality

from lakehouse.contract.check import Check, Table
from lakehouse.contract.compiling import matches, none_of, one_of, required
from lakehouse.contract.document import Document, Place
from lakehouse.contract.expectations import great_expectation, no_duplicates, row_count
from lakehouse.contract.parts import Column, Expectation, Query, Rule
from lakehouse.contract.queries import read_query

_ROW_METRICS = ("nullValues", "missingValues", "invalidValues")


def read_quality(
    document: Document,
    place: Place,
    entries: Sequence[DataQuality] | None,
    column: Column | None,
    table: Table,
) -> tuple[Rule | Expectation | Query, ...]:
    """Returns the rules, expectations and queries that `quality` makes.

    Args:
        document: The contract.
        place: The property or schema object.
        entries: Its checks.
        column: The property's column, or None for checks of the table.
        table: What the checks may be about.

    Raises:
        ContractError: A check that cannot be honoured in full.
    """
    checks = (
        Check(document, (*place, "quality", position), entry, column, table)
        for position, entry in enumerate(entries or ())
    )
    return tuple(made for check in checks for made in _compile(check))


def _compile(check: Check) -> Sequence[Rule | Expectation | Query]:
    """Returns what one check becomes; a text is documentation."""
    kind = check.entry.type or "library"
    if kind == "text":
        return ()
    if kind == "sql":
        return (read_query(check),)
    if kind == "custom":
        return (great_expectation(check),)
    if check.entry.metric == "rowCount":
        return (row_count(check),)
    if check.entry.metric == "duplicateValues":
        return (no_duplicates(check),)
    if check.entry.metric in _ROW_METRICS:
        return _row_metric(check)
    raise check.refuse("metric", "is missing: a library check names its metric")


def _row_metric(check: Check) -> Sequence[Rule | Expectation]:
    """Returns the rule of a metric that counts broken rows, or the share of nulls tolerated."""
    if check.column is None:
        raise check.refuse("metric", f"'{check.entry.metric}' belongs to a property, not a table")
    if check.operator == "mustBe" and check.limit == 0:
        if check.entry.severity not in (None, "error"):
            raise check.refuse(
                "severity", "a rule of a row has none: a row that breaks it is quarantined"
            )
        return _row_rules(check, check.column)
    percent = check.entry.unit == "percent" and check.operator == "mustBeLessOrEqualTo"
    if check.entry.metric == "nullValues" and percent and 0 <= check.limit <= 100:
        kwargs = {"column": check.column.name, "mostly": round(1 - check.limit / 100, 10)}
        kind = "expect_column_values_to_not_be_null"
        return (Expectation(kind, kwargs, check.severity, check.notes),)
    hint = " Write `mustBe: 0`, or for nulls `mustBeLessOrEqualTo` with `unit: percent`."
    why = f"'{check.entry.metric}' with {check.operator} {check.limit} is not supported"
    raise check.refuse(check.operator, why, hint)


def _row_rules(check: Check, column: Column) -> tuple[Rule, ...]:
    """Returns the rules of `mustBe: 0`."""
    arguments = dict(check.entry.arguments or {})
    try:
        if check.entry.metric == "nullValues":
            rules = [required(column)]
        elif check.entry.metric == "missingValues":
            rules = _missing(column, arguments.pop("missingValues", None))
        else:
            rules = _invalid(column, arguments)
    except ValueError as error:
        raise check.refuse("arguments", str(error)) from None
    for left in arguments:
        raise check.refuse("arguments", f"'{left}' is not honoured for {check.entry.metric}")
    return tuple(rules)


def _missing(column: Column, values: Any) -> list[Rule]:
    """Returns the rules against values that stand for a missing one; null may be among them."""
    if not isinstance(values, list) or not values:
        raise ValueError("lists no missingValues")
    present = [value for value in values if value is not None]
    rules = [required(column)] if None in values else []
    return rules + ([none_of(column, present)] if present else [])


def _invalid(column: Column, arguments: dict[str, Any]) -> list[Rule]:
    """Returns the rules of valid values and pattern, and takes both out of `arguments`."""
    rules = []
    if "validValues" in arguments:
        values = arguments.pop("validValues")
        if not isinstance(values, list) or not values:
            raise ValueError("validValues is not a list of values")
        rules.append(one_of(column, values))
    if "pattern" in arguments:
        rules.append(matches(column, str(arguments.pop("pattern"))))
    if not rules and not arguments:
        raise ValueError("names neither validValues nor pattern")
    return rules
