"""The last published measurement, cheap enough for a sensor's every tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from lakehouse import registry
from lakehouse.lake import Lake
from lakehouse.monitoring.tables import ALARM, DRIFT, REASON, table_name


@dataclass(frozen=True)
class Status:
    """What the last measurement says now.

    Attributes:
        model: Name of the model.
        measurement: Snapshot of the drift table: one alarm per measurement is enough.
        alarm: Drift or performance passed its threshold.
        wants_retraining: There is an alarm, and the last training is longer ago than the declared
            cooldown.
        reason: One sentence.
    """

    model: str
    measurement: int
    alarm: bool
    wants_retraining: bool
    reason: str


def status(lake: Lake, model: str) -> Status | None:
    """Returns what the last measurement says, by the lake's clock; None before the first.

    Reads two snapshot summaries and nothing else.

    Raises:
        UnknownName: No such model is declared.
    """
    spec, table = lake.model(model), table_name(DRIFT, model)
    noted, left = registry.noted(lake, table), registry.standing(lake, model)
    snapshot = lake.catalog.refs([table]).snapshot(table)
    if ALARM not in noted or left is None or snapshot is None:
        return None
    alarm, reason = noted[ALARM] == "true", noted[REASON]
    rested = left.trained_at + timedelta(days=spec.monitoring.cooldown_days)
    ready = lake.settings.clock() >= rested
    if alarm and not ready:
        reason = f"{reason}; trained {left.trained_at:%Y-%m-%d}, not again before {rested:%Y-%m-%d}"
    return Status(model, snapshot, alarm, alarm and ready, reason)
