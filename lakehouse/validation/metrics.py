"""Resolves the metrics of a suite: once for all partitions where that is possible.

Great Expectations makes a graph of metrics. Each node is of one of three kinds:

- shared: the same for every partition (names of columns, the SQL of a condition);
- grouped: an aggregate whose SQL is shared, or one that `grouping` knows how to write; one query
  answers it for every partition;
- own: everything else, computed partition by partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.registry import get_metric_provider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validation_graph import ValidationGraph
from sqlalchemy.exc import SQLAlchemyError

from lakehouse.validation import grouping
from lakehouse.validation.engine import DuckDBEngine, MetricId

PARTIAL = (".condition", ".aggregate_fn", ".map")
"""Endings of metrics whose value is a piece of SQL."""
COUNTS = (".unexpected_count", ".filtered_row_count")
"""Endings of metrics that `grouping` counts by a condition alone."""
SCHEMA = ("table.columns", "table.column_types")


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

    def values(self, name: str) -> Mapping[MetricId, Any]:
        """Returns the metrics of one partition by id."""
        return {**self._values, **self._by_partition[name]}

    def failures(self, name: str) -> Mapping[MetricId, str]:
        """Returns why metrics could not be computed in one partition."""
        return {**self._why, **self._why_in[name]}

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
        """Computes the wanted metrics and all that they depend on."""
        grouped: list[MetricConfiguration] = []
        own: list[MetricConfiguration] = []
        for metric in self._in_order(wanted):
            broken = _broken(metric, self._why)
            if broken is not None:
                self._why[metric.id] = broken
            elif metric.metric_name in grouping.COMPLETE:
                self._group(metric)
            elif not self._settled(metric):
                own.append(metric)
            elif get_metric_provider(metric.metric_name, self.engine)[1] is None:
                grouped.append(metric)
            elif not self._share(metric) and not self._group(metric):
                own.append(metric)
        self._resolve_grouped(grouped)
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
        partial = metric.metric_dependencies.get("metric_partial_fn")
        if partial is not None:  # an aggregate is its SQL, whatever else it names
            return partial.id in self._values
        return all(need.id in self._values or _idle(need, metric) for need in _needs(metric))

    def _share(self, metric: MetricConfiguration) -> bool:
        """Computes a metric that all partitions have in common; returns False if it is not one."""
        if not metric.metric_name.endswith((*PARTIAL, *SCHEMA)):
            return False
        withheld = {need.id: None for need in _needs(metric) if _idle(need, metric)}
        values, why = self._attempt([metric], {**withheld, **self._values})
        self._why.update(why)
        if any(grouping.reads_rows(value) for value in values.values()):
            return False
        self._values.update(values)
        return True

    def _group(self, metric: MetricConfiguration) -> bool:
        """Computes a metric by a grouped query of ours; returns False if there is none for it."""
        try:
            by_partition = grouping.values(self.engine, metric, self._values)
        except SQLAlchemyError as error:
            self._why[metric.id] = str(error)
            return True
        for name, value in (by_partition or {}).items():
            self._by_partition[name][metric.id] = value
        return by_partition is not None

    def _resolve_grouped(self, metrics: list[MetricConfiguration]) -> None:
        """Computes aggregates in one pass over all partitions."""
        withheld = {need.id: None for metric in metrics for need in _needs(metric)}
        values, why = self._attempt(metrics, {**withheld, **self._values})
        self._why.update(why)
        for metric, by_partition in values.items():
            for name, value in by_partition.items():
                self._by_partition[name][metric] = value

    def _resolve_own(self, metrics: list[MetricConfiguration]) -> None:
        """Computes what Great Expectations cannot bundle, partition by partition."""
        for name in self.names if metrics else ():
            with self.engine.within(name):
                for metric in metrics:
                    broken = _broken(metric, self.failures(name))
                    if broken is not None:
                        self._why_in[name][metric.id] = broken
                        continue
                    values, why = self._attempt([metric], self.values(name))
                    self._by_partition[name].update(values)
                    self._why_in[name].update(why)

    def _attempt(
        self, metrics: list[MetricConfiguration], known: Mapping[MetricId, Any]
    ) -> tuple[dict[MetricId, Any], dict[MetricId, str]]:
        """Returns values and, for metrics that cannot be computed, the reasons."""
        if not metrics:
            return {}, {}
        try:
            return dict(self.engine.resolve_metrics(metrics, dict(known))), {}
        except GreatExpectationsError as error:
            if len(metrics) == 1:
                return {}, {metrics[0].id: str(error)}
        values: dict[MetricId, Any] = {}
        why: dict[MetricId, str] = {}
        for metric in metrics:  # one that fails must not take the others with it
            value, reason = self._attempt([metric], known)
            values.update(value)
            why.update(reason)
        return values, why


def _walk(metric: MetricConfiguration) -> Iterator[MetricConfiguration]:
    """Yields all that a metric depends on, then the metric."""
    for need in metric.metric_dependencies.values():
        yield from _walk(need)
    yield metric


def _needs(metric: MetricConfiguration) -> tuple[MetricConfiguration, ...]:
    """Returns the metrics that must be known first."""
    if metric.metric_name in grouping.COMPLETE:
        return ()
    return tuple(metric.metric_dependencies.values())


def _idle(need: MetricConfiguration, metric: MetricConfiguration) -> bool:
    """Says whether a piece of SQL names a metric among its needs without ever using it.

    Great Expectations lists the number of rows for every column metric.
    """
    return need.metric_name == "table.row_count" and metric.metric_name.endswith(
        (*PARTIAL, *COUNTS)
    )


def _broken(metric: MetricConfiguration, why: Mapping[MetricId, str]) -> str | None:
    """Returns why a metric that is needed could not be computed, or None."""
    return next((why[need.id] for need in _needs(metric) if need.id in why), None)
