"""What maintenance did, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from lakehouse.results import Result, counted

_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class CompactedTable:
    """A table some of whose partitions have fewer files now.

    Attributes:
        table: Table name.
        partitions: Partitions written anew.
        files: Their small files before.
        files_now: Files in their place.
        bytes: Bytes of the small files.
        bytes_now: Bytes in their place; None where nothing was written yet.
        left: Partitions left as they were, because another run kept publishing the table.
    """

    table: str
    partitions: int
    files: int
    files_now: int
    bytes: int
    bytes_now: int | None
    left: int = 0


@dataclass(frozen=True)
class Compacted(Result):
    """Small files that became large ones; no row is another.

    Attributes:
        tables: Tables that had partitions of many small files.
        dry: Whether it was only looked at.
    """

    tables: tuple[CompactedTable, ...]
    dry: bool = False

    def summary(self) -> str:
        """Counts files."""
        files, now = (sum(getattr(t, name) for t in self.tables) for name in ("files", "files_now"))
        if not files:
            return "compaction: no partition has more small files than it needs"
        verb = "would become" if self.dry else "became"
        return f"compaction: {counted(files, 'file')} {verb} {now:,} in {_tables(self.tables)}"

    def facts(self) -> Mapping[str, object]:
        """Returns the tables."""
        return {"dry": self.dry, "compacted": [asdict(table) for table in self.tables]}


@dataclass(frozen=True)
class ExpiredTable:
    """A table whose metadata knows less now.

    Attributes:
        table: Table name.
        snapshots: Snapshots that are forgotten.
        branches: Branches that are gone; killed runs had left them.
    """

    table: str
    snapshots: int
    branches: int


@dataclass(frozen=True)
class Expired(Result):
    """Snapshots that are forgotten; their files are still there.

    Attributes:
        tables: Tables that had snapshots to forget.
        dry: Whether it was only looked at.
    """

    tables: tuple[ExpiredTable, ...]
    dry: bool = False

    def summary(self) -> str:
        """Counts snapshots."""
        snapshots = sum(table.snapshots for table in self.tables)
        branches = sum(table.branches for table in self.tables)
        if not snapshots and not branches:
            return "expiry: no table keeps more snapshots than it should"
        verb = "would be" if self.dry else "are"
        told = (
            f"expiry: {counted(snapshots, 'snapshot')} of {_tables(self.tables)} {verb} forgotten"
        )
        return f"{told}, {counted(branches, 'abandoned branch')} with them" if branches else told

    def facts(self) -> Mapping[str, object]:
        """Returns the tables."""
        return {"dry": self.dry, "expired": [asdict(table) for table in self.tables]}


@dataclass(frozen=True)
class SweptPlace:
    """Files of one place that nothing refers to.

    Attributes:
        place: A table's name, or `bronze/<dataset>`, `models/<model>`, `scratch`.
        removed: Files that are gone.
        bytes: Their bytes.
        condemned: Files that will go once they have been of no use for as long as a reader or a
            run may need them.
    """

    place: str
    removed: int
    bytes: int
    condemned: int


@dataclass(frozen=True)
class Swept(Result):
    """Files that nothing refers to any more.

    Attributes:
        places: Where there were any.
        retained: Raw files past retention that stay, by dataset and why.
        skipped: What was left alone because the books do not fit what is in storage.
        dry: Whether it was only looked at.
    """

    places: tuple[SweptPlace, ...]
    retained: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    dry: bool = False

    def summary(self) -> str:
        """Counts files and bytes."""
        removed = sum(place.removed for place in self.places)
        condemned = sum(place.condemned for place in self.places)
        freed = size(sum(place.bytes for place in self.places))
        verb = "would be removed" if self.dry else "removed"
        ending = f"; {condemned:,} more wait for the end of their grace" if condemned else ""
        kept = sum(self.retained.values())
        stay = f"; {counted(kept, 'raw file')} past retention stay in bronze" if kept else ""
        return f"sweep: {counted(removed, 'file')} {verb}, {freed} freed{ending}{stay}"

    def facts(self) -> Mapping[str, object]:
        """Returns the places."""
        return {
            "dry": self.dry,
            "files_removed": sum(place.removed for place in self.places),
            "bytes_freed": sum(place.bytes for place in self.places),
            "swept": [asdict(place) for place in self.places],
            "past_retention_in_bronze": dict(self.retained),
            "skipped": list(self.skipped),
        }


@dataclass(frozen=True)
class Maintained(Result):
    """All of it, one after the other.

    Attributes:
        compacted: Small files that became large ones.
        expired: Snapshots that are forgotten.
        swept: Files that are gone.
    """

    compacted: Compacted
    expired: Expired
    swept: Swept

    @property
    def parts(self) -> tuple[Result, ...]:
        """The results in their order."""
        return (self.compacted, self.expired, self.swept)

    def summary(self) -> str:
        """Returns a line per part."""
        return "\n".join(part.summary() for part in self.parts)

    def facts(self) -> Mapping[str, object]:
        """Returns the facts of all parts."""
        return {name: value for part in self.parts for name, value in part.facts().items()}


def size(number: float) -> str:
    """Returns bytes in the largest unit that leaves a digit before the point.

    >>> size(999), size(1_500), size(2_340_000)
    ('999 B', '1.5 kB', '2.3 MB')
    """
    power = 0
    while number >= 1000 and power < len(_UNITS) - 1:
        number, power = number / 1000, power + 1
    return f"{number:,.{min(power, 1)}f} {_UNITS[power]}"


def _tables(found: tuple[CompactedTable, ...] | tuple[ExpiredTable, ...]) -> str:
    return found[0].table if len(found) == 1 else counted(len(found), "table")
