"""What still holds of an asset in a run that did not judge it anew."""

from collections.abc import Collection, Iterable, Iterator

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

_JUDGED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
_LOOKED_AT = 20


def repeated(
    context: dg.AssetExecutionContext, key: dg.AssetKey, told: Collection[str], refused: bool
) -> Iterator[dg.AssetCheckResult]:
    """Yields again the verdicts on what readers still see.

    Dagster would show each check that a red run did not come to as failed, and one that a run
    without work did not need as skipped.

    Args:
        context: The run.
        key: The asset.
        told: Names of the checks that the run itself judged.
        refused: Whether the run refuses something; only then is an earlier error passed over,
            because it was about data that no reader sees.
    """
    # those that are made by steps behind this one are not come to either
    whole = context.job_def.asset_layer.asset_graph.get_check_keys_for_assets({key})
    keys = whole if refused else context.selected_asset_check_keys
    mine = (check for check in keys if check.asset_key == key)
    for check in sorted(check for check in mine if check.name not in told):
        found = _verdicts(context.instance, check)
        last = next((v for v in found if not refused or _on_published(v)), None)
        if last and _on_published(last):
            yield _again(check, last)
        elif refused:
            yield _unknown(check)


def log(context: dg.AssetExecutionContext, told: Iterable[dg.AssetCheckResult]) -> None:
    """Shows verdicts of a run that refuses a partition on the page of the asset.

    Yielded, Dagster would tie them to the last materialization of that partition, and hide them
    where another one was materialized later.
    """
    for result in told:
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=result.asset_key,
                check_name=result.check_name,
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata=result.metadata,
                blocking=not result.passed and result.severity == dg.AssetCheckSeverity.ERROR,
            )
        )


def _verdicts(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yields earlier verdicts, the newest first."""
    records = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=_LOOKED_AT, status=_JUDGED
    )
    events = (record.event.dagster_event for record in records if record.event)
    yield from (event.asset_check_evaluation_data for event in events if event)


def _on_published(verdict: dg.AssetCheckEvaluation) -> bool:
    return verdict.passed or verdict.severity == dg.AssetCheckSeverity.WARN


def _again(check: dg.AssetCheckKey, before: dg.AssetCheckEvaluation) -> dg.AssetCheckResult:
    said = before.description or ""
    mark = "still holds of what readers see: "
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=before.passed,
        severity=before.severity,
        description=said if said.startswith(mark) else mark + said,
        metadata=before.metadata,
    )


def _unknown(check: dg.AssetCheckKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description="not judged: the delivery was refused before its audit",
    )
