"""What the last training, prediction or measurement was made from, as noted on its table.

Read from the snapshot summaries of Iceberg tables, so that asking costs neither MLflow nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lakehouse.catalog import summary_of
from lakehouse.lake import Lake

_FRAME, _SPEC, _ESTIMATORS = "lakehouse.frame", "lakehouse.spec", "lakehouse.estimators"
_CHAMPION, _VERSION, _AT = "lakehouse.champion", "lakehouse.model-version", "lakehouse.trained-at"


@dataclass(frozen=True)
class TrainingState:
    """What a training depends on: equal state, equal result.

    Attributes:
        frame: The snapshot that brought the rows of the model's table.
        spec: Fingerprint of the declaration.
        estimators: Version of the estimators' code.
    """

    frame: int
    spec: str
    estimators: str

    def properties(self) -> dict[str, str]:
        """Returns the state as it is noted on `models.<model>`."""
        return {_FRAME: str(self.frame), _SPEC: self.spec, _ESTIMATORS: self.estimators}


@dataclass(frozen=True)
class ScoringState:
    """What predictions and measurements depend on: equal state, equal result.

    Attributes:
        frame: The snapshot that brought the rows of the model's table.
        spec: Fingerprint of the declaration.
        version: The champion's version.
    """

    frame: int
    spec: str
    version: int

    def properties(self) -> dict[str, str]:
        """Returns the state as it is noted on the tables written."""
        return {_FRAME: str(self.frame), **self.judge()}

    def judge(self) -> dict[str, str]:
        """Returns the part that does not depend on rows: who scores them, and by which rules."""
        return {_SPEC: self.spec, _VERSION: str(self.version)}


@dataclass(frozen=True)
class Standing:
    """What the last training left.

    Attributes:
        champion: The champion's version, or None.
        trained_at: When the training was, by the lake's clock.
    """

    champion: int | None
    trained_at: datetime

    def properties(self) -> dict[str, str]:
        """Returns the standing as it is noted on `models.<model>`."""
        return {_CHAMPION: str(self.champion or ""), _AT: self.trained_at.isoformat()}


def history_table(model: str) -> str:
    """Returns the name of the table with a row per candidate of every training."""
    return f"models.{model}"


def noted(lake: Lake, table: str) -> Mapping[str, str]:
    """Returns what the engine noted on a table's published snapshot; empty without a table."""
    found = lake.catalog.refs([table]).tables.get(table)
    return summary_of(found.current_snapshot() if found else None)


def is_current(lake: Lake, table: str, state: TrainingState | ScoringState) -> bool:
    """Returns whether the table's published snapshot was made from `state`."""
    found = noted(lake, table)
    return all(found.get(key) == value for key, value in state.properties().items())


def standing(lake: Lake, model: str) -> Standing | None:
    """Returns what the last training left, or None before the first."""
    found = noted(lake, history_table(model))
    if _AT not in found:
        return None
    version = found.get(_CHAMPION, "")
    return Standing(int(version) if version else None, datetime.fromisoformat(found[_AT]))
