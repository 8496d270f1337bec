"""All assets of a lake, made from what is declared."""

from collections.abc import Sequence

import dagster as dg

from assets.bronze import bronze
from assets.freshness import freshness
from assets.gold import gold
from assets.maintenance import maintenance
from assets.models import models
from assets.silver import silver
from lakehouse import dbt_manifest
from lakehouse.lake import Lake


def graph(lake: Lake) -> Sequence[dg.AssetsDefinition]:
    """Returns one definition per declared dataset, layer and model; only declarations are read."""
    contracts = lake.contracts.values()
    tables = dbt_manifest.load(lake.settings).models
    return [
        *(bronze(contract) for contract in contracts),
        *(silver(contract, lake.settings.now) for contract in contracts),
        *(freshness(c, c.freshness) for c in contracts if c.freshness),
        *([gold(tables)] if tables else []),
        *(asset for spec in lake.models.values() for asset in models(spec)),
        *maintenance(),
    ]
