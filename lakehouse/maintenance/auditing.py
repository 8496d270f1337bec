"""Whether two snapshots of a table have the same rows, whatever their files and their order."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import duckdb
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform, IdentityTransform, MonthTransform, YearTransform
from pyiceberg.types import DateType, TimestamptzType

from lakehouse.catalog import Proposal
from lakehouse.connection import quote_name, quote_text
from lakehouse.storage import local_path

_NAMED = 50
"""Partitions up to which a filter names each; it would else cost more than it spares."""
_EPOCH = date(1970, 1, 1)
_CUTS = {"day": DayTransform, "month": MonthTransform, "year": YearTransform}

Content = dict[tuple[object, ...], tuple[object, ...]]


def same_rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    proposal: Proposal,
    partitions: Collection[tuple[object, ...]],
) -> bool:
    """Returns whether partitions have on a branch the rows that they have on `main`.

    Rows are counted and hashed by partition; the sum of hashes does not depend on their order.

    Args:
        connection: Reads Iceberg tables.
        table: The table as it was when the branch was made.
        proposal: The branch.
        partitions: Values of the partitions' fields.
    """
    # not by the base's id: that would read it in the columns that it was published with
    main = f"iceberg_scan({quote_text(local_path(table.metadata_location))})"
    branch = (
        f"iceberg_scan({quote_text(local_path(proposal.metadata))}, "
        f"snapshot_from_id={proposal.snapshot})"
    )
    before, after = (_content(connection, table, sql, partitions) for sql in (main, branch))
    return before == after


def _content(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    partitions: Collection[tuple[object, ...]],
) -> Content:
    """Returns count and sum of hashes of the rows of each partition."""
    labels = [_label(table, field) for field in table.spec().fields]
    columns = ", ".join(quote_name(field.name) for field in table.schema().fields)
    selected = "".join(f"{label}, " for label in labels)
    found = connection.execute(
        f"SELECT {selected}count(*), sum(hash({columns})) FROM {source} "
        f"WHERE {_where(table, partitions)} GROUP BY ALL"
    ).fetchall()
    return {tuple(map(str, row[: len(labels)])): row[len(labels) :] for row in found}


def _label(table: Table, field: PartitionField) -> str:
    """Returns SQL for what the rows of a partition have in common."""
    column = quote_name(table.schema().find_field(field.source_id).name)
    for unit, cut in _CUTS.items():
        if isinstance(field.transform, cut):
            return f"date_trunc('{unit}', {column})"
    return column if isinstance(field.transform, IdentityTransform) else "NULL"


def _where(table: Table, partitions: Collection[tuple[object, ...]]) -> str:
    """Returns SQL that is true of the rows of the partitions, and perhaps of others."""
    if len(partitions) > _NAMED or not table.spec().fields:
        return "true"
    fields = table.spec().fields
    return " OR ".join(
        "(" + " AND ".join(map(_condition, [table] * len(fields), fields, values)) + ")"
        for values in partitions
    )


def _condition(table: Table, field: PartitionField, value: Any) -> str:
    source = table.schema().find_field(field.source_id)
    column = quote_name(source.name)
    unit = next((u for u, cut in _CUTS.items() if isinstance(field.transform, cut)), None)
    if value is None:
        return f"{column} IS NULL"
    if unit is not None:
        kind = "DATE" if isinstance(source.field_type, DateType) else "TIMESTAMP"
        zone = "+00" if isinstance(source.field_type, TimestamptzType) else ""
        kind += "TZ" if zone else ""
        try:
            days = _days(unit, value)
        except (OverflowError, ValueError):  # Python's years are 1 to 9999, a table's are not
            return "true"
        first, after = (f"{kind} '{day}{zone and ' 00:00:00' + zone}'" for day in days)
        return f"{column} >= {first} AND {column} < {after}"
    if isinstance(field.transform, IdentityTransform) and isinstance(value, str | int):
        return f"{column} = {quote_text(value) if isinstance(value, str) else int(value)}"
    return "true"


def _days(unit: str, value: int | date) -> tuple[date, date]:
    """Returns the first day of a partition and of the next; Iceberg counts units since 1970.

    >>> _days("month", 516)
    (datetime.date(2013, 1, 1), datetime.date(2013, 2, 1))

    Raises:
        OverflowError: Python has no such day.
        ValueError: Python has no such day.
    """
    if isinstance(value, date):
        return value, value + timedelta(days=1)
    if unit == "day":
        return _EPOCH + timedelta(days=value), _EPOCH + timedelta(days=value + 1)
    months = value if unit == "month" else 12 * value
    end = months + (1 if unit == "month" else 12)
    return _month(months), _month(end)


def _month(since: int) -> date:
    return date(1970 + since // 12, since % 12 + 1, 1)
