"""Resolves the metrics of a suite: once for all partitions where that is possible.

Great Expectations makes a graph of metrics. Each node is of one of four kinds:

- shared: the same for every partition (names of columns, the SQL of a condition);
- an aggregate: all that are about the same rows are answered for every partition by one scan;
- a query of its own, written in `queries`, which answers it for every partition;
- own: everything else, computed partition by partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validation_graph import ValidationGraph
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lakehouse.validation import grouping, queries
from lakehouse.validation.engine import DuckDBEngine, MetricId
from lakehouse.validation.grouping import Aggregate

PARTIAL = (".condition", ".aggregate_fn", ".map")
"""Endings of metrics whose value is a piece of SQL."""
COUNTS = (".unexpected_count", ".filtered_row_count")
"""Endings of metrics that `grouping` counts by a condition alone."""
SCHEMA = ("table.columns", "table.column_types")
COMPLETE = (*grouping.COMPLETE, *queries.QUERIED)
"""Metrics that are written without those they depend on."""
ROWS = MetricId("lakehouse.rows", (), ())
"""The number of rows, which is asked with the rest in one scan."""


class Metrics:
    """The metrics of a suite in every partition.

    Args:
        engine: Computes them.
        names: Partitions to judge.
    """

    def __init__(self, engine: DuckDBEngine, names: Iterable[str]) -> None:
        self.engine = engine
        self.names = tuple(names)
        self._values: dict[MetricId, Any] = {}
        self._by_partition: dict[str, dict[MetricId, Any]] = {name: {} for name in self.names}
        self._why: dict[MetricId, str] = {}
        self._why_in: dict[str, dict[MetricId, str]] = {name: {} for name in self.names}

    def rows(self, name: str) -> int:
        """Returns the number of rows of a partition."""
        return int(self._by_partition[name][ROWS])

    @property
    def filled(self) -> tuple[str, ...]:
        """The partitions that have rows."""
        return tuple(name for name in self.names if self.rows(name))

    def value(self, metric: MetricConfiguration, name: str) -> Any:
        """Returns a metric in one partition."""
        found, wanted = self._by_partition[name], metric.id
        return found[wanted] if wanted in found else self._values[wanted]

    def failure(self, metric: MetricConfiguration, name: str) -> str | None:
        """Returns why a metric could not be computed in one partition, or None if it was."""
        return self._why.get(metric.id) or self._why_in[name].get(metric.id)

    def conditions(
        self, count: MetricConfiguration, names: Sequence[str]
    ) -> Iterator[tuple[Sequence[str], tuple[Any, ...]]]:
        """Yields the condition behind a count of rows, with the partitions for which it holds.

        A condition with a query of its own is left out: it cannot be asked of single rows.
        """
        parts = [metric for metric in _walk(count) if metric.metric_name.endswith(".condition")]
        for metric in parts[-1:]:
            if metric.id in self._values:
                yield names, self._values[metric.id]
                continue
            for name in names:
                condition = self._by_partition[name].get(metric.id)
                if condition is not None and not grouping.reads_rows(condition):
                    yield [name], condition

    def resolve(self, wanted: Iterable[MetricConfiguration]) -> None:
        """Computes the wanted metrics and all that they depend on.

        Raises:
            SQLAlchemyError: Not even the rows can be counted.
        """
        aggregates = {ROWS: grouping.COUNT}
        own: list[MetricConfiguration] = []
        for metric in self._in_order(wanted):
            broken = self._broken(metric)
            if broken is not None:
                self._why[metric.id] = broken
            elif (found := grouping.aggregate(metric, self._values)) is not None:
                aggregates[metric.id] = found
            elif metric.metric_name in queries.QUERIED:
                self._query(metric)
            elif not self._settled(metric) or not self._share(metric):
                own.append(metric)
        for same in _by_rows(aggregates):
            self._ask(same)
        self._resolve_own(own)

    def _in_order(self, wanted: Iterable[MetricConfiguration]) -> Iterator[MetricConfiguration]:
        """Yields every metric once, after the metrics that it depends on."""
        seen: set[MetricId] = set()

        def visit(metric: MetricConfiguration) -> Iterator[MetricConfiguration]:
            if metric.id in seen:
                return
            seen.add(metric.id)
            for need in _needs(metric):
                yield from visit(need)
            yield metric

        for metric in wanted:
            try:
                ValidationGraph(execution_engine=self.engine).build_metric_dependency_graph(metric)
            except GreatExpectationsError as error:
                self._why[metric.id] = str(error)
                continue
            yield from visit(metric)

    def _settled(self, metric: MetricConfiguration) -> bool:
        """Says whether all that a metric uses is the same for every partition."""
        return all(need.id in self._values or _idle(need, metric) for need in _needs(metric))

    def _share(self, metric: MetricConfiguration) -> bool:
        """Computes a metric that all partitions have in common; returns False if it is not one."""
        if not metric.metric_name.endswith((*PARTIAL, *SCHEMA)):
            return False
        withheld = {need.id: None for need in _needs(metric) if _idle(need, metric)}
        values, why = self._attempt(metric, {**withheld, **self._values})
        self._why.update(why)
        if any(grouping.reads_rows(value) for value in values.values()):
            return False
        self._values.update(values)
        return True

    def _query(self, metric: MetricConfiguration) -> None:
        """Computes a metric by a query of ours."""
        try:
            by_partition = queries.values(self.engine, metric)
        except SQLAlchemyError as error:
            self._why[metric.id] = _text(error)
            return
        for name, value in by_partition.items():
            self._by_partition[name][metric.id] = value

    def _ask(self, wanted: Mapping[MetricId, Aggregate]) -> None:
        """Computes aggregates about the same rows in one scan; one that fails takes none with it.

        What cannot be evaluated is found by halves: most of it fails before a row is read.
        """
        asked = list(wanted.values())
        try:
            records = self.engine.records(dict(asked[0].domain))
            found = self.engine.aggregate(records, [part for one in asked for part in one.select])
        except (GreatExpectationsError, SQLAlchemyError) as error:
            self._ask_again(wanted, error)
            return
        for name, row in found.items():
            start = 0
            for metric, one in wanted.items():
                end = start + len(one.select)
                self._by_partition[name][metric] = one.value(row[start:end])
                start = end

    def _ask_again(self, wanted: Mapping[MetricId, Aggregate], error: Exception) -> None:
        """Asks in two parts what failed together; what failed alone is told or done otherwise."""
        if len(wanted) > 1:
            parts = list(wanted.items())
            self._ask(dict(parts[: len(parts) // 2]))
            self._ask(dict(parts[len(parts) // 2 :]))
            return
        ((metric, one),) = wanted.items()
        if one.instead is not None:
            self._ask({metric: one.instead})
        elif metric == ROWS:
            raise error
        else:
            self._why[metric] = _text(error)

    def _resolve_own(self, metrics: list[MetricConfiguration]) -> None:
        """Computes what Great Expectations cannot bundle, partition by partition."""
        for name in self.filled if metrics else ():
            with self.engine.within(name):
                for metric in metrics:
                    broken = self._broken(metric, name)
                    if broken is not None:
                        self._why_in[name][metric.id] = broken
                        continue
                    known = {**self._values, **self._by_partition[name]}
                    values, why = self._attempt(metric, known)
                    self._by_partition[name].update(values)
                    self._why_in[name].update(why)

    def _attempt(
        self, metric: MetricConfiguration, known: Mapping[MetricId, Any]
    ) -> tuple[dict[MetricId, Any], dict[MetricId, str]]:
        """Returns the metric's value or, if it cannot be computed, the reason."""
        try:
            return dict(self.engine.resolve_metrics([metric], dict(known))), {}
        except GreatExpectationsError as error:
            return {}, {metric.id: str(error)}

    def _broken(self, metric: MetricConfiguration, name: str | None = None) -> str | None:
        """Returns why a metric that is needed could not be computed, or None."""
        why = self._why if name is None else {**self._why, **self._why_in[name]}
        return next((why[need.id] for need in _needs(metric) if need.id in why), None)


def _walk(metric: MetricConfiguration) -> Iterator[MetricConfiguration]:
    """Yields all that a metric depends on, then the metric."""
    for need in metric.metric_dependencies.values():
        yield from _walk(need)
    yield metric


def _needs(metric: MetricConfiguration) -> tuple[MetricConfiguration, ...]:
    """Returns the metrics that must be known first."""
    if metric.metric_name in COMPLETE:
        return ()
    return tuple(metric.metric_dependencies.values())


def _idle(need: MetricConfiguration, metric: MetricConfiguration) -> bool:
    """Says whether a piece of SQL names a metric among its needs without ever using it.

    Great Expectations lists the number of rows for every column metric.
    """
    return need.metric_name == "table.row_count" and metric.metric_name.endswith(
        (*PARTIAL, *COUNTS)
    )


def _by_rows(aggregates: Mapping[MetricId, Aggregate]) -> list[dict[MetricId, Aggregate]]:
    """Returns the aggregates, those about the same rows together."""
    found: dict[str, dict[MetricId, Aggregate]] = {}
    for metric, one in aggregates.items():
        found.setdefault(one.rows, {})[metric] = one
    return list(found.values())


def _text(error: Exception) -> str:
    """Returns what the database said, without the statement."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
