"""Asks for one retraining when the world has moved away from what a model learned."""

import dagster as dg

from assets import names
from lakehouse import monitoring
from lakehouse.model_spec import ModelSpec
from resources import Session


def retraining(spec: ModelSpec) -> dg.SensorDefinition:
    """Returns the sensor that watches one model's measurements.

    It is off until a person switches it on: a retraining costs time, and may change the champion.
    """
    made = ("models", spec.name), spec.predictions.table.split("."), ("monitoring", spec.name)
    keys = [dg.AssetKey(path) for path in made]

    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        session: Session = context.resources.session
        found = monitoring.status(session.lake, spec.name)
        if found is None:
            return dg.SkipReason(f"{spec.name} has not been measured yet.")
        if not found.wants_retraining:
            return dg.SkipReason(found.reason)
        context.log.info(found.reason)
        # one measurement asks once, however often it is looked at
        key, tags = f"{spec.name}-{found.measurement}", {"lakehouse/why": found.reason[:200]}
        return dg.RunRequest(run_key=key, asset_selection=keys, tags=tags)

    return dg.SensorDefinition(
        name=f"retrain_{names.identifier(spec.name)}",
        evaluation_fn=look,
        asset_selection=dg.AssetSelection.assets(*keys),
        required_resource_keys={"session"},
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Starts one retraining of {spec.name} when its last measurement passed a "
        f"threshold, at most every {spec.monitoring.cooldown_days} days.",
    )
