"""Silver: typed, checked rows, published only after their audit."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg

from assets import adapter, checks, names, partitions
from lakehouse import ingestion
from lakehouse.contract import Contract
from resources import Session


def silver(contract: Contract, now: datetime | None) -> dg.AssetsDefinition:
    """Returns the asset that brings a dataset's table up to date.

    Args:
        contract: The dataset.
        now: The lake's clock if it is set; partitions end there.
    """
    if contract.partition is None:
        return _whole(contract)
    return _partitioned(contract, partitions.of(contract.partition, now))


def _whole(contract: Contract) -> dg.AssetsDefinition:
    dataset, key = contract.dataset, names.key(f"silver/{contract.dataset}")

    @dg.multi_asset(
        name=f"silver_{dataset}",
        specs=[_spec(contract, key)],
        check_specs=checks.of_contract(contract, key),
        can_subset=True,
    )
    def refresh(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        tell = session.progress(context)
        done = adapter.call(context, session, ingestion.refresh, dataset, None, progress=tell)
        yield from adapter.whole(context, session, key, done, checks.admitted(done))

    return refresh


def _partitioned(contract: Contract, cut: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    dataset, key = contract.dataset, names.key(f"silver/{contract.dataset}")

    @dg.multi_asset(
        name=f"silver_{dataset}",
        specs=[_spec(contract, key)],
        check_specs=checks.of_contract(contract, key),
        partitions_def=cut,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def refresh(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        asked, tell = partitions.selected(context), session.progress(context)
        done = adapter.call(context, session, ingestion.refresh, dataset, asked, progress=tell)
        yield from adapter.parts(context, session, key, done, asked)

    return refresh


def _spec(contract: Contract, key: dg.AssetKey) -> dg.AssetSpec:
    upstream = {names.key(f"silver/{ref.dataset}") for ref in contract.references} - {key}
    fresh = contract.freshness
    return dg.AssetSpec(
        key,
        deps=[names.key(f"bronze/{contract.dataset}"), *sorted(upstream)],
        group_name="silver",
        description=contract.description,
        owners=names.owners(contract.owner),
        tags=names.tags(contract.tags),
        kinds={"iceberg", "duckdb"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=fresh.limit) if fresh else None,
        metadata={
            "dagster/column_schema": names.schema(contract.published, contract.key),
            "dagster/table_name": contract.table,
            "contract": Path(contract.file).name,
            "contract version": contract.version,
            "delivery": contract.delivery,
            "domain": contract.domain,
        },
        skippable=True,
    )
