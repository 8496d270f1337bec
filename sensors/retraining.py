"""Asks for one retraining when the world has moved away from what a model learned."""

import dagster as dg

from assets import names
from lakehouse import monitoring
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec


def retraining(spec: ModelSpec) -> dg.SensorDefinition:
    """Returns the sensor that watches one model's measurements.

    It is off until a person switches it on: a retraining costs time, and may change the champion.
    """

    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return answer(context.resources.session.lake, spec)

    return dg.SensorDefinition(
        name=f"retrain_{names.identifier(spec.name)}",
        evaluation_fn=look,
        asset_selection=dg.AssetSelection.assets(*_made(spec)),
        required_resource_keys={"session"},
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Starts one retraining of {spec.name} when its last measurement passed a "
        f"threshold, at most every {spec.monitoring.cooldown_days} days.",
    )


def answer(lake: Lake, spec: ModelSpec) -> dg.RunRequest | dg.SkipReason:
    """Returns the request for a retraining, or why none is wanted now."""
    found = monitoring.status(lake, spec.name)
    if found is None:
        return dg.SkipReason(f"{spec.name} has not been measured yet.")
    if not found.wants_retraining:
        return dg.SkipReason(found.reason)
    return dg.RunRequest(
        # one measurement asks once, however often it is looked at
        run_key=f"{spec.name}-{found.measurement}",
        asset_selection=_made(spec),
        tags={"lakehouse/why": found.reason[:200]},
    )


def _made(spec: ModelSpec) -> list[dg.AssetKey]:
    """Returns the assets that follow from a training, the model first."""
    predictions = names.table_key(spec.predictions.table)
    return [names.key(f"models/{spec.name}"), predictions, names.key(f"monitoring/{spec.name}")]
