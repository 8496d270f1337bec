"""What a trained model was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from lakehouse.model_spec import FeatureSpec, Param

MANIFEST = "model.json"


@dataclass(frozen=True)
class Manifest:
    """What a trained model was made from; kept beside its files as `model.json`.

    Attributes:
        model: Name of the model.
        algorithm: Its algorithm.
        params: Parameters that differ from the algorithm's defaults.
        features: Inputs, in their order.
        table: The table learned from.
        frame: Snapshot of that table.
        spec: Fingerprint of the declaration.
        estimators: Version of the estimators' code.
        run: The run of the lake that trained it.
        files: sha256 (hex) of each file, by path in the model's folder.
    """

    model: str
    algorithm: str
    params: Mapping[str, Param]
    features: tuple[FeatureSpec, ...]
    table: str
    frame: int
    spec: str
    estimators: str
    run: str
    files: Mapping[str, str] = field(default_factory=dict)

    def dumps(self) -> str:
        """Returns the manifest as JSON."""
        content = asdict(self) | {"features": [part.model_dump() for part in self.features]}
        return json.dumps(content, indent=2, sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> Manifest:
        """Returns what `dumps` wrote."""
        content = json.loads(text)
        features = tuple(FeatureSpec(**part) for part in content.pop("features"))
        return cls(features=features, **content)
