"""The summary that a demo ends with, read from the lake itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakehouse.catalog import rows_of
from lakehouse.cli import drifting
from lakehouse.cli.accounts import Statement, booked, total
from lakehouse.cli.champions import METRICS, Training, trainings
from lakehouse.cli.console import grid, program
from lakehouse.cli.drifting import Drifting
from lakehouse.ingestion import Refreshed
from lakehouse.lake import Lake
from lakehouse.query import Session
from lakehouse.results import Check, Result, counted

_NEXT = (
    "ui",
    'sql "select carrier, avg(arr_delay) as delay from silver.flights '
    'group by carrier order by delay desc"',
    "status",
)


@dataclass(frozen=True)
class Inventory:
    """What a run can add to: for telling whether it did.

    Attributes:
        snapshots: Ids of all snapshots of all tables.
        objects: Names of all objects in bronze.
        versions: Number of model versions.
    """

    snapshots: frozenset[int]
    objects: frozenset[str]
    versions: int


@dataclass(frozen=True)
class Added:
    """What a run added."""

    snapshots: int
    objects: int
    versions: int

    def sentence(self) -> str:
        """Says what changed, or that nothing did."""
        if not any(asdict(self).values()):
            return "Nothing changed: no new snapshot, bronze object or model version."
        return (
            f"New since the start: {counted(self.snapshots, 'snapshot')}, "
            f"{counted(self.objects, 'bronze object')}, {counted(self.versions, 'model version')}."
        )


@dataclass(frozen=True)
class Picture:
    """The lake after a demo.

    Attributes:
        datasets: Rows of all deliveries of each dataset.
        judged: Expectations judged in this run, by dataset.
        gold: Rows of each gold table.
        trainings: The last training of each model.
        drifts: The last measurement of each model.
        added: What this run added.
    """

    datasets: Mapping[str, Statement]
    judged: Mapping[str, Sequence[Check]]
    gold: Mapping[str, int]
    trainings: Sequence[Training]
    drifts: Sequence[Drifting]
    added: Added

    def document(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        return {
            "datasets": {
                name: {
                    **asdict(statement),
                    "expectations_passed": sum(c.passed for c in self.judged.get(name, ())),
                    "expectations_judged": len(self.judged.get(name, ())),
                }
                for name, statement in self.datasets.items()
            },
            "gold": dict(self.gold),
            "models": {
                t.model: {"candidates": list(t.candidates), "champion": t.champion, "why": t.reason}
                for t in self.trainings
            },
            "drift": {drift.model: drift.document() for drift in self.drifts},
            "added": asdict(self.added),
        }

    def shown(self, home: str) -> RenderableType:
        """Returns the summary for the terminal.

        Args:
            home: Where the lake is.
        """
        parts: list[RenderableType] = [Text(), self._tables()]
        parts += [Text(f"{name}: {rows:,} rows") for name, rows in self.gold.items()]
        for training in self.trainings:
            parts += [Text(), _candidates(training), _champion(training)]
        for drift in self.drifts:
            parts += [Text(), drift.shown()]
        parts += [
            Text(),
            Text(self.added.sentence(), style="bold"),
            Text(f"The lake is in {home}."),
        ]
        called = program()
        parts += [Text("\nTry next:")]
        parts += [Text(f"  {called} {verb}", style="cyan") for verb in _NEXT]
        return Group(*parts)

    def _tables(self) -> RenderableType:
        columns = (
            "silver", ">rows in", ">published", ">quarantined", ">duplicates", ">superseded",
            ">refused", ">expectations passed",
        )  # fmt: skip
        rows = [
            (
                name, s.rows, s.published, s.quarantined, s.duplicates, s.superseded, s.refused,
                _passed(self.judged.get(name, ())),
            )
            for name, s in self.datasets.items()
        ]  # fmt: skip
        return grid("Tables", columns, rows)


def inventory(lake: Lake) -> Inventory:
    """Returns what the lake holds now; nothing where there is no lake yet."""
    tables = lake.catalog.refs().tables.values()
    snapshots = (s.snapshot_id for table in tables for s in table.metadata.snapshots)
    objects = (file.url for file in lake.storage.list(f"{lake.settings.warehouse}/bronze"))
    with Session(lake) as session:
        versions = sum(training.versions for training in trainings(lake, session))
    return Inventory(frozenset(snapshots), frozenset(objects), versions)


def read(lake: Lake, before: Inventory, done: Result) -> Picture:
    """Returns the lake after a run.

    Args:
        lake: The lake.
        before: What it held before.
        done: What the run did; its `results` are those of the engine's verbs.
    """
    books = lake.ledger.read(lake.catalog.names())
    results: Sequence[Result] = getattr(done, "results", ())
    judged: dict[str, Sequence[Check]] = {}
    for result in results:
        if isinstance(result, Refreshed) and result.judgements:
            judged[result.dataset] = (*judged.get(result.dataset, ()), *result.judgements)
    gold = {}
    for name, table in sorted(books.refs.tables.items()):
        current = table.current_snapshot()
        if name.startswith("gold.") and current:
            gold[name] = rows_of(current)
    with Session(lake) as session:
        trained = trainings(lake, session)
    after = inventory(lake)
    return Picture(
        datasets={name: total(booked(lake, c, books)) for name, c in lake.contracts.items()},
        judged=judged,
        gold=gold,
        trainings=trained,
        drifts=[drifting.read(lake, name) for name in lake.models],
        added=Added(
            snapshots=len(after.snapshots - before.snapshots),
            objects=len(after.objects - before.objects),
            versions=after.versions - before.versions,
        ),
    )


def _passed(checks: Sequence[Check]) -> str:
    """Counts verdicts; where nothing was judged anew, the published rows had passed before."""
    if not checks:
        return "as before"
    failed = [check for check in checks if not check.passed]
    warned = f" ({len(failed)} warnings)" if failed else ""
    return f"{len(checks) - len(failed)} of {len(checks)}{warned}"


def _candidates(training: Training) -> RenderableType:
    """Returns the candidates with their metrics on the test period, best first."""
    columns = ("candidate", ">validation AUC", *(f">{name}" for name in METRICS), ">seconds", "")
    rows = [
        (
            row["algorithm"],
            *(f"{row[name]:.4f}" for name in ("validation_auc", *(f"test_{m}" for m in METRICS))),
            f"{row['seconds']:.1f}",
            "challenger" if row["challenger"] else "",
        )
        for row in sorted(training.candidates, key=lambda row: -(row["test_auc"] or 0))
    ]
    return grid(f"Model {training.model}, metrics of the test period", columns, rows)


def _champion(training: Training) -> Text:
    if training.champion is None:
        return Text(f"No champion: {training.reason}")
    row = training.champion
    told = f"Champion: version {row['version']} ({row['algorithm']}). Why: {training.reason}"
    return Text(told, style="green")
