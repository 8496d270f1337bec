"""The three tables of a model's measurements, written together and read back.

`monitoring.profiles_<model>` holds rows per bin, `monitoring.drift_<model>` distances per column,
`monitoring.performance_<model>` metrics, each per month. Every model has its own, so that the
measurements of two models never wait for, or undo, each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

import pyarrow as pa

from lakehouse import publishing, registry
from lakehouse.catalog import Change, Refs
from lakehouse.lake import Lake
from lakehouse.monitoring.report import Drift, DriftReport, Month
from lakehouse.profiling import Bins, Profile
from lakehouse.registry import ScoringState

_KINDS = PROFILES, DRIFT, PERFORMANCE = "profiles", "drift", "performance"
ALARM, REASON = "lakehouse.alarm", "lakehouse.reason"
_TYPES: Mapping[str, pa.DataType] = {
    "str": pa.string(),
    "Kind": pa.string(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "float": pa.float64(),
    "float | None": pa.float64(),
}
Row = TypeVar("Row", "Bin", Drift, Month)


@dataclass(frozen=True)
class Bin:
    """Rows of one month in one bin of one column.

    Attributes:
        model: Name of the model.
        month: E.g. `2013-10`.
        feature: Name of the input, or `score`.
        position: Place of the bin among the column's bins, from 0.
        bin: What is in it, e.g. `<= 2.5`.
        rows: Rows.
    """

    model: str
    month: str
    feature: str
    position: int
    bin: str
    rows: int


@dataclass(frozen=True)
class Measurement:
    """Rows of the three tables."""

    profiles: tuple[Bin, ...] = ()
    drifts: tuple[Drift, ...] = ()
    months: tuple[Month, ...] = ()


def table_name(kind: str, model: str) -> str:
    """Returns the name of one of a model's measurement tables."""
    return f"monitoring.{kind}_{model}"


def bins_of(
    model: str, month: str, names: Mapping[str, str], bins: Sequence[Bins], profile: Profile
) -> tuple[Bin, ...]:
    """Returns a month's profile as rows; `names` says how columns are called in the table."""
    return tuple(
        Bin(model, month, names.get(part.column, part.column), position, label, rows)
        for part in bins
        for position, (label, rows) in enumerate(
            zip(part.labels, profile.counts[part.column], strict=True)
        )
    )


def refs(lake: Lake, model: str) -> Refs:
    """Returns a model's tables as one read of the catalog finds them."""
    return lake.catalog.refs(table_name(kind, model) for kind in _KINDS)


def read(lake: Lake, model: str) -> Measurement:
    """Returns what is published, from one read of the catalog; empty before the first."""
    found = refs(lake, model).tables
    if len(found) < len(_KINDS):
        return Measurement()
    profiles, drift, performance = (
        found[table_name(kind, model)].scan().to_arrow().to_pylist() for kind in _KINDS
    )
    return Measurement(
        tuple(Bin(**row) for row in profiles),
        tuple(Drift(**row) for row in drift),
        tuple(Month(**row) for row in performance),
    )


def write(
    lake: Lake,
    measured: Measurement,
    report: DriftReport,
    state: ScoringState,
    *,
    run: str,
    base: Refs,
    fence: Change,
) -> None:
    """Publishes the three tables together or not at all; `base`, `fence` as `publishing` has it."""
    model = report.spec.name
    noted = {ALARM: str(report.wants_retraining).lower(), REASON: report.reason}
    publishing.replace_many(
        lake,
        {
            table_name(PROFILES, model): _arrow(Bin, measured.profiles),
            table_name(DRIFT, model): _arrow(Drift, measured.drifts),
            table_name(PERFORMANCE, model): _arrow(Month, measured.months),
        },
        run=run,
        properties={**state.properties(), **noted},
        base=base,
        fence=fence,
    )


def is_current(lake: Lake, model: str, state: ScoringState) -> bool:
    """Returns whether the published measurement was made from `state`."""
    return registry.is_current(lake, table_name(DRIFT, model), state)


def _arrow(kind: type[Row], rows: Sequence[Row]) -> pa.Table:
    schema = pa.schema({column.name: _TYPES[str(column.type)] for column in fields(kind)})
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)
