"""The lake's own custom properties of a contract: delivery, partition, read options, row rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from open_data_contract_standard.model import SchemaProperty

from lakehouse.contract.custom import Custom, read_mapping
from lakehouse.contract.document import Document
from lakehouse.contract.expressions import type_of
from lakehouse.contract.parser import ExpressionRefused
from lakehouse.contract.partition import Granularity, Partition
from lakehouse.contract.parts import Column, Rule

PROPERTIES = (
    "delivery",
    "quarantineLimit",
    "read",
    "partition",
    "rowRules",
    "history",
    "controlTotals",
    "snapshots",
    "bronzeRetention",
)
"""All custom properties that stand at the top of a contract."""

_GRANULARITIES = ("day", "month", "year")


def read_delivery(custom: Custom, partition: Partition | None, key: Sequence[str]) -> str:
    """Returns what a new file means; by default `replace` where partitioned, else `full`.

    Raises:
        ContractError: `incremental` without a key to merge by.
    """
    default = "replace" if partition else "full"
    delivery = custom.choice("delivery", default, ("incremental", "replace", "full"))
    if delivery == "incremental" and not key:
        raise custom.refuse("delivery", "'incremental' merges by key, and there is no primaryKey")
    return delivery


def read_partition(
    document: Document,
    custom: Custom,
    properties: Sequence[SchemaProperty],
    columns: Sequence[Column],
) -> Partition | None:
    """Returns how the table is cut: by the property with `partitioned: true`.

    Raises:
        ContractError: No column or no `partition`, several columns, or a column without a date.
    """
    by = [position for position, prop in enumerate(properties) if prop.partitioned]
    if not by and "partition" in custom.values:
        raise custom.refuse("partition", "no property says `partitioned: true`")
    if not by:
        return None
    place = ("schema", 0, "properties", by[-1])
    if len(by) > 1 or (properties[by[0]].partitionKeyPosition or 1) > 1:
        raise document.refuse((*place, "partitioned"), "a table is cut by one column only")
    column = columns[by[0]]
    if column.type not in ("DATE", "TIMESTAMPTZ"):
        raise document.refuse(
            (*place, "partitioned"), f"a {column.type} column has no date to cut by"
        )
    if "partition" not in custom.values:
        hint = " Write `granularity` and `start` there."
        raise document.refuse(
            (*place, "partitioned"), "there is no custom property 'partition'", hint
        )
    given = custom.mapping("partition", ("granularity", "start"))
    granularity = cast(Granularity, given.choice("granularity", "month", _GRANULARITIES))
    return Partition(column.name, granularity, _start(given, granularity))


def _start(given: Custom, granularity: str) -> date:
    """Returns the first day of the first partition, written as the partition is named."""
    written = str(given.values.get("start", ""))
    parts = written.split("-")
    try:
        if len(parts) != 1 + _GRANULARITIES[::-1].index(granularity):
            raise ValueError
        return date.fromisoformat("-".join([*parts, "01", "01"][:3]))
    except ValueError:
        shape = {"day": "2013-01-31", "month": "2013-01", "year": "2013"}[granularity]
        raise given.refuse("start", f"{written!r} is not a {granularity} such as {shape}") from None


def read_row_rules(custom: Custom, columns: Sequence[Column]) -> tuple[Rule, ...]:
    """Returns the rules over several columns, each checked by DuckDB.

    A row for which an expression cannot be computed (an overflow) keeps the rule, as with null:
    ranges of the columns say what is too large.

    Raises:
        ContractError: Not a list of {name, sql}, or SQL that is not a predicate of the row.
    """
    given = custom.values.get("rowRules", [])
    if not isinstance(given, list):
        raise custom.refuse("rowRules", "is not a list of rules, each with name and sql")
    return tuple(_row_rule(custom, position, item, columns) for position, item in enumerate(given))


def _row_rule(custom: Custom, position: int, item: Any, columns: Sequence[Column]) -> Rule:
    """Returns one rule."""
    place = (*custom.places["rowRules"], position)
    if not isinstance(item, dict):
        raise custom.document.refuse(place, "is not a rule with name and sql")
    given = read_mapping(custom.document, place, item, ("name", "sql"))
    label, sql = given.text("name", None), given.text("sql", None)
    if label is None or sql is None:
        raise custom.document.refuse(place, "is not a rule with name and sql")
    try:
        found = type_of(sql.strip(), {column.name: column.type for column in columns})
    except ExpressionRefused as error:
        raise given.refuse("sql", error.why, error.hint) from None
    if found != "BOOLEAN":
        raise given.refuse("sql", f"gives {found}, a rule is true or false")
    return Rule(label, f"TRY({sql.strip()})")
