"""Grouped queries for metrics that Great Expectations asks for one partition at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from great_expectations.expectations.metrics.column_aggregate_metrics.column_distinct_values import (  # noqa: E501
    _coerce_value_set_for_sql,
)
from great_expectations.validator.metric_configuration import MetricConfiguration
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, SelectBase
from sqlalchemy.sql.visitors import ExternallyTraversible

from lakehouse.validation.engine import DuckDBEngine, MetricId, plain

UNIQUE = ("column_values.unique.unexpected_count", "compound_columns.unique.unexpected_count")
MISSING = (
    "column.distinct_values.missing_from_column",
    "column.distinct_values.missing_from_column.count",
)
AGGREGATES = {"column.standard_deviation": sa.func.stddev_samp, "column.median": sa.func.median}
COMPLETE = (
    *UNIQUE,
    *MISSING,
    *AGGREGATES,
    "compound_columns.unique.filtered_row_count",
    "column.quantile_values",
)
"""Metrics written here from their arguments alone, without the metrics they depend on."""


def values(
    engine: DuckDBEngine, metric: MetricConfiguration, known: Mapping[MetricId, Any]
) -> Mapping[str, object] | None:
    """Returns the metric's value in every partition, or None if it is not written here.

    Args:
        engine: Runs the query.
        metric: The metric wanted.
        known: Metrics that all partitions have in common.
    """
    domain = metric.metric_domain_kwargs
    if metric.metric_name in UNIQUE:
        return _duplicates(engine, domain)
    if metric.metric_name in MISSING:
        missing = _missing(engine, domain, metric.metric_value_kwargs["value_set"])
        counted = metric.metric_name.endswith(".count")
        return {name: len(lacks) if counted else lacks for name, lacks in missing.items()}
    if metric.metric_name == "column.quantile_values":
        quantiles = metric.metric_value_kwargs["quantiles"]
        column: sa.ColumnElement[Any] = sa.column(domain["column"])
        select = [sa.func.percentile_disc(share).within_group(column.asc()) for share in quantiles]
        rows = engine.aggregate(engine.records(domain), select)
        return {name: list(row) for name, row in rows.items()}
    if metric.metric_name == "compound_columns.unique.filtered_row_count":
        return _single(engine, domain, sa.func.count())
    if metric.metric_name in AGGREGATES:
        aggregate = AGGREGATES[metric.metric_name]
        return _single(engine, domain, aggregate(sa.column(domain["column"])))
    return _of_condition(engine, metric, known)


def _of_condition(
    engine: DuckDBEngine, metric: MetricConfiguration, known: Mapping[MetricId, Any]
) -> Mapping[str, object] | None:
    """Returns counts of rows that break a condition over several columns, or None."""
    need = metric.metric_dependencies.get("unexpected_condition")
    if need is None:
        return None
    condition, compute, accessor = known[need.id]
    domain = {**compute, **accessor}
    if metric.metric_name.endswith(".filtered_row_count"):
        return _single(engine, domain, sa.func.count())
    if not metric.metric_name.endswith(".unexpected_count") or _windowed(condition):
        return None
    return _single(engine, domain, sa.func.count().filter(condition))


def _single(engine: DuckDBEngine, domain: dict[str, Any], select: Any) -> Mapping[str, object]:
    """Returns one aggregate in every partition."""
    rows = engine.aggregate(engine.records(domain), [select])
    return {name: plain(row[0]) for name, row in rows.items()}


def _duplicates(engine: DuckDBEngine, domain: dict[str, Any]) -> Mapping[str, object]:
    """Returns the number of rows whose values occur more than once within their partition."""
    columns = subject(domain)
    records = engine.records(domain)
    label = engine.cut.label
    labels = [sa.literal_column("0") if label is None else label]
    times = sa.func.count().label("lakehouse_times")
    repeated = (
        sa.select(times, labels[0].label("lakehouse_partition"))
        .select_from(records)
        .where(*(column.is_not(None) for column in columns), engine.cut.judged())
        .group_by(*columns, *(labels if label is not None else ()))
        .having(times > 1)
        .subquery()
    )
    total = sa.func.sum(repeated.c.lakehouse_times)
    query = sa.select(total, repeated.c.lakehouse_partition).group_by(
        repeated.c.lakehouse_partition
    )
    found = engine.by_partition(query)
    return {name: int(found[name][0]) if name in found else 0 for name in engine.cut.names}


def _missing(
    engine: DuckDBEngine, domain: dict[str, Any], value_set: Sequence[Any] | None
) -> Mapping[str, list[Any]]:
    """Returns the values that are expected and do not occur, in every partition."""
    values = _coerce_value_set_for_sql(list(value_set or ()))
    if not values:
        return {name: [] for name in engine.cut.names}
    column: sa.ColumnElement[Any] = sa.column(domain["column"])
    select = [sa.func.coalesce(sa.func.bool_or(column == value), sa.false()) for value in values]
    rows = engine.aggregate(engine.records(domain), select)
    return {
        name: [value for value, found in zip(values, row, strict=True) if not found]
        for name, row in rows.items()
    }


def subject(domain: Mapping[str, Any]) -> Sequence[sa.ColumnElement[Any]]:
    """Returns the columns that a metric is about."""
    names = domain.get("column_list") or [
        domain[key] for key in ("column", "column_A", "column_B") if domain.get(key)
    ]
    return [sa.column(str(name)) for name in names]


def reads_rows(value: object) -> bool:
    """Says whether a piece of SQL carries a query of its own, which would see all partitions."""
    if not (isinstance(value, tuple) and value and isinstance(value[0], ExternallyTraversible)):
        return False
    return any(
        isinstance(part, FromClause | SelectBase) and not isinstance(part, FunctionElement)
        for part in visitors.iterate(value[0])
    )


def _windowed(condition: Any) -> bool:
    """Says whether a condition looks at other rows too."""
    return any(isinstance(part, sa.Over) for part in visitors.iterate(condition))
