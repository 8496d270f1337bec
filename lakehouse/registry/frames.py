"""What the registered versions were trained on."""

from __future__ import annotations

from collections.abc import Mapping

from lakehouse.lake import Lake
from lakehouse.registry.listing import paged
from lakehouse.registry.tracking import _answering, _client

_FRAME = "lakehouse.frame"


def frames(lake: Lake) -> Mapping[str, int]:
    """Returns the snapshot that each registered version was trained on, by model and version.

    Raises:
        ServiceFailed: MLflow did not answer.
    """
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    found: dict[str, int] = {}
    with _answering("looking for what models were trained on"):
        for version in paged(client.search_model_versions):
            tags = client.get_run(str(version.run_id)).data.tags
            if _FRAME in tags:
                found[f"{version.name} version {version.version}"] = int(tags[_FRAME])
    return found
