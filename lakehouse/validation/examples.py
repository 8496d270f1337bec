"""Finds a few of the rows that an expectation did not expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lakehouse.validation import grouping
from lakehouse.validation.engine import DuckDBEngine, plain

LIMIT = 5
PARTITION, RANK, TIMES = "lakehouse_partition", "lakehouse_rank", "lakehouse_times"

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
    subject = grouping.subject(domain)
    label = engine.cut.label
    group = [*subject, *([] if label is None else [label])]
    counted = (
        sa.select(sa.text("*"), sa.func.count().over(partition_by=group).label(TIMES))
        .select_from(engine.records(domain))
        .where(*(column.is_not(None) for column in subject), engine.cut.judged())
        .subquery()
    )
    return _first(engine, counted, sa.column(TIMES) > 1, columns, names)


def _first(
    engine: DuckDBEngine, records: Any, where: Any, columns: Sequence[str], names: Sequence[str]
) -> Examples:
    """Returns the first rows of each partition that satisfy a predicate."""
    label = engine.cut.label
    shown: list[sa.ColumnElement[Any]] = [sa.column(name) for name in columns]
    key = sa.literal_column("0") if label is None else label
    rank = sa.func.row_number().over(partition_by=key, order_by=shown)
    ranked = (
        sa.select(*shown, rank.label(RANK), key.label(PARTITION))
        .select_from(records)
        .where(where, engine.cut.among(names))
        .subquery()
    )
    query = sa.select(
        *(ranked.c[name] for name in columns), ranked.c[RANK], ranked.c[PARTITION]
    ).where(ranked.c[RANK] <= LIMIT)
    rows = engine.execute_query(query.order_by(ranked.c[PARTITION], ranked.c[RANK])).fetchall()
    found: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        shown_values = [plain(value) for value in row[:-2]]
        example = dict(zip(columns, shown_values, strict=True))
        found.setdefault(str(engine.cut.name(row[-1])), []).append(example)
    return {name: tuple(rows) for name, rows in found.items()}
