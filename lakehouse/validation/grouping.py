"""What Great Expectations asks of one partition at a time, as aggregates over all of them.

An `Aggregate` is SQL to select; all that are about the same rows are asked in one scan. A metric
that needs a query of its own is in `queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from great_expectations.constants import MAX_DISTINCT_VALUES
from great_expectations.expectations.metrics.column_aggregate_metrics.column_distinct_values import (  # noqa: E501
    _coerce_value_set_for_sql,
)
from great_expectations.validator.metric_configuration import MetricConfiguration
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, SelectBase
from sqlalchemy.sql.visitors import ExternallyTraversible

from lakehouse.validation.engine import MetricId, Row, plain

Domain = Mapping[str, Any]
Columns = tuple[sa.ColumnElement[Any], ...]

NOT_IN_SET = "column.distinct_values.not_in_set"
MISSING = "column.distinct_values.missing_from_column"
STATISTICS = {"column.standard_deviation": sa.func.stddev_samp, "column.median": sa.func.median}
ROWS_JUDGED = "compound_columns.unique.filtered_row_count"
COMPLETE = (
    *STATISTICS,
    ROWS_JUDGED,
    "column.quantile_values",
    MISSING,
    f"{MISSING}.count",
    NOT_IN_SET,
    f"{NOT_IN_SET}.count",
)
"""Metrics written here from their arguments alone, without the metrics they depend on."""


def _first(row: Row) -> object:
    """Returns the only value, as JSON can hold it."""
    return plain(row[0])


@dataclass(frozen=True)
class Aggregate:
    """A metric that is a few aggregates over the rows of a partition.

    Attributes:
        domain: The rows it is about.
        select: SQL of the aggregates.
        value: Makes the metric's value of their results.
        instead: Another way to the same value, for when this one fails.
    """

    domain: Domain
    select: Columns
    value: Callable[[Row], object] = _first
    instead: Aggregate | None = None

    @property
    def rows(self) -> str:
        """The same text for all aggregates about the same rows; a column alone chooses none."""
        said = {key: value for key, value in self.domain.items() if value is not None}
        return repr(sorted((key, value) for key, value in said.items() if key != "column"))


COUNT = Aggregate({}, (sa.func.count(),))
"""The number of rows."""


def aggregate(metric: MetricConfiguration, known: Mapping[MetricId, Any]) -> Aggregate | None:
    """Returns the metric as an aggregate, or None if it cannot be one.

    Args:
        metric: The metric wanted.
        known: Metrics that all partitions have in common, among them pieces of SQL.
    """
    return _of_arguments(metric) or _of_sql(metric, known) or _of_condition(metric, known)


def _of_arguments(metric: MetricConfiguration) -> Aggregate | None:
    """Returns metrics that need nothing but their own arguments."""
    domain, name = metric.metric_domain_kwargs, metric.metric_name
    if name not in COMPLETE:
        return None
    if name == ROWS_JUDGED:
        return Aggregate(domain, (sa.func.count(),))
    column: sa.ColumnElement[Any] = sa.column(domain["column"])
    if name in STATISTICS:
        return Aggregate(domain, (STATISTICS[name](column),))
    if name == "column.quantile_values":
        shares = [float(share) for share in metric.metric_value_kwargs["quantiles"]]
        found = sa.func.quantile_disc(column, sa.literal_column(repr(shares)))
        return Aggregate(domain, (found,), lambda row: plain(row[0] or []))
    values = _coerce_value_set_for_sql(list(metric.metric_value_kwargs["value_set"] or ()))
    about = _missing if name.startswith(MISSING) else _not_in_set
    return about(domain, column, values, name.endswith(".count"))


def _of_sql(metric: MetricConfiguration, known: Mapping[MetricId, Any]) -> Aggregate | None:
    """Returns what Great Expectations itself has as an aggregate."""
    need = metric.metric_dependencies.get("metric_partial_fn")
    if need is None or need.id not in known:
        return None
    select, domain, _ = known[need.id]
    return Aggregate(domain, (select,))


def _of_condition(metric: MetricConfiguration, known: Mapping[MetricId, Any]) -> Aggregate | None:
    """Returns counts of rows that break a condition over several columns."""
    need = metric.metric_dependencies.get("unexpected_condition")
    if need is None or need.id not in known:
        return None
    condition, compute, accessor = known[need.id]
    domain = {**compute, **accessor}
    if metric.metric_name.endswith(".filtered_row_count"):
        return Aggregate(domain, (sa.func.count(),))
    if not metric.metric_name.endswith(".unexpected_count") or _windowed(condition):
        return None
    return Aggregate(domain, (sa.func.count().filter(condition),))


def _missing(
    domain: Domain, column: sa.ColumnElement[Any], values: Sequence[Any], counted: bool
) -> Aggregate:
    """Returns the values that are expected and do not occur.

    The list of distinct values is several times faster than a comparison with each expected one,
    but has no bound.
    """

    def lacking(found: Sequence[bool]) -> object:
        lacks = [value for value, here in zip(values, found, strict=True) if not here]
        return len(lacks) if counted else lacks

    distinct = sa.func.list(sa.distinct(column))
    listed = tuple(sa.func.coalesce(sa.func.list_contains(distinct, v), sa.false()) for v in values)
    compared = tuple(sa.func.coalesce(sa.func.bool_or(column == v), sa.false()) for v in values)
    return Aggregate(domain, listed, lacking, Aggregate(domain, compared, lacking))


def _not_in_set(
    domain: Domain, column: sa.ColumnElement[Any], values: Sequence[Any], counted: bool
) -> Aggregate:
    """Returns values that occur and are not expected, as many as Great Expectations shows."""
    other = sa.and_(column.is_not(None), column.not_in(values))
    if counted:
        return Aggregate(domain, (sa.func.count(sa.distinct(column)).filter(other),))
    found = sa.func.list(sa.distinct(column)).filter(other)
    shown = sa.func.list_slice(sa.func.list_sort(found), 1, MAX_DISTINCT_VALUES)
    return Aggregate(domain, (shown,), lambda row: list(row[0] or ()))


def subject(domain: Domain) -> Sequence[sa.ColumnElement[Any]]:
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
