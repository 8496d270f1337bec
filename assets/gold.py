"""Gold: all dbt models of the lake as one asset per table, built and published together."""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets import adapter, checks, names
from lakehouse import building
from lakehouse.dbt_manifest import GoldModel
from resources import Session


def gold(models: Sequence[GoldModel]) -> dg.AssetsDefinition:
    """Returns the asset that builds, tests and publishes every gold table, all or none."""
    prose = {names.table_key(model.table): model.columns for model in models}

    @dg.multi_asset(
        name="gold",
        specs=[_spec(model) for model in models],
        check_specs=[check for model in models for check in checks.of_gold(model)],
        can_subset=True,
    )
    def build(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        tell = session.progress(context)
        built = adapter.call(context, session, building.build, progress=tell)
        tables = {names.key(f"gold/{table.name}"): table for table in built.models}
        yield from adapter.together(context, session, tables, prose, built)

    return build


def _spec(model: GoldModel) -> dg.AssetSpec:
    prose = f"{model.description}\n\n```sql\n{model.sql.strip()}\n```"
    return dg.AssetSpec(
        names.table_key(model.table),
        deps=[names.table_key(table) for table in model.upstream],
        group_name="gold",
        description=prose,
        owners=names.owners(model.owner),
        tags=names.tags(model.tags),
        kinds={"dbt", "duckdb", "iceberg"},
        metadata={"dagster/table_name": model.table},
        skippable=True,
    )
