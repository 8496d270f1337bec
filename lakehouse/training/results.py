"""What a training found and decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakehouse.evaluation import Metrics
from lakehouse.model_spec import ModelSpec
from lakehouse.results import Check, Result

SLICE_TOLERANCE = 0.05
"""How far below the whole test period's AUC a slice's may lie before it is told."""


@dataclass(frozen=True)
class Slice:
    """How a candidate ranks the test rows with one value of a column.

    Attributes:
        column: The column; `month` for the months of the test period.
        value: Its value.
        n: Rows.
        auc: Area under the ROC curve.
    """

    column: str
    value: str
    n: int
    auc: float


@dataclass(frozen=True)
class Candidate:
    """One algorithm, fitted and measured.

    Attributes:
        algorithm: Its name.
        train: Metrics on the rows it was fitted on.
        validation: Metrics on the rows it is chosen by.
        test: Metrics on the rows of the verdict.
        slices: Parts of the test period, those with enough rows to say something.
        seconds: Time to fit and to score.
        tracked: Id of its MLflow run.
    """

    algorithm: str
    train: Metrics
    validation: Metrics
    test: Metrics
    slices: tuple[Slice, ...] = ()
    seconds: float = 0.0
    tracked: str = ""

    @property
    def samples(self) -> dict[str, Metrics]:
        """The metrics by sample, in order of time."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class Verdict:
    """Whether the best candidate became champion.

    Attributes:
        promoted: It did.
        challenger: Algorithm of the best candidate by validation.
        version: Its version in the registry.
        champion: Version of the champion from now on; None if there still is none.
        reason: One sentence.
    """

    promoted: bool
    challenger: str
    version: int
    champion: int | None
    reason: str


@dataclass(frozen=True)
class Trained(Result):
    """A training, or the last one where nothing has changed since.

    Attributes:
        spec: The model's declaration.
        changed: False if nothing was trained, because frame, declaration and code are the same.
        frame: Snapshot of the model's table.
        candidates: In the order of the declaration.
        verdict: What became of the best.
        frame_facts: Facts of the training frame, where one was made.
        frame_checks: Its checks.
    """

    spec: ModelSpec
    changed: bool
    frame: int
    candidates: tuple[Candidate, ...]
    verdict: Verdict
    frame_facts: Mapping[str, object] = field(default_factory=dict)
    frame_checks: tuple[Check, ...] = ()

    @property
    def challenger(self) -> Candidate:
        """The best candidate by validation."""
        return next(c for c in self.candidates if c.algorithm == self.verdict.challenger)

    def summary(self) -> str:
        """Says who was tried and what became of the best."""
        if not self.changed:
            return f"{self.spec.name}: nothing to train, {_since(self.verdict)}"
        metric = self.spec.promotion.metric
        tried = ", ".join(
            f"{c.algorithm} {c.validation.value(metric):.4f}" for c in self.candidates
        )
        return f"{self.spec.name}: validation {metric} {tried}. {self.verdict.reason}"

    def facts(self) -> Mapping[str, object]:
        """Returns the verdict, a row per candidate, and the challenger's metrics by name."""
        return {
            "candidates": [self._row(candidate) for candidate in self.candidates],
            "changed": self.changed,
            "frame": str(self.frame),
            "promoted": self.verdict.promoted,
            "challenger": self.verdict.challenger,
            "challenger_version": self.verdict.version,
            "champion_version": self.verdict.champion,
            "reason": self.verdict.reason,
            **self.frame_facts,
            **{f"test_{name}": value for name, value in _metrics(self.challenger.test).items()},
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns the frame's checks, the verdict, and one check per slice column (warnings)."""
        stands = Check(
            "has_champion",
            self.verdict.champion is not None,
            "error",
            self.verdict.reason,
            {"champion_version": self.verdict.champion},
        )
        promoted = Check(
            "challenger_promoted",
            self.verdict.promoted,
            "warning",
            self.verdict.reason,
            {"challenger": self.verdict.challenger, "version": self.verdict.version},
        )
        return (*self.frame_checks, stands, promoted, *self._slice_checks())

    def refusals(self) -> tuple[str, ...]:
        """Returns a sentence if the model has no champion; a champion that stays is no refusal."""
        if self.verdict.champion is not None:
            return ()
        return (
            f"{self.spec.name} has no champion: {self.verdict.reason} Nothing is predicted. "
            f"Improve its features or candidates in assets/models/{self.spec.name}.yaml, then "
            "`lakehouse run`.",
        )

    def _row(self, candidate: Candidate) -> dict[str, object]:
        metric, measured = self.spec.promotion.metric, candidate.samples
        more = [name for name in ("log_loss", "brier") if name != metric]
        return {
            "candidate": candidate.algorithm,
            **{f"{name} {metric}": _metrics(part)[metric] for name, part in measured.items()},
            **{name: _metrics(candidate.test)[name] for name in more},
        }

    def _slice_checks(self) -> tuple[Check, ...]:
        best = self.challenger
        columns = dict.fromkeys(part.column for part in best.slices)
        return tuple(_slice_check(best, column) for column in columns)


def _metrics(measured: Metrics) -> dict[str, float | None]:
    return {
        name: None if value is None else round(value, 4)
        for name, value in measured.facts().items()
        if name not in ("n", "base_rate")
    }


def _slice_check(candidate: Candidate, column: str) -> Check:
    parts = [part for part in candidate.slices if part.column == column]
    worst = min(parts, key=lambda part: part.auc)
    limit = candidate.test.auc - SLICE_TOLERANCE
    low = [part.value for part in parts if part.auc < limit]
    return Check(
        f"performance_by_{column}",
        not low,
        "warning",
        f"{candidate.algorithm}: lowest test AUC by {column} is {worst.auc:.3f} for {worst.value} "
        f"({worst.n:,} rows); all rows {candidate.test.auc:.3f}",
        {"limit": round(limit, 4), "below": low, **{p.value: round(p.auc, 4) for p in parts}},
    )


def _since(verdict: Verdict) -> str:
    stands = f"champion is version {verdict.champion}" if verdict.champion else "no champion yet"
    return f"frame, declaration and algorithms are those of the last training; {stands}"
