"""Models: trained and gated, their predictions, and the watch over both."""

from collections.abc import Iterator

import dagster as dg

from assets import adapter, checks, names
from lakehouse import monitoring, training
from lakehouse.model_spec import ModelSpec
from resources import Session

_LIBRARIES = {"logistic": "scikitlearn", "boosted_trees": "scikitlearn", "tabm": "pytorch"}


def models(spec: ModelSpec) -> list[dg.AssetsDefinition]:
    """Returns the model's own asset, its predictions and its monitor."""
    return [_model(spec), _predictions(spec), _monitor(spec)]


def _model(spec: ModelSpec) -> dg.AssetsDefinition:
    model, key = spec.name, names.key(f"models/{spec.name}")
    libraries = {_LIBRARIES.get(c.algorithm, c.algorithm) for c in spec.candidates}

    @dg.multi_asset(
        name=f"model_{model}",
        specs=[_spec(spec, key, "models", spec.table, {"mlflow", *libraries})],
        check_specs=checks.of_training(spec, key),
        can_subset=True,
    )
    def train(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        tell = session.progress(context)
        trained = adapter.call(context, session, training.train, model, progress=tell)
        yield from adapter.whole(context, session, key, trained)

    return train


def _predictions(spec: ModelSpec) -> dg.AssetsDefinition:
    model, key = spec.name, names.table_key(spec.predictions.table)

    @dg.multi_asset(
        name=f"predictions_{model}",
        specs=[_spec(spec, key, "models", spec.table, {"iceberg"}, f"models.{model}")],
        can_subset=True,
    )
    def predict(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        predicted = adapter.call(context, session, training.predict, model)
        yield from adapter.whole(context, session, key, predicted)

    return predict


def _monitor(spec: ModelSpec) -> dg.AssetsDefinition:
    model, key = spec.name, names.key(f"monitoring/{spec.name}")
    upstream = (f"models.{model}", spec.predictions.table)

    @dg.multi_asset(
        name=f"monitoring_{model}",
        specs=[_spec(spec, key, "monitoring", spec.table, {"iceberg", "duckdb"}, *upstream)],
        check_specs=checks.of_monitoring(spec, key),
        can_subset=True,
    )
    def measure(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        report = adapter.call(context, session, monitoring.measure, model)
        yield from adapter.whole(context, session, key, report)

    return measure


def _spec(
    spec: ModelSpec, key: dg.AssetKey, group: str, table: str, kinds: set[str], *upstream: str
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[names.table_key(name) for name in (table, *upstream)],
        group_name=group,
        description=_PROSE[key.path[0]].format(spec=spec),
        owners=names.owners(spec.owner),
        kinds=kinds,
        metadata={"label": spec.label, "reads": spec.table, "key": ", ".join(spec.key)},
        skippable=True,
    )


_PROSE = {
    "models": "{spec.description}",
    "gold": "Batch predictions of {spec.name} for {spec.predictions.period.start} to "
    "{spec.predictions.period.end}, that day not included.",
    "monitoring": "Profiles, drift and performance of {spec.name}, month by month.",
}
