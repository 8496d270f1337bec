"""The parts of a model's declaration, each impossible to build wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]{0,62}$")]
Metric = Literal["auc", "average_precision", "log_loss", "brier", "calibration_error"]
Param = bool | int | float | str
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "calibration_error": False,
}


class Part(BaseModel):
    """Base of all parts: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureSpec(Part):
    """One input column.

    Attributes:
        name: Column of the model's table.
        kind: `numeric` (null means unknown) or `categorical` (compared by value only).
    """

    name: Name
    kind: Literal["numeric", "categorical"]


class Period(Part):
    """Days from `start` up to, and without, `end`."""

    start: date
    end: date

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} is not before end {self.end}")
        return self


class Splits(Part):
    """Train, validation and test periods; later ones begin after earlier ones have ended."""

    train: Period
    validation: Period
    test: Period

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.train.end > self.validation.start or self.validation.end > self.test.start:
            raise ValueError("train, validation and test must follow each other without overlap")
        return self


class CandidateSpec(Part):
    """An algorithm to try, with parameters that differ from its defaults."""

    algorithm: Name
    params: Mapping[Name, Param] = Field(default_factory=dict)


class Promotion(Part):
    """When a candidate becomes champion.

    Attributes:
        metric: What candidates and champion are compared by, on the test period.
        limit: The worst value of `metric` that is admitted at all.
        min_improvement: How much better than the champion a candidate must be.
    """

    metric: Metric
    limit: float
    min_improvement: float = Field(ge=0)

    def admits(self, value: float) -> bool:
        """Returns whether `value` is good enough without regard to a champion."""
        return self._gain(value, self.limit) >= 0

    def improves(self, value: float, champion: float) -> bool:
        """Returns whether `value` beats the champion's by at least `min_improvement`."""
        gain = self._gain(value, champion)
        return gain > 0 and gain >= self.min_improvement

    def _gain(self, value: float, other: float) -> float:
        return value - other if HIGHER_IS_BETTER[self.metric] else other - value


class Predictions(Part):
    """Where batch predictions go and for which days they are made."""

    table: TableName
    period: Period


class Monitoring(Part):
    """What is watched once the model is in use.

    Attributes:
        reference: The split whose distribution later months are compared with.
        partition: The length of time that is profiled and judged at once.
        psi: Population stability index above which an input or the score has drifted.
        js_distance: Jensen-Shannon distance above which it has drifted.
        base_rate_change: Absolute change of the label's mean that counts as drift.
        limit: The worst value of the promotion metric in a month before it is an alarm.
        cooldown_days: Days after a retraining in which no other is asked for.
    """

    reference: Literal["train", "validation"]
    partition: Literal["month"]
    psi: float = Field(gt=0)
    js_distance: float = Field(gt=0, le=1)
    base_rate_change: float = Field(gt=0, le=1)
    limit: float
    cooldown_days: int = Field(ge=0)
