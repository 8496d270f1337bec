"""What a measurement found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lakehouse.model_spec import HIGHER_IS_BETTER, ModelSpec
from lakehouse.results import Check, Result

Kind = Literal["input", "score", "label"]


@dataclass(frozen=True)
class Drift:
    """How far one column of one month is from the reference.

    Attributes:
        model: Name of the model.
        month: E.g. `2013-10`.
        feature: Name of the input, or `score` or `label`.
        kind: Which of the three it is.
        rows: Rows counted.
        psi: Population stability index.
        js_distance: Jensen-Shannon distance.
        p_value: Of the chi-squared test.
        change: The label's change of mean; None for the others.
        drifted: The effect is above its limit, and not by chance.
    """

    model: str
    month: str
    feature: str
    kind: Kind
    rows: int
    psi: float
    js_distance: float
    p_value: float
    change: float | None
    drifted: bool


@dataclass(frozen=True)
class Month:
    """How the champion did in one month.

    Attributes:
        model: Name of the model.
        month: E.g. `2013-10`.
        model_version: The champion's version.
        rows: Rows of the month.
        labelled: Rows whose label is known.
        base_rate: Their share of positives; None without any.
        mean_score: Mean score of all rows.
        in_training: The champion learned from this month, so its metrics would flatter and are
            left out.
        auc: Area under the ROC curve, as the following None where it is not defined.
        average_precision: Area under the precision-recall curve.
        log_loss: In nats.
        brier: Mean squared error.
        calibration_error: Expected calibration error.
        below_limit: The declared metric is worse than the declared limit.
        content: Hash of the month's rows.
    """

    model: str
    month: str
    model_version: int
    rows: int
    labelled: int
    base_rate: float | None
    mean_score: float
    in_training: bool
    auc: float | None
    average_precision: float | None
    log_loss: float | None
    brier: float | None
    calibration_error: float | None
    below_limit: bool
    content: str


@dataclass(frozen=True)
class DriftReport(Result):
    """Drift and performance per month.

    Attributes:
        spec: The model's declaration.
        version: The champion's version; None if there is no champion, and so nothing to measure.
        changed: False if this measurement was there already.
        computed: Months whose rows were counted and scored now; the others were kept.
        drifts: By month and column.
        months: By month.
    """

    spec: ModelSpec
    version: int | None
    changed: bool
    computed: tuple[str, ...]
    drifts: tuple[Drift, ...]
    months: tuple[Month, ...]

    @property
    def judged(self) -> tuple[Month, ...]:
        """The months that the champion did not learn from."""
        return tuple(month for month in self.months if not month.in_training)

    @property
    def alarms(self) -> tuple[str, ...]:
        """Why a retraining is wanted, month by month.

        Counted are the months from the test period on, which had no part in making the champion.
        A drifted input alone is no alarm: seasons change the weather every month, and it matters
        as far as it moves the score, the label or the performance.
        """
        first = self.spec.splits.test.start.strftime("%Y-%m")
        return tuple(
            f"{month.month}: {', '.join(found)}"
            for month in self.judged
            if month.month >= first and (found := self._alarms(month))
        )

    @property
    def wants_retraining(self) -> bool:
        """Whether drift or performance passed its threshold."""
        return bool(self.alarms)

    @property
    def reason(self) -> str:
        """Why a retraining is wanted, or that none is."""
        return "; ".join(self.alarms) or "drift and performance are within their limits"

    def summary(self) -> str:
        """Says what was measured and what is wrong."""
        if self.version is None:
            return f"{self.spec.name}: nothing measured, there is no champion"
        how = f"{len(self.computed)} of {len(self.months)} months measured"
        if not self.changed:
            how = f"{len(self.months)} months unchanged"
        return f"{self.spec.name} version {self.version}: {how}; {self.reason}"

    def facts(self) -> Mapping[str, object]:
        """Returns the verdict, a row per month, and the numbers of the last one by name."""
        rows = [self._row(month) for month in self.months]
        last = {f"last_{name}": value for name, value in rows[-1].items()} if rows else {}
        return {
            "wants_retraining": self.wants_retraining,
            "reason": self.reason,
            "by_month": rows,
            "changed": self.changed,
            "model_version": self.version,
            "months": len(self.months),
            "months_computed": len(self.computed),
            **last,
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns two warnings per judged month, `drift` and `performance`."""
        checks = ((self._drift_check(m), self._performance_check(m)) for m in self.judged)
        return tuple(check for pair in checks for check in pair)

    def refusals(self) -> tuple[str, ...]:
        """Returns a sentence if there is no champion."""
        if self.version is not None:
            return ()
        name = self.spec.name
        return (f"{name} was not measured: it has no champion. `lakehouse run` trains one.",)

    def drifted(self, month: str, kind: Kind) -> tuple[Drift, ...]:
        """Returns what drifted in a month, the largest shift first."""
        found = [d for d in self.drifts if (d.month, d.kind) == (month, kind) and d.drifted]
        return tuple(sorted(found, key=lambda drift: -drift.psi))

    def _row(self, month: Month) -> dict[str, object]:
        metric = self.spec.promotion.metric
        score = [d for d in self.drifts if (d.month, d.kind) == (month.month, "score")]
        return {
            "month": month.month,
            "base_rate": _rounded(month.base_rate),
            "mean_score": _rounded(month.mean_score),
            metric: None if month.in_training else _rounded(getattr(month, metric)),
            "score_psi": _rounded(score[0].psi) if score else None,
            "drifted": len(self.drifted(month.month, "input")),
        }

    def _alarms(self, month: Month) -> list[str]:
        metric = self.spec.promotion.metric
        found = [
            f"label {month.base_rate:.1%} positive ({drift.change:+.1%})"
            for drift in self.drifted(month.month, "label")
        ]
        found += [f"score PSI {d.psi:.2f}" for d in self.drifted(month.month, "score")]
        if month.below_limit:
            limit = self.spec.monitoring.limit
            found.append(f"{metric} {getattr(month, metric):.3f} beyond {limit:g}")
        return found

    def _drift_check(self, month: Month) -> Check:
        columns = [d for kind in _KINDS for d in self.drifted(month.month, kind)]
        named = ", ".join(f"{d.feature} (PSI {d.psi:.2f})" for d in columns[:5])
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
        total = sum(d.month == month.month for d in self.drifts)
        said = f"{len(columns)} of {total} columns drifted" + (f": {named}{more}" if named else "")
        facts: dict[str, object] = {d.feature: round(d.psi, 4) for d in columns}
        facts |= {"psi_limit": self.spec.monitoring.psi, "rows": month.rows}
        return Check("drift", not columns, "warning", said, facts, month.month)

    def _performance_check(self, month: Month) -> Check:
        metric, limit = self.spec.promotion.metric, self.spec.monitoring.limit
        value, rate = getattr(month, metric), month.base_rate
        said = "no labels yet"
        if value is not None and rate is not None:
            side = "at least" if HIGHER_IS_BETTER[metric] else "at most"
            said = f"{metric} {value:.3f} ({side} {limit:g}), {rate:.1%} positive"
        facts = {
            name: _rounded(getattr(month, name)) for name in ("base_rate", "mean_score", *METRICS)
        }
        facts |= {"limit": limit, "labelled": month.labelled}
        return Check("performance", not month.below_limit, "warning", said, facts, month.month)


_KINDS: tuple[Kind, ...] = ("label", "score", "input")
METRICS = ("auc", "average_precision", "log_loss", "brier", "calibration_error")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
