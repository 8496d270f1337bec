"""How the lake stands: deliveries, tables, champions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakehouse import dbt_manifest
from lakehouse.catalog import rows_of
from lakehouse.cli.accounts import Booked, booked, total
from lakehouse.cli.champions import trainings
from lakehouse.cli.console import grid
from lakehouse.connection import quote_name, quote_table
from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.planning import SilverState, holds
from lakehouse.planning.arrivals import survey
from lakehouse.planning.erasures import unfinished
from lakehouse.planning.gold import GOLD
from lakehouse.planning.totals import lacking
from lakehouse.privacy import key_id
from lakehouse.query import Session

_COUNTS = ("rows", "published", "quarantined", "duplicates", "superseded", "refused")
_HOUSEKEEPING = ("ledger",)


@dataclass(frozen=True)
class TableState:
    """One published table.

    Attributes:
        name: Table name.
        rows: Rows that readers see.
        snapshot: The snapshot they see.
        snapshots: How many are kept.
        freshness: Age of the newest row against the contract's limit; empty without a limit.
    """

    name: str
    rows: int
    snapshot: str
    snapshots: int
    freshness: str


@dataclass(frozen=True)
class Status:
    """The lake at one moment.

    Attributes:
        datasets: Deliveries by dataset.
        tables: Published tables.
        champions: One line per trained model.
        held_back: Why partitions are refused that no single delivery is to blame for.
        waits: Landed files that cannot be taken yet, and persons to be forgotten, as sentences.
        missing: Partitions with fewer files than their producer is to send, in words.
        holds: What rollbacks keep from being made anew, as full sentences.
    """

    datasets: dict[str, tuple[Booked, ...]]
    tables: Sequence[TableState]
    champions: Sequence[dict[str, Any]]
    held_back: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    def refusals(self) -> tuple[str, ...]:
        """Returns the sentences of all standing refusals."""
        entries = (entry for found in self.datasets.values() for entry in found)
        told = (reason for entry in entries for reason in entry.reasons)
        return tuple(dict.fromkeys((*told, *self.held_back)))

    def document(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        return {
            "deliveries": [
                {
                    "delivery": entry.delivery.number,
                    "dataset": dataset,
                    "file": entry.delivery.source_key,
                    "sha256": entry.delivery.sha256,
                    "state": entry.state,
                    **asdict(entry.statement),
                    "reasons": list(entry.reasons),
                }
                for dataset, found in self.datasets.items()
                for entry in found
            ],
            "tables": [asdict(table) for table in self.tables],
            "champions": list(self.champions),
            "refusals": list(self.refusals()),
            "waits": list(self.waits),
            "missing": list(self.missing),
            "holds": list(self.holds),
        }

    def shown(self) -> RenderableType:
        """Returns tables for the terminal."""
        if not any(self.datasets.values()) and not self.tables:
            empty = Text("The lake is empty. `lakehouse demo` fills it with the sample.")
            return Group(empty, *self._lacking())
        parts: list[RenderableType] = [self._deliveries(), Text(), self._tables()]
        if self.champions:
            columns = ("model", "champion", "algorithm", ">test AUC", "trained (UTC)")
            rows = [list(row.values()) for row in self.champions]
            parts += [Text(), grid("Models", columns, rows)]
        return Group(*parts, *self._lacking())

    def _lacking(self) -> list[Text]:
        told = [*self.waits, *self.holds, *(f"missing: {sentence}." for sentence in self.missing)]
        return [Text(line) for line in told]

    def _deliveries(self) -> RenderableType:
        rows: list[tuple[object, ...]] = []
        for dataset, found in self.datasets.items():
            for entry in found:
                counts = asdict(entry.statement)
                told = [counts[name] for name in _COUNTS]
                file = entry.delivery.source_key
                rows.append((entry.delivery.number, dataset, file, entry.state, *told))
            if len(found) > 1:
                sums = asdict(total(found))
                rows.append(("", dataset, f"all {len(found)}", "", *(sums[n] for n in _COUNTS)))
        columns = (">no", "dataset", "file", "state", *(f">{name}" for name in _COUNTS))
        return grid("Deliveries", columns, rows)

    def _tables(self) -> RenderableType:
        columns = ("table", ">rows", "snapshot", ">snapshots", "newest row")
        rows = ((t.name, t.rows, t.snapshot, t.snapshots, t.freshness) for t in self.tables)
        return grid("Tables", columns, rows)


def read(lake: Lake) -> Status:
    """Returns how the lake stands."""
    books = lake.ledger.read(lake.catalog.names())
    datasets = {name: booked(lake, contract, books) for name, contract in lake.contracts.items()}
    by_table = {contract.table: contract for contract in lake.contracts.values()}
    with Session(lake) as session:
        tables = []
        for name, table in sorted(books.refs.tables.items()):
            current = table.current_snapshot()
            if current is None or name.split(".", 1)[0] in _HOUSEKEEPING:
                continue
            fresh = _freshness(lake, session, by_table.get(name))
            kept = len(table.metadata.snapshots)
            tables.append(TableState(name, rows_of(current), str(current.snapshot_id), kept, fresh))
        champions = [_champion(training) for training in trainings(lake, session)]
    held_back = tuple(
        decision.reason
        for contract in lake.contracts.values()
        for decision in SilverState(books, contract, lake.settings.clock()).refused
        if decision.delivery == 0
    )
    late = (survey(lake, name, books) for name in lake.contracts)
    waits = unfinished(books) + tuple(a.waits for found in late for a in found if a.waits)
    missing, back = lacking(lake, books), _holds(lake, books)
    return Status(datasets, tables, champions, held_back, waits, missing, back)


def _holds(lake: Lake, books: Books) -> tuple[str, ...]:
    """Returns what rollbacks hold, in words; dbt is asked only where gold was rolled back."""
    project = dbt_manifest.load(lake.settings) if books.rolled(GOLD) else None
    now = lake.settings.clock()
    states = (
        SilverState(books, contract, now, key_id(contract, lake.settings))
        for contract in lake.contracts.values()
    )
    return holds.held_back(books, states, project)


def _champion(training: Any) -> dict[str, Any]:
    row = training.champion
    if row is None:
        return {"model": training.model, "version": None, "algorithm": "none yet"}
    return {
        "model": training.model,
        "version": f"version {row['version']}",
        "algorithm": row["algorithm"],
        "test_auc": row["test_auc"],
        "trained_at": f"{row['trained_at']:%Y-%m-%d %H:%M}",
    }


def _freshness(lake: Lake, session: Session, contract: Contract | None) -> str:
    """Compares the data's own clock with the contract's limit."""
    if contract is None or contract.freshness is None:
        return ""
    column = quote_name(contract.freshness.column)
    answer = session.query(f"SELECT max({column}) AS newest FROM {quote_table(contract.table)}")
    newest = answer.table["newest"][0].as_py()
    if newest is None:
        return "no rows"
    age = max(lake.settings.clock() - _moment(newest), timedelta(0))
    late = "" if age <= contract.freshness.limit else " LATE"
    return (
        f"{newest:%Y-%m-%d %H:%M}, {_span(age)} old, limit {_span(contract.freshness.limit)}{late}"
    )


def _moment(value: date | datetime) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _span(age: timedelta) -> str:
    """Returns a length of time in hours or days.

    >>> _span(timedelta(hours=30)), _span(timedelta(days=400))
    ('30 h', '400 days')
    """
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if abs(hours) < 72 else f"{hours / 24:.0f} days"
