"""The measurement of a model in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

import polars as pl

from lakehouse import faults, features, profiling, registry
from lakehouse.catalog import Change, retried
from lakehouse.connection import quote_name
from lakehouse.evaluation import evaluate
from lakehouse.features import LABEL, Sample, Source
from lakehouse.lake import Lake
from lakehouse.model_spec import HIGHER_IS_BETTER, ModelSpec, Period
from lakehouse.monitoring import distances, tables
from lakehouse.monitoring.report import METRICS, Drift, DriftReport, Month
from lakehouse.monitoring.tables import Measurement
from lakehouse.profiling import MONTH, SCORE, Profile, Reference
from lakehouse.publishing import fenced
from lakehouse.registry import Champion, ScoringState

_ROWS_AT_ONCE = 400_000
"""Months are read in groups of about so many rows, so that memory does not grow with the table."""
_FORMAT = "%Y-%m"
_ATTEMPTS = 3
_NAMES = {SCORE: "score"}
"""How columns that are not the table's own are called in reports."""


@dataclass(frozen=True)
class _Content:
    """What a month holds: its rows, and a hash of them that does not depend on their order."""

    rows: int
    hash: str


def measure(lake: Lake, model: str, *, run: str) -> DriftReport:
    """Measures drift and performance of every month and publishes them.

    Only months whose rows changed since the last measurement are counted and scored again, all of
    them if the champion or the declaration changed. Nothing happens if neither did.

    Raises:
        UnknownName: The model or its table is not there.
        TamperedModel: The champion's files are not those that were registered.
        ServiceFailed: MLflow did not answer.
        PublishConflict: A person kept being forgotten, or other runs kept measuring.
    """
    spec = lake.model(model)

    def attempt() -> DriftReport:
        with fenced(lake, [tables.table_name(tables.DRIFT, model)]) as fence:
            return _measure(lake, spec, fence, run)

    return retried(_ATTEMPTS, attempt)


def _measure(lake: Lake, spec: ModelSpec, fence: Change, run: str) -> DriftReport:
    model = spec.name
    base = tables.refs(lake, model)  # before what they are made from, so that none is older than it
    source = features.pin(lake, spec.table)
    left = registry.standing(lake, model)
    if left is not None and left.champion is not None:
        state = ScoringState(source.content, spec.fingerprint, left.champion)
        if tables.is_current(lake, model, state):
            kept = tables.read(lake, model)
            return _report(spec, left.champion, kept, computed=(), changed=False)
    champion = registry.champion(lake, model)
    if champion is None:
        return DriftReport(spec, None, False, (), (), ())
    state = ScoringState(source.content, spec.fingerprint, champion.version)
    contents = _contents(lake, spec, source)
    kept = _kept(lake, model, state, contents)
    known = {month.month for month in kept.months}
    computed = tuple(month for month in contents if month not in known)
    fresh = list(_measured(lake, spec, source, champion, {m: contents[m] for m in computed}))
    measured = _joined([kept, *fresh])
    report = _report(spec, champion.version, measured, computed=computed, changed=True)
    faults.reach("monitoring.measured")
    tables.write(lake, measured, report, state, run=run, base=base, fence=fence)
    faults.reach("monitoring.published")
    return report


def _report(
    spec: ModelSpec, version: int, found: Measurement, *, computed: tuple[str, ...], changed: bool
) -> DriftReport:
    return DriftReport(spec, version, changed, computed, found.drifts, found.months)


def _contents(lake: Lake, spec: ModelSpec, source: Source) -> dict[str, _Content]:
    """Returns every month of the table, in order."""
    used = dict.fromkeys((*spec.key, spec.time, *spec.feature_names, *spec.label_columns))
    columns = ", ".join(quote_name(name) for name in used)
    month = f"strftime({quote_name(spec.time)}, '{_FORMAT}')"
    with lake.connect() as connection:
        found = connection.execute(
            f"SELECT {month}, count(*), CAST(sum(hash({columns})) AS VARCHAR) "
            f"FROM {source.sql} WHERE {quote_name(spec.time)} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return {name: _Content(rows, content) for name, rows, content in found}


def _kept(
    lake: Lake, model: str, state: ScoringState, contents: Mapping[str, _Content]
) -> Measurement:
    """Returns what of the last measurement still holds: months whose rows are the same."""
    noted = registry.noted(lake, tables.table_name(tables.DRIFT, model))
    if any(noted.get(key) != value for key, value in state.judge().items()):
        return Measurement()
    last = tables.read(lake, model)
    same = {
        m.month for m in last.months if m.month in contents and m.content == contents[m.month].hash
    }
    return Measurement(
        tuple(row for row in last.profiles if row.month in same),
        tuple(row for row in last.drifts if row.month in same),
        tuple(row for row in last.months if row.month in same),
    )


def _joined(parts: Sequence[Measurement]) -> Measurement:
    """Returns all rows in the order of months."""
    return Measurement(
        tuple(sorted(chain(*(p.profiles for p in parts)), key=lambda row: row.month)),
        tuple(sorted(chain(*(p.drifts for p in parts)), key=lambda row: row.month)),
        tuple(sorted(chain(*(p.months for p in parts)), key=lambda row: row.month)),
    )


def _groups(contents: Mapping[str, _Content]) -> Iterator[tuple[str, ...]]:
    """Yields months in order, few enough at a time."""
    group: tuple[str, ...] = ()
    for month, content in contents.items():
        if group and sum(contents[m].rows for m in group) + content.rows > _ROWS_AT_ONCE:
            yield group
            group = ()
        group = (*group, month)
    if group:
        yield group


def _read(
    lake: Lake, spec: ModelSpec, source: Source, champion: Champion, months: Sequence[str]
) -> Sample:
    """Returns the rows of some months, with the column `MONTH`."""
    period = Period(start=_first_day(months[0]), end=_first_day(months[-1], later=1))
    also = [part.name for part in champion.manifest.features]
    sample = features.read(lake, spec, source, period, name="monitored", also=also)
    month = pl.col(spec.time).dt.strftime(_FORMAT).alias(MONTH)
    rows = sample.rows.with_columns(month).filter(pl.col(MONTH).is_in(months))
    return Sample(sample.name, period, rows)


def _first_day(month: str, later: int = 0) -> date:
    """Returns the first day of a month, or of one some months later."""
    year, number = (int(part) for part in month.split("-"))
    years, zero_based = divmod(number - 1 + later, 12)
    return date(year + years, zero_based + 1, 1)


def _measured(
    lake: Lake,
    spec: ModelSpec,
    source: Source,
    champion: Champion,
    contents: Mapping[str, _Content],
) -> Iterator[Measurement]:
    """Yields the measurements of months, one group at a time."""
    reference = Reference.loads(champion.texts[profiling.REFERENCE_FILE])
    for months in _groups(contents):
        sample = _read(lake, spec, source, champion, months)
        inputs = sample.inputs(champion.manifest.features)
        rows = inputs.with_columns(
            pl.Series(SCORE, champion.estimator.predict(inputs)),
            sample.rows[LABEL],
            sample.rows[MONTH],
        )
        with lake.connect() as connection:
            profiles = profiling.profiles(connection, rows, reference.bins)
        for month, profile in profiles.items():
            scored = rows.filter(pl.col(MONTH) == month).select(SCORE, LABEL)
            yield Measurement(
                tables.bins_of(spec.name, month, _NAMES, reference.bins, profile),
                tuple(_drifts(spec, month, reference, profile)),
                (_month(spec, champion.version, month, contents[month], scored),),
            )


def _drifts(spec: ModelSpec, month: str, reference: Reference, profile: Profile) -> Iterator[Drift]:
    """Yields the distances of inputs, score and label from the reference."""
    limits = spec.monitoring
    for bins in reference.bins:
        before, now = reference.profile.counts[bins.column], profile.counts[bins.column]
        effects = distances.psi(before, now), distances.js_distance(before, now)
        p_value = distances.p_value(before, now)
        large = effects[0] > limits.psi or effects[1] > limits.js_distance
        yield Drift(
            model=spec.name,
            month=month,
            feature=_NAMES.get(bins.column, bins.column),
            kind="score" if bins.column == SCORE else "input",
            rows=profile.rows,
            psi=effects[0],
            js_distance=effects[1],
            p_value=p_value,
            change=None,
            drifted=large and p_value < distances.SIGNIFICANCE,
        )
    if profile.labelled:
        yield _label_drift(spec, month, reference.profile, profile)


def _label_drift(spec: ModelSpec, month: str, reference: Profile, profile: Profile) -> Drift:
    before = (reference.labelled - reference.positives, reference.positives)
    now = (profile.labelled - profile.positives, profile.positives)
    change = profile.positives / profile.labelled - reference.positives / reference.labelled
    p_value = distances.p_value(before, now)
    large = abs(change) > spec.monitoring.base_rate_change
    return Drift(
        model=spec.name,
        month=month,
        feature="label",
        kind="label",
        rows=profile.labelled,
        psi=distances.psi(before, now),
        js_distance=distances.js_distance(before, now),
        p_value=p_value,
        change=change,
        drifted=large and p_value < distances.SIGNIFICANCE,
    )


def _month(
    spec: ModelSpec, version: int, month: str, content: _Content, scored: pl.DataFrame
) -> Month:
    known = scored.drop_nulls(LABEL)
    found = evaluate(known[LABEL].to_numpy(), known[SCORE].to_numpy()).facts()
    in_training = _first_day(month) < spec.splits.train.end
    metrics = {name: None if in_training else found[name] for name in METRICS}
    value, rule = metrics[spec.promotion.metric], spec.promotion.metric
    limit = spec.monitoring.limit
    worse = value is not None and (value < limit if HIGHER_IS_BETTER[rule] else value > limit)
    return Month(
        model=spec.name,
        month=month,
        model_version=version,
        rows=content.rows,
        labelled=known.height,
        base_rate=found["base_rate"],
        mean_score=float(scored[SCORE].to_numpy().mean()),
        in_training=in_training,
        **metrics,
        below_limit=worse,
        content=content.hash,
    )
