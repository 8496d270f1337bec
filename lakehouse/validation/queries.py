"""Metrics that need a query of their own, asked once for all partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from great_expectations.validator.metric_configuration import MetricConfiguration

from lakehouse.validation.engine import DuckDBEngine, plain
from lakehouse.validation.grouping import Domain, subject

UNIQUE = ("column_values.unique.unexpected_count", "compound_columns.unique.unexpected_count")
PARTITION, TIMES, PLACE = "lakehouse_partition", "lakehouse_times", "lakehouse_place"

Values = Mapping[str, object]


def values(engine: DuckDBEngine, metric: MetricConfiguration) -> Values:
    """Returns the value in every partition of one of the metrics in `QUERIED`."""
    return _QUERIES[metric.metric_name](engine, metric.metric_domain_kwargs)


def _duplicates(engine: DuckDBEngine, domain: Domain) -> Values:
    """Returns the number of rows whose values occur more than once within their partition."""
    counted = _counted(engine, domain).subquery()
    total = sa.func.sum(counted.c[TIMES])
    query = sa.select(total, counted.c[PARTITION]).where(counted.c[TIMES] > 1)
    found = engine.by_partition(query.group_by(counted.c[PARTITION]))
    return {name: int(found[name][0]) if name in found else 0 for name in engine.cut.names}


def _most_common(engine: DuckDBEngine, domain: Domain) -> Values:
    """Returns the value that occurs most often in each partition, or all of them on a tie."""
    (column,) = subject(domain)
    counted = _counted(engine, domain).subquery()
    rank = sa.func.rank().over(partition_by=counted.c[PARTITION], order_by=counted.c[TIMES].desc())
    ranked = sa.select(counted, rank.label(PLACE)).subquery()
    listed = sa.func.list(ranked.c[str(column.name)])
    query = sa.select(listed, ranked.c[PARTITION]).where(ranked.c[PLACE] == 1)
    found = engine.by_partition(query.group_by(ranked.c[PARTITION]))
    return {name: plain(found[name][0]) if name in found else [] for name in engine.cut.names}


def _counted(engine: DuckDBEngine, domain: Domain) -> Any:
    """Returns how often each value, or combination of values, occurs in each partition."""
    columns, label = subject(domain), engine.cut.label
    here = sa.literal_column("0") if label is None else label
    return (
        sa.select(*columns, sa.func.count().label(TIMES), here.label(PARTITION))
        .select_from(engine.records(dict(domain)))
        .where(*(column.is_not(None) for column in columns), engine.cut.judged())
        .group_by(*columns, *(() if label is None else (label,)))
    )


_QUERIES: Mapping[str, Callable[[DuckDBEngine, Domain], Values]] = {
    **dict.fromkeys(UNIQUE, _duplicates),
    "column.most_common_value": _most_common,
}
QUERIED = tuple(_QUERIES)
"""Names of the metrics that are written here."""
