"""Finds a few of the rows that an expectation did not expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lakehouse.validation import grouping
from lakehouse.validation.engine import DuckDBEngine, plain

LIMIT = 5

Examples = Mapping[str, tuple[Mapping[str, object], ...]]


def breaking(
    engine: DuckDBEngine, condition: tuple[Any, ...], columns: Sequence[str], names: Sequence[str]
) -> Examples:
    """Returns up to five rows per partition that break a condition, in order of the columns.

    Args:
        engine: Runs the query.
        condition: The condition metric: SQL, compute domain, accessor domain.
        columns: Columns to show, the key first.
        names: Partitions to look at; several if the condition is the same in all of them.
    """
    sql, compute, accessor = condition
    records = engine.records({**compute, **accessor})
    return _first(engine, records, sql, columns, names)


def repeated(
    engine: DuckDBEngine, domain: dict[str, Any], columns: Sequence[str], names: Sequence[str]
) -> Examples:
    """Returns up to five rows per partition whose values occur more than once in it."""
    subject, label = grouping.subject(domain), engine.cut.label
    group = [*subject, *([] if label is None else [label])]
    often = (
        sa.select(*group)
        .select_from(engine.records(domain))
        .where(*(column.is_not(None) for column in subject), engine.cut.among(names))
        .group_by(*group)
        .having(sa.func.count() > 1)
    )
    return _first(engine, engine.records(domain), sa.tuple_(*group).in_(often), columns, names)


def _first(
    engine: DuckDBEngine, records: Any, where: Any, columns: Sequence[str], names: Sequence[str]
) -> Examples:
    """Returns the first rows of each partition that satisfy a predicate, without sorting them."""
    label = engine.cut.label
    shown = sa.func.row(*(sa.column(name) for name in columns))
    query = (
        sa.select(sa.func.min(shown, LIMIT), sa.literal_column("0") if label is None else label)
        .select_from(records)
        .where(where, engine.cut.among(names))
    )
    found = engine.by_partition(query if label is None else query.group_by(label))
    return {
        name: tuple(dict(zip(columns, map(plain, row), strict=True)) for row in rows or ())
        for name, (rows,) in found.items()
    }
