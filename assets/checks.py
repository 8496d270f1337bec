"""Which asset checks a dataset, a gold model or a trained model has: known before anything runs."""

from collections import Counter
from collections.abc import Iterator, Sequence

import dagster as dg

from assets import names
from lakehouse.contract import Contract, Expectation
from lakehouse.dbt_manifest import GoldModel
from lakehouse.ingestion import personal
from lakehouse.ingestion.auditing import reference_check
from lakehouse.model_spec import ModelSpec
from lakehouse.planning.totals import FILES
from lakehouse.privacy import scanned
from lakehouse.results import Check, Result, Severity, counted

FRESH = "fresh_by_its_own_clock"
ADMITTED = "deliveries_admitted"
_FIRST = {
    "has_rows": "What is to be published is not empty.",
    "has_columns": "What is to be published has the contract's columns.",
}


def spec(
    key: dg.AssetKey, name: str, severity: Severity, description: str, **facts: object
) -> dg.AssetCheckSpec:
    """Returns the spec of one check; it blocks what is downstream if its severity is error."""
    return dg.AssetCheckSpec(
        names.check(key, name),
        asset=key,
        description=description or None,
        blocking=severity == "error",
        metadata={"severity": severity, **facts},
    )


def of_contract(contract: Contract, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Returns what is judged before a partition of the dataset is published."""
    return [*_about_deliveries(contract, key), *_about_rows(contract, key)]


def admitted(result: Result) -> tuple[Check, ...]:
    """Returns whether a refresh admitted all that was new to it; none where it judged nothing."""
    if refused := result.refusals():
        return (Check(ADMITTED, False, "error", " ".join(refused), {"refused": len(refused)}),)
    judged = {check.name for check in result.checks()}
    if not judged:
        return ()
    # the engine tells of these two only where the audit had to stop at them
    first = [Check(n, True, "error", told) for n, told in _FIRST.items() if n not in judged]
    return (Check(ADMITTED, True, "error", "nothing was refused"), *first)


def _about_deliveries(contract: Contract, key: dg.AssetKey) -> Iterator[dg.AssetCheckSpec]:
    prose = (
        f"Every new delivery can be read, at most {contract.limit:.1%} of its rows break a rule of "
        "the contract, and its partitions pass the audit."
    )
    rules = [rule.name for rule in contract.rules]
    yield spec(key, ADMITTED, "error", prose, limit=contract.limit, rules=rules)
    if contract.totals and contract.totals.files:
        prose = f"Each partition that is over has {counted(contract.totals.files, 'file')} or more."
        yield spec(key, FILES, "warning", prose, expected=contract.totals.files)
    for reference in contract.references:
        prose = f"{reference.name}; rows without a partner: {reference.orphans}."
        yield spec(key, reference_check(reference), "warning", prose, orphans=reference.orphans)


def _about_rows(contract: Contract, key: dg.AssetKey) -> Iterator[dg.AssetCheckSpec]:
    for name, told in _FIRST.items():
        yield spec(key, name, "error", told)
    for column in scanned(contract.columns):
        name = personal.personal_check(column)
        yield spec(key, name, "error", personal.NOTES, column=column.name)
    for name, expectation in named(contract.expectations):
        yield spec(
            key,
            name,
            expectation.severity,
            expectation.notes,
            type=expectation.type,
            expected=dict(expectation.kwargs),
        )
    for query in contract.queries:
        limit = {query.operator: query.limit}
        yield spec(key, query.name, query.severity, query.notes, type="sql", expected=limit)


def named(expectations: Sequence[Expectation]) -> Iterator[tuple[str, Expectation]]:
    """Yields each expectation with its name; repeated ones are told apart as the audit does."""
    seen: Counter[str] = Counter()
    for expectation in expectations:
        seen[expectation.name] += 1
        count = seen[expectation.name]
        yield (expectation.name if count == 1 else f"{expectation.name}_{count}"), expectation


def of_gold(model: GoldModel) -> list[dg.AssetCheckSpec]:
    """Returns dbt's tests of a gold table."""
    key = names.table_key(model.table)
    return [
        spec(key, test.name, test.severity, test.description or f"dbt test `{test.name}`.")
        for test in model.tests
    ]


def of_training(model: ModelSpec, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Returns what a training is judged by."""
    gate = model.promotion
    prose = {
        "no_single_input_knows_the_label": "No input alone ranks the label suspiciously well.",
        "split_by_time": "No day of a later split precedes one of an earlier.",
        "has_champion": f"A version stands whose test {gate.metric} is no worse than {gate.limit}.",
    }
    slices = [f"performance_by_{column}" for column in (*model.slices, "month")]
    return [
        *(spec(key, name, "error", told) for name, told in prose.items()),
        spec(key, "challenger_promoted", "warning", "The newest candidate beat the champion."),
        *(
            spec(key, name, "warning", "No slice ranks much worse than the whole.")
            for name in slices
        ),
    ]


def of_monitoring(model: ModelSpec, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Returns what each month of a model's inputs, scores and labels is judged by."""
    watch, metric = model.monitoring, model.promotion.metric
    prose = {
        "drift": f"No input or score moved by a PSI above {watch.psi}.",
        "performance": f"The {metric} of each month is no worse than {watch.limit}.",
    }
    return [spec(key, name, "warning", told) for name, told in prose.items()]
