"""Quality checks of a contract: what is a property of a row becomes a rule, the rest is expected.

Of the standard's library, `mustBe: 0` of nulls, missing or invalid values speaks about each row.
Row counts, duplicates and tolerated shares speak about what remains of a partition.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from open_data_contract_standard.model import DataQuality

from lakehouse.contract.compiling import matches, none_of, one_of, required
from lakehouse.contract.document import Document, Place
from lakehouse.contract.model import Column, Expectation, Rule
from lakehouse.errors import ContractError, did_you_mean
from lakehouse.results import Severity

_SEVERITIES = ("error", "warning")
_OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")
_ROW_METRICS = ("nullValues", "missingValues", "invalidValues")


@dataclass(frozen=True)
class _Check:
    """One entry of `quality` with where it stands and what it is about."""

    document: Document
    place: Place
    entry: DataQuality
    column: Column | None
    names: tuple[str, ...]

    def refuse(self, key: str, why: str, hint: str = "") -> ContractError:
        """Returns the error that points to one key of the check."""
        return self.document.refuse((*self.place, key), why, hint)

    @property
    def severity(self) -> Severity:
        """What a failure does; the standard leaves the words open."""
        severity = self.entry.severity or "error"
        if severity not in _SEVERITIES:
            hint = did_you_mean(severity, _SEVERITIES)
            raise self.refuse("severity", f"{severity!r} is not error or warning", hint)
        return cast(Severity, severity)

    @property
    def notes(self) -> str:
        """Why it is expected, from the description."""
        if not (self.entry.description or "").strip():
            raise self.refuse("description", "is missing: a check says why it is expected")
        return str(self.entry.description).strip()

    @property
    def operator(self) -> str:
        """The one comparison that the JSON schema makes sure of."""
        return next(name for name in _OPERATORS if getattr(self.entry, name) is not None)

    @property
    def limit(self) -> Any:
        """What it compares with."""
        return getattr(self.entry, self.operator)


def read_quality(
    document: Document,
    place: Place,
    entries: Sequence[DataQuality] | None,
    column: Column | None,
    names: tuple[str, ...],
) -> tuple[tuple[Rule, ...], tuple[Expectation, ...]]:
    """Returns the rules and the expectations that `quality` makes.

    Args:
        document: The contract.
        place: The property or schema object.
        entries: Its checks.
        column: The property's column, or None for checks of the table.
        names: All columns of the dataset.

    Raises:
        ContractError: A check that cannot be honoured in full.
    """
    rules: list[Rule] = []
    expectations: list[Expectation] = []
    for position, entry in enumerate(entries or ()):
        check = _Check(document, (*place, "quality", position), entry, column, names)
        made = _compile(check)
        rules += [item for item in made if isinstance(item, Rule)]
        expectations += [item for item in made if isinstance(item, Expectation)]
    return tuple(rules), tuple(expectations)


def _compile(check: _Check) -> Sequence[Rule | Expectation]:
    """Returns what one check becomes; a text is documentation."""
    kind = check.entry.type or "library"
    if kind == "text":
        return ()
    if kind == "sql":
        hint = " Write a row rule (`rowRules`) or an expectation."
        raise check.refuse("type", "'sql' is not supported", hint)
    if kind == "custom":
        return (_great_expectation(check),)
    if check.entry.metric == "rowCount":
        return (_row_count(check),)
    if check.entry.metric == "duplicateValues":
        return (_duplicates(check),)
    if check.entry.metric in _ROW_METRICS:
        return _row_metric(check)
    raise check.refuse("metric", "is missing: a library check names its metric")


def _row_metric(check: _Check) -> Sequence[Rule | Expectation]:
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


def _row_rules(check: _Check, column: Column) -> tuple[Rule, ...]:
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


def _row_count(check: _Check) -> Expectation:
    """Returns the expectation of a row count, per partition."""
    limit, operator = check.limit, check.operator
    _check_plain(check, limit if isinstance(limit, list) else [limit])
    bounds: Mapping[str, Mapping[str, int]] = {
        "mustBe": {"value": limit},
        "mustBeBetween": {"min_value": min(limit), "max_value": max(limit)}
        if isinstance(limit, list)
        else {},
        "mustBeGreaterOrEqualTo": {"min_value": limit},
        "mustBeLessOrEqualTo": {"max_value": limit},
        "mustBeGreaterThan": {"min_value": limit + 1 if isinstance(limit, int) else 0},
        "mustBeLessThan": {"max_value": limit - 1 if isinstance(limit, int) else 0},
    }
    if operator not in bounds:
        raise check.refuse(operator, "is not supported for rowCount")
    word = "equal" if operator == "mustBe" else "be_between"
    kind = f"expect_table_row_count_to_{word}"
    return Expectation(kind, dict(bounds[operator]), check.severity, check.notes)


def _check_plain(check: _Check, limits: Sequence[Any]) -> None:
    """Refuses a row count that is of one column, in percent, with arguments, or not whole."""
    if check.column is not None:
        raise check.refuse("metric", "'rowCount' belongs to the table, not to a property")
    if check.entry.unit == "percent":
        raise check.refuse("unit", "'percent' of a row count has no meaning")
    if check.entry.arguments:
        raise check.refuse("arguments", "are not honoured for rowCount")
    if not all(isinstance(limit, int) and not isinstance(limit, bool) for limit in limits):
        raise check.refuse(check.operator, "is not a whole number of rows")


def _duplicates(check: _Check) -> Expectation:
    """Returns the expectation that no value, or combination of values, is there twice."""
    if check.operator != "mustBe" or check.limit != 0:
        raise check.refuse(check.operator, "'duplicateValues' is supported with `mustBe: 0` only")
    if check.column is not None:
        if check.entry.arguments:
            raise check.refuse("arguments", "are not honoured for the duplicates of one property")
        return unique(check.column, check.severity, check.notes)
    properties = (check.entry.arguments or {}).get("properties")
    if set(check.entry.arguments or ()) != {"properties"} or not isinstance(properties, list):
        raise check.refuse("arguments", "name not only the list `properties`")
    _check_columns(check, "arguments", properties)
    kind = "expect_compound_columns_to_be_unique"
    return Expectation(kind, {"column_list": properties}, check.severity, check.notes)


def unique(column: Column, severity: Severity, notes: str) -> Expectation:
    """Returns the expectation that a column's values differ."""
    kind = "expect_column_values_to_be_unique"
    return Expectation(kind, {"column": column.name}, severity, notes)


def _great_expectation(check: _Check) -> Expectation:
    """Returns an expectation written in Great Expectations' own words."""
    engine = (check.entry.engine or "").replace("-", "").replace("_", "").lower()
    if engine != "greatexpectations":
        why = f"{check.entry.engine!r} is not supported; write greatExpectations"
        raise check.refuse("engine", why)
    inside = check.entry.implementation
    if not isinstance(inside, dict):
        raise check.refuse("implementation", "is not a mapping with type, kwargs and meta")
    for key in inside.keys() - {"type", "expectation_type", "kwargs", "meta"}:
        hint = did_you_mean(key, ("type", "kwargs", "meta"))
        raise check.refuse("implementation", f"'{key}' is not honoured", hint)
    kind = inside.get("type", inside.get("expectation_type"))
    if kind not in _known_expectations():
        hint = did_you_mean(str(kind), _known_expectations())
        raise check.refuse("implementation", f"{kind!r} is not an expectation that is known", hint)
    kwargs = _kwargs(check, str(kind), inside.get("kwargs") or {})
    return Expectation(str(kind), kwargs, check.severity, _meta_notes(check, inside.get("meta")))


def _kwargs(check: _Check, kind: str, given: Any) -> Mapping[str, object]:
    """Returns the arguments, with the property's own column where none is named."""
    if not isinstance(given, dict):
        raise check.refuse("implementation", "kwargs is not a mapping")
    kwargs = dict(given)
    if check.column is not None and re.match(r"expect_column_(?!pair)", kind):
        named = kwargs.setdefault("column", check.column.name)
        if named != check.column.name:
            why = f"is about column '{named}' but stands at '{check.column.name}'"
            raise check.refuse("implementation", why)
    for key in _COLUMN_KEYS:
        if key in kwargs:
            value = kwargs[key]
            _check_columns(check, "implementation", value if isinstance(value, list) else [value])
    return kwargs


def _check_columns(check: _Check, key: str, columns: Sequence[Any]) -> None:
    """Refuses a column that the dataset does not have."""
    for column in columns:
        if column not in check.names:
            hint = did_you_mean(str(column), check.names)
            raise check.refuse(key, f"'{column}' is no column here", hint)


def _meta_notes(check: _Check, meta: Any) -> str:
    """Returns `meta.notes`, a text or Great Expectations' mapping with format and content."""
    notes = meta.get("notes") if isinstance(meta, dict) else None
    if isinstance(notes, dict):
        notes = notes.get("content")
    if isinstance(notes, list):
        notes = "\n".join(map(str, notes))
    if not isinstance(notes, str) or not notes.strip():
        why = "has no meta.notes: an expectation says why it is expected"
        raise check.refuse("implementation", why)
    return notes.strip()


@cache
def _known_expectations() -> frozenset[str]:
    """Returns Great Expectations' own expectations by their files: importing it takes seconds."""
    spec = importlib.util.find_spec("great_expectations")
    folder = Path(str(spec.origin)).parent / "expectations" / "core" if spec else Path("missing")
    return frozenset(file.stem for file in folder.glob("expect_*.py"))
