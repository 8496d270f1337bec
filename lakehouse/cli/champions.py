"""The last training of each model and the champion that stands, from the tables `models.*`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.connection import quote_name
from lakehouse.lake import Lake
from lakehouse.query import Session

METRICS = ("auc", "average_precision", "log_loss", "brier", "calibration_error")
_SCHEMA = "models"


@dataclass(frozen=True)
class Training:
    """The last training of a model.

    Attributes:
        model: Name of the model.
        candidates: One row per candidate, as the table keeps them.
        champion: The row of the champion that stands; None as long as there is none.
        versions: Number of versions in the registry.
    """

    model: str
    candidates: Sequence[dict[str, Any]]
    champion: dict[str, Any] | None
    versions: int

    @property
    def reason(self) -> str:
        """Why the best candidate became champion, or did not."""
        return str(self.candidates[0]["reason"])


def trainings(lake: Lake, session: Session) -> tuple[Training, ...]:
    """Returns the last training of each declared model that has been trained."""
    present = lake.catalog.locations()
    wanted = (name for name in lake.models if f"{_SCHEMA}.{name}" in present)
    found = (_training(session, name) for name in wanted)
    return tuple(training for training in found if training.candidates)


def _training(session: Session, model: str) -> Training:
    source = f"{quote_name(_SCHEMA)}.{quote_name(model)}"
    rows = session.query(f"SELECT * FROM {source} ORDER BY training, algorithm").table.to_pylist()
    newest = [row for row in rows if row["training"] == rows[-1]["training"]]
    standing = newest[0]["champion"] if newest else None
    champion = next((r for r in rows if standing is not None and r["version"] == standing), None)
    versions = len({row["version"] for row in rows if row["version"] is not None})
    return Training(model, newest, champion, versions)
