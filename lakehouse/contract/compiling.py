"""Rules of a row, compiled from a property's options, with names that a person reads.

Null never breaks a rule other than `is required`: every predicate here is null for a null value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from open_data_contract_standard.model import SchemaProperty

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract.document import Document, Place
from lakehouse.contract.expressions import check_pattern
from lakehouse.contract.literals import literal
from lakehouse.contract.parser import ExpressionRefused
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import Column, Rule
from lakehouse.contract.text_formats import FormatRefused, formatted

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_FLOATS = ("DOUBLE", "FLOAT")
_WIDTHS = {
    "i8": (-(2**7), 2**7 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1),
    "u32": (0, 2**32 - 1),
}
"""Integers that Iceberg keeps in a wider type."""


def required(column: Column) -> Rule:
    """Returns the rule that a value is there."""
    return Rule(f"{column.name} is required", f"{quote_name(column.name)} IS NOT NULL", column.name)


def one_of(column: Column, values: Sequence[object]) -> Rule:
    """Returns the rule that a value is in a list.

    Raises:
        ValueError: A value that is not of the column's type.
    """
    listed = ", ".join(literal(value, column.type, column.zone) for value in values)
    shown = ", ".join(map(str, values))
    return Rule(
        f"{column.name} in {shown}", f"{quote_name(column.name)} IN ({listed})", column.name
    )


def none_of(column: Column, values: Sequence[object]) -> Rule:
    """Returns the rule that a value is not one of those that stand for a missing one.

    Raises:
        ValueError: A value that is not of the column's type.
    """
    listed = ", ".join(literal(value, column.type, column.zone) for value in values)
    shown = ", ".join(map(repr, values))
    return Rule(
        f"{column.name} not in {shown}", f"{quote_name(column.name)} NOT IN ({listed})", column.name
    )


def matches(column: Column, pattern: str) -> Rule:
    """Returns the rule that a text contains a match of a regular expression.

    As in JSON Schema, from which ODCS takes the option, the expression is searched for, not
    anchored: write `^` and `$` to match the whole.

    Raises:
        ValueError: DuckDB's engine cannot run the pattern.
    """
    if column.type != "VARCHAR":
        raise ValueError("is only for strings")
    try:
        check_pattern(pattern)
    except ExpressionRefused as error:
        raise ValueError(error.why) from None
    sql = f"regexp_matches({quote_name(column.name)}, {quote_text(pattern)})"
    return Rule(f"{column.name} matches {pattern}", sql, column.name)


def starts(column: Column, partition: Partition) -> Rule:
    """Returns the rule that a row is not before the table's first partition."""
    sql = f"{quote_name(column.name)} >= {literal(partition.start.isoformat(), column.type)}"
    return Rule(f"{column.name} not before {partition.start}", sql, column.name)


def compile_rules(
    document: Document, place: Place, prop: SchemaProperty, column: Column
) -> tuple[Rule, ...]:
    """Returns the rules that a property's options make.

    Raises:
        ContractError: An option whose value does not fit the column.
    """
    rules = [required(column)] if column.required else []
    options = prop.logicalTypeOptions or {}
    where = (*place, "logicalTypeOptions")
    try:
        rules += _bounds(column, options)
        rules += _finite(column, options)
        where = (*place, "logicalTypeOptions", "multipleOf")
        rules += [_multiple(column, options["multipleOf"])] if "multipleOf" in options else []
        where = (*place, "logicalTypeOptions", "minLength")
        rules += _lengths(column, options)
        where = (*place, "logicalTypeOptions", "pattern")
        rules += [matches(column, options["pattern"])] if "pattern" in options else []
        where = (*place, "logicalTypeOptions", "format")
        rules += _format(column, prop)
        where = (*place, "enum")
        rules += [one_of(column, [entry.value for entry in prop.enum])] if prop.enum else []
    except FormatRefused as error:
        raise document.refuse(where, error.why, error.hint) from None
    except ValueError as error:
        raise document.refuse(where, str(error)) from None
    return tuple(rules)


def _format(column: Column, prop: SchemaProperty) -> Iterator[Rule]:
    """Yields the rule of a text's format, or of an integer narrower than its type."""
    name = (prop.logicalTypeOptions or {}).get("format")
    if prop.logicalType == "string" and name is not None:
        yield formatted(column, name)
    elif prop.logicalType == "integer" and name in _WIDTHS:
        low, high = _WIDTHS[name]
        sql = f"{quote_name(column.name)} BETWEEN {low} AND {high}"
        yield Rule(f"{column.name} fits {name}", sql, column.name)


def _bounds(column: Column, options: Mapping[str, Any]) -> Iterator[Rule]:
    """Yields the rule of a closed range, or one for each bound."""
    made = {
        key: literal(options[key], column.type, column.zone) for key in _BOUNDS if key in options
    }
    low, high = made.get("minimum"), made.get("maximum")
    quoted = quote_name(column.name)
    if low and high:
        _check_range(column, options["minimum"], options["maximum"])
        shown = f"between {options['minimum']} and {options['maximum']}"
        yield Rule(f"{column.name} {shown}", f"{quoted} BETWEEN {low} AND {high}", column.name)
    elif low:
        yield Rule(
            f"{column.name} at least {options['minimum']}", f"{quoted} >= {low}", column.name
        )
    elif high:
        yield Rule(
            f"{column.name} at most {options['maximum']}", f"{quoted} <= {high}", column.name
        )
    for key, sign, words in (
        ("exclusiveMinimum", ">", "greater than"),
        ("exclusiveMaximum", "<", "less than"),
    ):
        if key in made:
            shown = f"{column.name} {words} {options[key]}"
            yield Rule(shown, f"{quoted} {sign} {made[key]}", column.name)


def _check_range(column: Column, low: Any, high: Any) -> None:
    """Refuses a range that no value can be in; texts of dates compare like dates."""
    if low > high:
        raise ValueError(f"minimum {low} is above maximum {high}, so no row could pass")


def _finite(column: Column, options: Mapping[str, Any]) -> Iterator[Rule]:
    """Yields the rule against NaN and infinity, where no range excludes them already.

    JSON Schema's numbers are finite; DuckDB reads `nan` and `inf` and sorts NaN above all.
    """
    if column.type in _FLOATS and not {"minimum", "maximum"} <= options.keys():
        sql = f"isfinite({quote_name(column.name)})"
        yield Rule(f"{column.name} is a finite number", sql, column.name)


def _multiple(column: Column, step: float) -> Rule:
    """Returns the rule of multiples; binary fractions are compared with a tolerance."""
    quoted, divisor = quote_name(column.name), literal(step, column.type)
    sql = f"{quoted} % {divisor} = 0"
    if column.type in _FLOATS:
        sql = f"abs({quoted} / {divisor} - round({quoted} / {divisor})) < 1e-9"
    return Rule(f"{column.name} is a multiple of {step}", sql, column.name)


def _lengths(column: Column, options: Mapping[str, Any]) -> Iterator[Rule]:
    """Yields the rule of a text's length in characters."""
    low, high = options.get("minLength"), options.get("maxLength")
    if low is None and high is None:
        return
    length = f"length({quote_name(column.name)})"
    if low is not None and high is not None:
        if low > high:
            raise ValueError(f"minLength {low} is above maxLength {high}, so no row could pass")
        shown = f"{low} characters" if low == high else f"{low} to {high} characters"
        yield Rule(f"{column.name} has {shown}", f"{length} BETWEEN {low} AND {high}", column.name)
    elif low is not None:
        yield Rule(
            f"{column.name} has at least {low} characters", f"{length} >= {low}", column.name
        )
    else:
        yield Rule(
            f"{column.name} has at most {high} characters", f"{length} <= {high}", column.name
        )
