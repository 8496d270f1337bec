"""What the verbs about earlier publishes did or found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lakehouse.ledger import Rollback
from lakehouse.results import Result, counted


@dataclass(frozen=True)
class Moved:
    """One table that readers see as it was before.

    Attributes:
        snapshot: The snapshot they see now.
        rows: Its rows.
        before: The rows they saw until then.
    """

    snapshot: int
    rows: int
    before: int


@dataclass(frozen=True)
class RolledBack(Result):
    """A rollback.

    Attributes:
        entry: What the ledger tells of it.
        tables: What became of each table.
    """

    entry: Rollback
    tables: Mapping[str, Moved]

    def summary(self) -> str:
        """Says what readers see, what they saw, and how long it holds."""
        told = "; ".join(
            f"{name}: readers see {counted(one.rows, 'row')} of snapshot {one.snapshot} again, "
            f"not {one.before:,}"
            for name, one in self.tables.items()
        )
        return (
            f"{told}. Rollback {self.entry.number} holds until inputs change or "
            f"`lakehouse release {self.entry.table}`; what was made from the table is stale now."
        )

    def facts(self) -> Mapping[str, object]:
        """Returns number, dataset and tables."""
        tables = {
            name: {**asdict(one), "snapshot": str(one.snapshot)}
            for name, one in self.tables.items()
        }
        return {"rollback": self.entry.number, "dataset": self.entry.dataset, "tables": tables}


@dataclass(frozen=True)
class Released(Result):
    """The end of a hold.

    Attributes:
        entry: What the ledger tells of it.
    """

    entry: Rollback

    def summary(self) -> str:
        """Says what follows."""
        return (
            f"{self.entry.table} is released: `lakehouse plan` shows what the next run makes anew."
        )

    def facts(self) -> Mapping[str, object]:
        """Returns number and dataset."""
        return {"release": self.entry.number, "dataset": self.entry.dataset}


@dataclass(frozen=True)
class Named(Result):
    """A name given to a publish, or taken from it.

    Attributes:
        tag: The name.
        snapshots: Snapshot of each table that has, or had, it.
        gone: Whether it was taken away.
    """

    tag: str
    snapshots: Mapping[str, int]
    gone: bool = False

    def summary(self) -> str:
        """Says what has the name."""
        if not self.snapshots:
            return f"{self.tag} was there already."
        told = ", ".join(f"{name} {number}" for name, number in self.snapshots.items())
        if self.gone:
            return f"{self.tag} is gone; maintenance may forget {told}."
        return f"{self.tag} names {told}; nothing forgets what it names."

    def facts(self) -> Mapping[str, object]:
        """Returns tag and snapshots."""
        return {"tag": self.tag, "snapshots": {n: str(i) for n, i in self.snapshots.items()}}


@dataclass(frozen=True)
class Line:
    """One snapshot that readers see or saw.

    Attributes:
        snapshot: Its number.
        at: When readers came to see it, in UTC.
        rows: Rows.
        files: Data files.
        run: The run that made it.
        contract: Version of the contract it was made under.
        tags: Its names.
        note: Whether readers see it, or it was rolled back, and what else there is to tell.
    """

    snapshot: str
    at: str
    rows: int
    files: int
    run: str
    contract: str
    tags: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Listing(Result):
    """The snapshots of a table.

    Attributes:
        table: The table.
        snapshots: Those that are kept, the newest first.
        rollbacks: Rollbacks and releases, in words, the newest first.
    """

    table: str
    snapshots: tuple[Line, ...]
    rollbacks: tuple[str, ...]

    def summary(self) -> str:
        """Counts them."""
        return f"{self.table}: {counted(len(self.snapshots), 'snapshot')}"

    def facts(self) -> Mapping[str, object]:
        """Returns all of them."""
        lines = [{**asdict(line), "tags": list(line.tags)} for line in self.snapshots]
        return {"table": self.table, "snapshots": lines, "rollbacks": list(self.rollbacks)}
