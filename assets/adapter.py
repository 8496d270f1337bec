"""The one place where the engine's answers become Dagster's events.

Every verb of the engine returns a `Result` or raises a `LakehouseError`. Here the first becomes
materializations, check results and metadata, and what was refused or went wrong turns the run red
with the engine's own sentence.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import dagster as dg

from assets import checks, names, partitions, standing
from assets.metadata import metadata, published, version
from lakehouse import outage
from lakehouse.errors import LakehouseError, PublishConflict, ServiceFailed
from lakehouse.ingestion import Refreshed
from lakehouse.results import UNASSIGNED, Check, Result
from resources import Session

Event = dg.MaterializeResult[Any] | dg.AssetCheckResult
_PASSING = (PublishConflict, ServiceFailed)
"""Errors that another attempt may not meet again."""


def call(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    session: Session,
    verb: Callable[..., Result],
    *arguments: Any,
    **options: Any,
) -> Any:
    """Returns what a verb of the engine answers, and keeps it for whoever made the session.

    Raises:
        dagster.Failure: The engine refused or could not do it; carries its message.
    """
    try:
        result = verb(session.lake, *arguments, run=context.run.run_id, **options)
    except Exception as error:
        known = error if isinstance(error, LakehouseError) else outage.told(error)
        if known is None:
            raise
        session.errors.append(known)
        raise failure([str(known)], isinstance(known, _PASSING)) from error
    session.results.append(result)
    context.log.info(result.summary())
    if session.tell is not None and "progress" not in options:
        session.tell(result.summary())
    return result


def whole(
    context: dg.AssetExecutionContext,
    session: Session,
    key: dg.AssetKey,
    result: Result,
    more: Sequence[Check] = (),
) -> Iterator[Event]:
    """Shows a result about one whole table or model: materialized unless refused, and judged.

    Args:
        context: The run.
        session: The run's session.
        key: The asset.
        result: What the engine did.
        more: Checks beside the result's own.
    """
    if key in context.selected_asset_keys and not result.refusals():
        facts = {**metadata(result.facts()), **published(session.lake, key)}
        yield materialized(key, result, facts)
    yield from verdicts(context, key, (*judged(result), *more), bool(result.refusals()))
    if result.refusals():
        raise failure(result.refusals())


def together(
    context: dg.AssetExecutionContext,
    session: Session,
    tables: Mapping[dg.AssetKey, Any],
    prose: Mapping[dg.AssetKey, Mapping[str, str]],
    result: Result,
) -> Iterator[Event]:
    """Shows a result about several tables that are published together or not at all.

    Args:
        context: The run.
        session: The run's session.
        tables: What the result says about each asset: `checks`, `columns` and `changed`.
        prose: Description by column, for each asset.
        result: The whole.
    """
    shown = () if result.refusals() else context.selected_asset_keys & tables.keys()
    for key in sorted(shown):
        facts = {"changed": tables[key].changed, **published(session.lake, key)}
        facts["dagster/column_schema"] = names.types(tables[key].columns, prose.get(key, {}))
        yield materialized(key, result, facts)
    for key, table in tables.items():
        yield from verdicts(context, key, table.checks, bool(result.refusals()))
    if result.refusals():
        raise failure(result.refusals())


def parts(
    context: dg.AssetExecutionContext,
    session: Session,
    key: dg.AssetKey,
    result: Refreshed,
    asked: Sequence[str] | None,
) -> Iterator[Event]:
    """Shows a result about some partitions: the good ones materialized, and each judged.

    Args:
        context: The run.
        session: The run's session.
        key: The asset.
        result: What the engine did.
        asked: Partitions that the run names; None if it names none.
    """
    table, shown = published(session.lake, key), good(result, asked)
    told = {name: {**table, **metadata(facts)} for name, facts in shown.items()}
    if result.refusals() or asked is None:
        # a result of the run would materialize all that it was asked for
        for name, facts in told.items():
            context.log_event(dg.AssetMaterialization(key, partition=name, metadata=facts))
    elif key in context.selected_asset_keys:
        for name, facts in told.items():
            context.add_asset_metadata(facts, asset_key=key, partition_key=name)
        yield dg.MaterializeResult(asset_key=key)
    for check in troubled(declared(context, key, judged(result))):
        context.log_event(evaluation(key, check))
    found = (*judged(result), *checks.admitted(result))
    yield from verdicts(context, key, found, bool(result.refusals()))
    if result.refusals():
        raise failure(result.refusals())


def good(result: Refreshed, asked: Sequence[str] | None) -> dict[str, dict[str, object]]:
    """Returns the facts of the partitions that readers now see up to date.

    Those are the ones that were published, and of those asked for the ones that were not stale.
    """
    done = {outcome.name: asdict(outcome) for outcome in result.outcomes if outcome.published}
    stale = {outcome.name for outcome in result.outcomes}
    for name in set(asked or ()) - stale:
        reason = "was up to date" if name in result.held else "no delivery has rows of it"
        done[name] = {"rows": result.held.get(name, 0), "reason": reason}
    return {
        name: {**_told(done[name]), "dagster/partition_row_count": done[name]["rows"]}
        for name in sorted(done)
        if name != UNASSIGNED
    }


def judged(result: Result) -> list[Check]:
    """Returns the result's checks; one that failed where nothing was refused only warns.

    It has been published all the same because a person accepted the delivery.
    """
    shown = {o.name for o in getattr(result, "outcomes", ()) if o.published}
    return [
        replace(check, severity="warning")
        if not check.passed and (not result.refusals() or check.partition in shown)
        else check
        for check in result.checks()
    ]


def troubled(found: Sequence[Check]) -> list[Check]:
    """Returns the checks of partitions that failed, and all checks of the refused partitions.

    An event of its own for each check of each good partition would cost more than the audit (9 ms
    each); their observed values are with the sum over all partitions.
    """
    refused = {check.partition for check in found if not check.passed and check.severity == "error"}
    told = [check for check in found if not check.passed or check.partition in refused]
    return [check for check in told if check.partition is not None]


def materialized(
    key: dg.AssetKey, result: Result, facts: Mapping[str, Any]
) -> dg.MaterializeResult[Any]:
    """Returns the event that a whole table or model is there, the summary on top."""
    told = {"summary": result.summary(), **facts}
    return dg.MaterializeResult(asset_key=key, metadata=told, data_version=version(facts))


def verdicts(
    context: dg.AssetExecutionContext, key: dg.AssetKey, found: Sequence[Check], refused: bool
) -> Iterator[dg.AssetCheckResult]:
    """Yields one result per declared check: the check itself, or the sum over its partitions.

    A check that was not judged keeps its last verdict.
    """
    by_name: dict[str, list[Check]] = {}
    for check in declared(context, key, found):
        by_name.setdefault(names.check(key, check.name), []).append(check)
    told = [verdict(key, c[0] if len(c) == 1 else _sum(c)) for c in by_name.values()]
    told.extend(standing.repeated(context, key, by_name, refused))
    if refused:
        standing.log(context, told)
    else:
        yield from told


def verdict(key: dg.AssetKey, check: Check) -> dg.AssetCheckResult:
    """Returns one check as Dagster's."""
    return dg.AssetCheckResult(**_shown(key, check))


def declared(
    context: dg.AssetExecutionContext, key: dg.AssetKey, found: Sequence[Check]
) -> list[Check]:
    """Returns the checks that the asset declares and the run selected; the others are logged."""
    known = {spec.name for spec in context.selected_asset_check_keys if spec.asset_key == key}
    for check in found:
        if names.check(key, check.name) not in known and not check.passed:
            context.log.warning(f"{check.name}: {check.description}")
    return [check for check in found if names.check(key, check.name) in known]


def evaluation(key: dg.AssetKey, check: Check) -> dg.AssetCheckEvaluation:
    """Returns one check of one partition as an event of its own."""
    return dg.AssetCheckEvaluation(
        **_shown(key, check),
        partition=partitions.name(check.partition),
        blocking=check.severity == "error",
    )


def _shown(key: dg.AssetKey, check: Check) -> dict[str, Any]:
    """Returns what Dagster shows of a check, whether it is a result or an event."""
    return {
        "asset_key": key,
        "check_name": names.check(key, check.name),
        "passed": check.passed,
        "severity": severity(check),
        "description": check.description,
        "metadata": metadata(check.facts),
    }


def severity(check: Check) -> dg.AssetCheckSeverity:
    """Returns how loud Dagster shows the check."""
    loud = check.severity == "error"
    return dg.AssetCheckSeverity.ERROR if loud else dg.AssetCheckSeverity.WARN


def failure(sentences: Sequence[str], again: bool = False) -> dg.Failure:
    """Returns what turns a run red: the engine's sentences, one per line."""
    return dg.Failure("\n".join(sentences), allow_retries=again)


def _told(facts: Mapping[str, object]) -> dict[str, object]:
    """Returns the facts without those that every materialized partition has."""
    return {name: value for name, value in facts.items() if name not in ("name", "published")}


def _sum(found: Sequence[Check]) -> Check:
    """Returns one check that stands for the same check of several partitions."""
    found = sorted(found, key=lambda check: str(check.partition))
    failed = [check for check in found if not check.passed]
    listed = ", ".join(str(check.partition) for check in failed)
    told = f"passed in all {len(found)} partitions"
    if failed:
        told = f"failed in {len(failed)} of {len(found)} partitions: {listed}"
    first = min(failed or found, key=lambda check: check.severity)  # error comes before warning
    said = f"{told}. {first.description}" if failed else told
    parts = {
        str(check.partition): check.facts.get("observed", check.description) for check in found
    }
    # a number of one partition would pass for one of the whole
    shared = {
        name: value
        for name, value in first.facts.items()
        if all(check.facts.get(name) == value for check in found)
    }
    return replace(first, description=said, facts={**shared, "observed": parts})
