"""Expectations: quality checks about what remains of a partition."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lakehouse.contract.check import Check
from lakehouse.contract.document import Document
from lakehouse.contract.parts import VALIDITY, Column, Expectation, Query
from lakehouse.contract.queries import TABLE, make
from lakehouse.errors import did_you_mean

_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")


def expectation(check: Check, kind: str, kwargs: Mapping[str, object]) -> Expectation:
    """Returns an expectation with the severity, the notes and the id of a check."""
    return Expectation(kind, kwargs, check.severity, check.notes, id=check.entry.id)


def row_count(check: Check) -> Expectation | Query:
    """Returns the expectation of a row count, per partition.

    Raises:
        ContractError: A row count of one column, in percent, with arguments, or not whole.
    """
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
        return make(check, f"SELECT count(*) FROM {TABLE}", "rowCount")
    word = "equal" if operator == "mustBe" else "be_between"
    return expectation(check, f"expect_table_row_count_to_{word}", dict(bounds[operator]))


def _check_plain(check: Check, limits: Sequence[Any]) -> None:
    """Refuses a row count that is of one column, in percent, with arguments, or not whole."""
    if check.column is not None:
        raise check.refuse("metric", "'rowCount' belongs to the table, not to a property")
    if check.entry.unit == "percent":
        raise check.refuse("unit", "'percent' of a row count has no meaning")
    if check.entry.arguments:
        raise check.refuse("arguments", "are not honoured for rowCount")
    if not all(isinstance(limit, int) for limit in limits):
        raise check.refuse(check.operator, "is not a whole number of rows")


def unique(check: Check, names: Sequence[str]) -> Expectation:
    """Returns the expectation that no value, or combination of values, is there twice."""
    if check.column is not None:
        kwargs: dict[str, object] = {"column": names[0]}
        return expectation(check, "expect_column_values_to_be_unique", kwargs)
    kwargs = {"column_list": list(names)}
    return expectation(check, "expect_compound_columns_to_be_unique", kwargs)


def unique_expectations(
    document: Document,
    columns: Sequence[Column],
    names: Sequence[str],
    published: Sequence[Column],
) -> tuple[Expectation, ...]:
    """Returns the expectations of the columns that are declared unique beside the key.

    Versions of one row may share a value; of rows that began to hold at one time each has its own.

    Raises:
        ContractError: The column is not published as it is.
    """
    notes = "The contract declares the column unique."
    for position, column in enumerate(columns):
        if column.name in names and column.treatment in ("drop", "mask"):
            place = ("schema", 0, "properties", position, "unique")
            why = "is judged on what is published, and there the values are gone"
            raise document.refuse(place, why, " Write `privacy: hash`: equal values stay equal.")
    found = [column.name for column in columns if column.name in names]
    if VALIDITY[0] in published:
        kind, began = "expect_compound_columns_to_be_unique", VALIDITY[0].name
        ignored = {"ignore_row_if": "any_value_is_missing"}
        return tuple(
            Expectation(kind, {"column_list": [name, began], **ignored}, "error", notes)
            for name in found
        )
    kind = "expect_column_values_to_be_unique"
    return tuple(Expectation(kind, {"column": name}, "error", notes) for name in found)


def great_expectation(check: Check) -> Expectation:
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
        if key == "severity":
            hint = " Write `severity` beside `implementation`."
        raise check.refuse("implementation", f"'{key}' is not honoured", hint)
    kind = inside.get("type", inside.get("expectation_type"))
    if kind not in _known_expectations():
        hint = did_you_mean(str(kind), _known_expectations())
        raise check.refuse("implementation", f"{kind!r} is not an expectation that is known", hint)
    kwargs = _kwargs(check, str(kind), inside.get("kwargs", {}))
    notes = _meta_notes(check, inside.get("meta"))
    meta = {name: value for name, value in inside["meta"].items() if name != "notes"}
    return Expectation(str(kind), kwargs, check.severity, notes, check.entry.id, meta)


def _kwargs(check: Check, kind: str, given: Any) -> Mapping[str, object]:
    """Returns the arguments, with the property's own column where none is named."""
    if not isinstance(given, dict):
        raise check.refuse("implementation", "kwargs is not a mapping")
    kwargs = dict(given)
    if check.column is not None and re.match(r"expect_column_(?!pair)", kind):
        named = kwargs.setdefault("column", check.column.name)
        if named != check.column.name:
            why = f"is about column '{named}' but stands at '{check.column.name}'"
            raise check.refuse("implementation", why)
    gone = [name for name in check.table.names if name not in check.table.types]
    for name in gone:
        if re.search(rf"\b{name}\b", str(kwargs.get("row_condition", ""))):
            why = f"row_condition asks for '{name}', which is dropped before publishing"
            raise check.refuse("implementation", why)
    for key in _COLUMN_KEYS:
        if key in kwargs:
            value = kwargs[key]
            check_columns(check, "implementation", value if isinstance(value, list) else [value])
    return kwargs


def check_columns(check: Check, key: str, columns: Sequence[Any]) -> None:
    """Refuses a column that the published table does not have.

    Raises:
        ContractError: With the nearest one.
    """
    for column in columns:
        if column in check.table.types:
            continue
        if column in check.table.names:
            why = f"'{column}' is dropped before publishing, so nothing can be expected of it"
            raise check.refuse(key, why)
        hint = did_you_mean(str(column), check.table.types)
        raise check.refuse(key, f"'{column}' is no column here", hint)


def _meta_notes(check: Check, meta: Any) -> str:
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
