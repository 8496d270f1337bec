"""Lets Great Expectations judge resolved metrics, one expectation and partition at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.validator.metric_configuration import MetricConfiguration

from lakehouse.validation import examples, grouping, queries
from lakehouse.validation.engine import DuckDBEngine, plain
from lakehouse.validation.metrics import Metrics
from lakehouse.validation.report import Outcome, Verdict
from lakehouse.validation.suite import Item

Needs = Mapping[str, MetricConfiguration]

BROKEN = (
    GreatExpectationsError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What an expectation's code may raise on values that it did not foresee."""


def judge(
    engine: DuckDBEngine, items: Sequence[Item], keys: Sequence[str]
) -> tuple[list[Verdict], Mapping[str, int]]:
    """Returns a verdict for every partition that has rows and every expectation, and the rows.

    Args:
        engine: Computes the metrics of the partitions of its cut.
        items: The suite.
        keys: Columns that identify a row, for the examples.
    """
    needs: dict[str, Needs] = {}
    broken: dict[str, str] = {}
    for item in items:
        try:
            needs[item.name] = _needs(engine, item)
        except BROKEN as error:
            broken[item.name] = _text(error)
    metrics = Metrics(engine, engine.cut.names)
    metrics.resolve(metric for name in needs for metric in needs[name].values())
    filled = metrics.filled
    verdicts: list[Verdict] = []
    for item in items:
        if item.name in broken:
            verdicts += (_error(item, name, broken[item.name]) for name in filled)
            continue
        judged = [_judged(metrics, item, needs[item.name], name) for name in filled]
        verdicts += _with_examples(metrics, item, needs[item.name], keys, judged)
    return verdicts, {name: metrics.rows(name) for name in metrics.names}


def _needs(engine: DuckDBEngine, item: Item) -> Needs:
    """Returns the metrics that the expectation judges, by name."""
    dependencies = item.built.get_validation_dependencies(
        execution_engine=engine, runtime_configuration=item.mode
    )
    return dict(dependencies.metric_configurations)


def _judged(metrics: Metrics, item: Item, needs: Needs, partition: str) -> Verdict:
    """Returns the verdict on one partition, without examples."""
    why = (metrics.failure(metric, partition) for metric in needs.values())
    reason = next((told for told in why if told is not None), None)
    if reason is not None:
        return _error(item, partition, reason)
    found = {name: metrics.value(metric, partition) for name, metric in needs.items()}
    try:
        with metrics.engine.within(partition):
            success, result = _asked(metrics.engine, item, found)
    except BROKEN as error:
        return _error(item, partition, _text(error))
    outcome = Outcome.PASS if success else Outcome.FAIL
    count = f"{item.map_metric}.unexpected_count"
    if count not in found:
        evidence = {key: value for key, value in result.items() if value is not None}
        return _verdict(
            item, partition, outcome, observed=evidence.get("observed_value", evidence or None)
        )
    unexpected = int(found[count] or 0)
    judged_rows = _judged_rows(found, item, metrics.rows(partition))
    share = 1 - unexpected / judged_rows if judged_rows else None
    return _verdict(item, partition, outcome, observed=share, unexpected=unexpected)


def _asked(
    engine: DuckDBEngine, item: Item, found: Mapping[str, Any]
) -> tuple[bool, Mapping[str, Any]]:
    """Returns success and result of an expectation's own code.

    `metrics_validate` would look up the needed metrics anew, a millisecond for each verdict.
    """
    answer = item.built._validate(dict(found), item.mode, engine)
    if isinstance(answer, Mapping):
        return bool(answer["success"]), answer.get("result") or {}
    return bool(answer.success), answer.result or {}


def _judged_rows(found: Mapping[str, Any], item: Item, rows: int) -> int:
    """Returns how many rows the expectation is about: nulls and rows set aside do not count."""
    filtered = found.get(f"{item.map_metric}.filtered_row_count")
    if filtered is not None:
        return int(filtered)
    total = int(found.get("table.row_count", rows))
    return total - int(found.get("column_values.nonnull.unexpected_count") or 0)


def _with_examples(
    metrics: Metrics, item: Item, needs: Needs, keys: Sequence[str], judged: Sequence[Verdict]
) -> list[Verdict]:
    """Returns the verdicts, those that failed with a few of the rows they are about."""
    failed = [v.partition for v in judged if v.outcome is Outcome.FAIL and v.unexpected]
    if not failed:
        return list(judged)
    count = needs[f"{item.map_metric}.unexpected_count"]
    subject = [column.name for column in grouping.subject(count.metric_domain_kwargs)]
    columns = list(dict.fromkeys([*keys, *subject]))
    found: dict[str, tuple[Mapping[str, object], ...]] = {}
    if count.metric_name in queries.UNIQUE:
        domain = count.metric_domain_kwargs
        found.update(examples.repeated(metrics.engine, domain, columns, failed))
    else:
        for names, condition in metrics.conditions(count, failed):
            found.update(examples.breaking(metrics.engine, condition, columns, names))
    return [replace(v, examples=found.get(v.partition, ())) for v in judged]


def _error(item: Item, partition: str, message: str) -> Verdict:
    """Returns the verdict that nothing is known."""
    return _verdict(item, partition, Outcome.ERROR, message=f"could not be evaluated: {message}")


def _verdict(
    item: Item,
    partition: str,
    outcome: Outcome,
    *,
    observed: object = None,
    unexpected: int | None = None,
    message: str = "",
) -> Verdict:
    """Returns a verdict with what was declared."""
    return Verdict(
        partition=partition,
        name=item.name,
        type=item.declared.type,
        outcome=outcome,
        severity=item.declared.severity,
        observed=plain(observed),
        expected=plain(dict(item.declared.kwargs)),
        unexpected=unexpected,
        notes=item.declared.notes,
        message=message,
    )


def _text(error: Exception) -> str:
    """Returns an exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
