"""Bronze: each landed file once, byte for byte, and the delivery that brought it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets import adapter, names
from lakehouse import landing
from lakehouse.contract import Contract
from resources import Session


def bronze(contract: Contract) -> dg.AssetsDefinition:
    """Returns the asset that takes in a dataset's landed files."""
    dataset, key = contract.dataset, names.key(f"bronze/{contract.dataset}")
    spec = dg.AssetSpec(
        key,
        group_name="bronze",
        description=f"Files of {dataset} as they were delivered. {contract.description}",
        owners=names.owners(contract.owner),
        tags=names.tags(contract.tags),
        kinds={"file", contract.read.format},
        metadata={"contract": Path(contract.file).name, "contract version": contract.version},
        skippable=True,
    )

    @dg.multi_asset(name=f"bronze_{dataset}", specs=[spec])
    def land(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        settle = session.settle
        receipt = adapter.call(context, session, landing.land, dataset, settle=settle)
        yield from adapter.whole(context, session, key, receipt)

    return land
