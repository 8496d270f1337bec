"""What the last measurement of a model says, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakehouse.cli.console import grid
from lakehouse.connection import quote_name
from lakehouse.lake import Lake
from lakehouse.query import Session

_BLOCK, _LONGEST = "▇", 10
_NAMED = 2


@dataclass(frozen=True)
class Drifting:
    """A model's months.

    Attributes:
        model: Name of the model.
        verdict: What the measurement concludes; a sentence for a person.
        months: One row per month: performance, label, score and drifted inputs.
    """

    model: str
    verdict: str
    months: Sequence[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        return {"verdict": self.verdict, "months": list(self.months)}

    def shown(self) -> RenderableType:
        """Returns a table for the terminal; bars are shares of positives."""
        if not self.months:
            return Text(f"{self.model}: {self.verdict}")
        bars = lengths([month["base_rate"] for month in self.months])
        rows = [
            (
                month["month"],
                _percent(month["base_rate"]),
                bar,
                _signed(month["change"]),
                "(trained on)" if month["in_training"] else month["auc"],
                month["score_psi"],
                _named(month["drifted_inputs"]),
            )
            for month, bar in zip(self.months, bars, strict=True)
        ]
        columns = (
            "month",
            ">positive",
            "",
            ">change",
            ">AUC",
            ">score PSI",
            "inputs drifted (PSI)",
        )
        table = grid(f"Drift of {self.model} against its reference", columns, rows)
        return Group(table, Text(self.verdict))


def read(lake: Lake, model: str) -> Drifting:
    """Returns the last measurement of a model, or that there is none."""
    from lakehouse import monitoring

    status = monitoring.status(lake, model)
    if status is None:
        return Drifting(model, "not measured yet. `lakehouse run` trains and measures it.", ())
    with Session(lake) as session:
        months = session.query(_sql(model)).table.to_pylist()
    verdict = f"retraining wanted: {status.reason}" if status.wants_retraining else status.reason
    return Drifting(model, verdict, months)


def lengths(values: Sequence[float | None]) -> list[str]:
    """Returns a bar per value, from nothing at zero to full length for the largest.

    >>> lengths([0.0, 1.0, None, 2.0])
    ['', '▇▇▇▇▇', '', '▇▇▇▇▇▇▇▇▇▇']
    """
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    return [_BLOCK * round((value or 0) / top * _LONGEST) for value in values]


def _sql(model: str) -> str:
    performance = f"monitoring.{quote_name(f'performance_{model}')}"
    drift = f"monitoring.{quote_name(f'drift_{model}')}"
    return f"""
        SELECT p.month, p.rows, p.base_rate, p.mean_score, p.in_training, p.auc, p.brier,
            p.below_limit, d.change, d.score_psi, coalesce(d.drifted_inputs, []) AS drifted_inputs
        FROM {performance} p LEFT JOIN (
            SELECT month,
                max(change) FILTER (kind = 'label') AS change,
                max(psi) FILTER (kind = 'score') AS score_psi,
                list({{'feature': feature, 'psi': round(psi, 3)}} ORDER BY psi DESC)
                    FILTER (kind = 'input' AND drifted) AS drifted_inputs
            FROM {drift} GROUP BY month
        ) d USING (month) ORDER BY p.month
    """


def _named(found: Sequence[dict[str, Any]]) -> str:
    named = ", ".join(f"{one['feature']} {one['psi']:.2f}" for one in found[:_NAMED])
    return named + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _signed(change: float | None) -> str:
    return "" if change is None else f"{100 * change:+.1f} pp"
