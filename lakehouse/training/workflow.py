"""The training of a model: frame, candidates, registry, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from lakehouse import estimators, faults, features, profiling, registry
from lakehouse.catalog import Change, retried
from lakehouse.evaluation import Metrics, evaluate
from lakehouse.features import Sample, TrainingFrame
from lakehouse.lake import Lake
from lakehouse.model_spec import HIGHER_IS_BETTER, ModelSpec
from lakehouse.publishing import fenced, require
from lakehouse.registry import Champion, Manifest, TrainingState
from lakehouse.training import history
from lakehouse.training.fitting import Fitted, Scores, fit
from lakehouse.training.results import Candidate, Trained, Verdict

_ATTEMPTS = 3


def train(
    lake: Lake, model: str, *, run: str, progress: Callable[[str], None] = lambda _: None
) -> Trained:
    """Trains all candidates, registers the best, and promotes it if it beats the champion.

    The best is chosen on the validation period and judged on the test period. Nothing is trained
    if the table's snapshot, the declaration and the algorithms are those of the last training.

    Args:
        lake: The lake.
        model: Name of a declared model.
        run: The run.
        progress: Receives a line for a person per stage.

    Raises:
        UnknownName: The model or its table is not there.
        FrameRefused: The frame cannot be learned from.
        TamperedModel: The champion's files are not those that were registered.
        ServiceFailed: MLflow did not answer.
        PublishConflict: A person kept being forgotten.
    """
    spec = lake.model(model)

    def attempt() -> Trained:
        with fenced(lake, [registry.history_table(model)]) as fence:
            return _train(lake, spec, fence, run, progress)

    return retried(_ATTEMPTS, attempt)


def _train(
    lake: Lake, spec: ModelSpec, fence: Change, run: str, progress: Callable[[str], None]
) -> Trained:
    model = spec.name
    state = _state(spec, features.pin(lake, spec.table).content)
    if registry.is_current(lake, registry.history_table(model), state):
        return history.last(lake, spec)
    champion = registry.champion(lake, model)
    also = [part.name for part in champion.manifest.features] if champion else []
    frame = features.assemble(lake, model, also=also)
    progress(frame.summary())
    fitted = [fit(frame, declared, progress) for declared in spec.candidates]
    best = _best(spec, fitted)
    state = _state(spec, frame.source.content)
    # no other training of the model may promote between the verdict and the history that tells it
    with registry.alone(lake, model):
        # what was fitted may name who is forgotten
        require(lake, fence, [registry.history_table(model)])
        if registry.is_current(lake, registry.history_table(model), state):
            progress(f"{model}: another run has trained it on the same rows in the meantime")
            return history.last(lake, spec)
        tracked = [_record(lake, frame, one, run, best) for one in fitted]
        faults.reach("training.recorded")
        trained = _judged(lake, frame, fitted, tracked)
        history.append(lake, trained, state, run)
    progress(f"{model}: {trained.verdict.reason}")
    faults.reach("training.noted")
    return trained


def _judged(
    lake: Lake, frame: TrainingFrame, fitted: Sequence[Fitted], tracked: Sequence[str]
) -> Trained:
    """Registers the best candidate and promotes it if it beats the champion of this moment."""
    spec, best = frame.spec, _best(frame.spec, fitted)
    champion = registry.champion(lake, spec.name)
    version = registry.register(lake, spec.name, tracked[fitted.index(best)], spec.description)
    faults.reach("training.registered")
    verdict = _verdict(spec, best.measured, version, champion, _rival(frame, champion))
    if verdict.promoted:
        registry.promote(lake, spec.name, version)
        faults.reach("training.promoted")
    candidates = tuple(
        replace(one.measured, tracked=run_id) for one, run_id in zip(fitted, tracked, strict=True)
    )
    return Trained(
        spec, True, frame.source.snapshot, candidates, verdict, frame.facts(), frame.checks()
    )


def _state(spec: ModelSpec, content: int) -> TrainingState:
    return TrainingState(content, spec.fingerprint, estimators.VERSION)


def _best(spec: ModelSpec, fitted: Sequence[Fitted]) -> Fitted:
    """Returns the best by validation; the first declared one of equals."""
    metric, best = spec.promotion.metric, fitted[0]
    for one in fitted[1:]:
        value, highest = (f.measured.validation.value(metric) for f in (one, best))
        better = value > highest if HIGHER_IS_BETTER[metric] else value < highest
        best = one if better else best
    return best


def _rival(frame: TrainingFrame, champion: Champion | None) -> Metrics | None:
    """Returns the champion's metrics on the frame's test rows.

    None without a champion, or if its inputs are no longer columns of the table.
    """
    if champion is None:
        return None
    inputs = champion.manifest.features
    if any(part.name not in frame.test.rows.columns for part in inputs):
        return None
    return evaluate(frame.test.y, champion.estimator.predict(frame.test.inputs(inputs)))


def _record(lake: Lake, frame: TrainingFrame, one: Fitted, run: str, best: Fitted) -> str:
    spec = frame.spec
    manifest = Manifest(
        model=spec.name,
        algorithm=one.declared.algorithm,
        params=one.declared.params,
        features=spec.features,
        table=spec.table,
        frame=frame.source.snapshot,
        spec=spec.fingerprint,
        estimators=estimators.VERSION,
        run=run,
    )
    metrics = {
        f"{sample}_{name}": float(value)
        for sample, found in one.measured.samples.items()
        for name, value in found.facts().items()
        if value is not None
    }
    texts = {profiling.REFERENCE_FILE: _reference(lake, frame, one)} if one is best else {}
    return registry.record(lake, manifest, one.estimator, metrics=metrics, texts=texts)


def _reference(lake: Lake, frame: TrainingFrame, one: Fitted) -> str:
    split = frame.spec.monitoring.reference
    sample = next(sample for sample in frame.samples if sample.name == split)
    rows = _scored(frame.spec, sample, one.scores[split])
    with lake.connect() as connection:
        return profiling.reference(connection, rows, frame.spec.features).dumps()


def _scored(spec: ModelSpec, sample: Sample, scores: Scores) -> pl.DataFrame:
    return sample.inputs(spec.features).with_columns(
        pl.Series(profiling.SCORE, scores), pl.Series(profiling.LABEL, sample.y)
    )


def _verdict(
    spec: ModelSpec,
    best: Candidate,
    version: int,
    champion: Champion | None,
    rival: Metrics | None,
) -> Verdict:
    """Returns what the declared rule says; `rival` is the champion on the same test rows."""
    rule, value = spec.promotion, best.test.value(spec.promotion.metric)
    stands = champion.version if champion else None
    this = f"{best.algorithm} (version {version}), test {rule.metric} {value:.4f},"
    if not rule.admits(value):
        why = f"{this} does not meet the limit {rule.limit:g}; {_stays(stands)}."
        return Verdict(False, best.algorithm, version, stands, why)
    if rival is not None:
        other = rival.value(rule.metric)
        against = f"the champion (version {stands}), {other:.4f} on the same rows"
        if not rule.improves(value, other):
            why = f"{this} does not beat {against}, by {rule.min_improvement:g}; {_stays(stands)}."
            return Verdict(False, best.algorithm, version, stands, why)
        why = f"{this} beats {against}: it is the new champion."
    elif champion is not None:
        why = f"{this} replaces version {stands}, whose inputs {spec.table} no longer has."
    else:
        why = f"{this} meets the limit {rule.limit:g}: it is the first champion."
    return Verdict(True, best.algorithm, version, version, why)


def _stays(version: int | None) -> str:
    return f"version {version} stays champion" if version else "there is no champion yet"
