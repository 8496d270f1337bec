"""What a search for a person found, and what erasing them did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lakehouse.erasing.bronze import Hit
from lakehouse.erasing.derived import Derived
from lakehouse.results import Result, counted


@dataclass(frozen=True)
class Sought(Result):
    """What erasing a person would touch.

    Attributes:
        dataset: The dataset.
        columns: The columns that tell whose rows are meant.
        hits: Objects and landed files with records of the person, or tables that outlived them.
        unfinished: Number of the same erasure if it was begun before; 0 if not.
        tables: Tables whose earlier snapshots, branches and tags would go.
        models: Models that learned from the dataset.
        others: Datasets that refer to this one, and may name the person too.
        backups: Backups in the warehouse, which would go.
    """

    dataset: str
    columns: str
    hits: tuple[Hit, ...]
    unfinished: int
    tables: tuple[str, ...]
    models: tuple[str, ...]
    others: tuple[str, ...]
    backups: tuple[str, ...]

    @property
    def records(self) -> int:
        """All records of the person."""
        return sum(hit.records for hit in self.hits)

    def summary(self) -> str:
        """Says what would be touched."""
        raw = [hit for hit in self.hits if hit.records]
        told = (
            f"{self.dataset}: {counted(self.records, 'record')} in "
            f"{counted(len(raw), 'object')} of bronze or landing would be erased"
        )
        if self.hits and not raw:
            kept = ", ".join(hit.source_key for hit in self.hits)
            told = f"{self.dataset}: {kept} still has rows of theirs, which are in no raw file"
        if self.unfinished:
            told = f"{told}; erasure {self.unfinished} was begun and would be finished"
        told = f"{told}. All snapshots but the present one of {', '.join(self.tables)} would go"
        if self.models:
            told += f"; {', '.join(self.models)} would be looked through and predicted anew"
        if self.backups:
            told += f"; the backups {', '.join(self.backups)} would be removed"
        return f"{told}. Nothing was changed."

    def facts(self) -> Mapping[str, object]:
        """Returns everything but the person."""
        return {**asdict(self), "records": self.records}


@dataclass(frozen=True)
class Erased(Result):
    """A person who was forgotten.

    Attributes:
        erasure: Its number in the ledger.
        dataset: The dataset.
        records: Records that went out of bronze.
        partitions: Partitions of silver that were published without the person.
        tables: Tables that have no past any more.
        files: Files of tables that were deleted.
        retired: Versions that were deleted, by model.
        blotted: Entries of databases and files that were blotted out.
        others: Datasets that refer to this one.
        left: What could not be erased, as full sentences.
    """

    erasure: int
    dataset: str
    records: int
    partitions: tuple[str, ...]
    tables: tuple[str, ...]
    files: int
    retired: Mapping[str, tuple[int, ...]]
    blotted: int
    others: tuple[str, ...]
    left: tuple[str, ...] = ()

    def summary(self) -> str:
        """Counts what went, and says what a person has to do elsewhere."""
        told = (
            f"{self.dataset}: erasure {self.erasure} took out {counted(self.records, 'record')}, "
            f"{counted(len(self.partitions), 'partition')} were published anew, "
            f"{counted(self.files, 'file')} of {', '.join(self.tables)} deleted"
        )
        for model, versions in self.retired.items():
            listed = ", ".join(map(str, versions))
            told += f"; {model} lost version {listed}: `lakehouse run` trains it anew"
        if self.others:
            told += f"; look in {', '.join(self.others)}, which refer to {self.dataset}"
        return f"{told}. Their producer, exported copies and backups elsewhere are yours to clear."

    def facts(self) -> Mapping[str, object]:
        """Returns everything but the person."""
        return asdict(self)

    def refusals(self) -> tuple[str, ...]:
        """Returns what could not be erased."""
        return self.left


def touched_tables(dataset: str, found: Derived) -> tuple[str, ...]:
    """Returns the tables that have rows of a dataset or were made from them."""
    return (f"silver.{dataset}", f"quarantine.{dataset}", *found.gold, *found.tables)
