"""The short way of a partition: its files are its own, so their rows go straight into its file.

Nothing is staged. Files are parsed once and typed, rows that keep all rules stream into Parquet;
if some are missing there, they are found by counting, and only they are explained. Whatever does
not fit (a repeated key, a record that runs over lines) is left to `Staging`, which can do all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from lakehouse.conforming.broken import Broken, out_of_time
from lakehouse.conforming.result import Count
from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract
from lakehouse.inspecting import label_sql
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery
from lakehouse.privacy import prepare, selected
from lakehouse.reading import Source, Structure, reader, unpack
from lakehouse.results import UNASSIGNED
from lakehouse.rules import valid

_REJECTS = "__rejects"


@dataclass(frozen=True)
class _File:
    """One delivery's file as it was examined."""

    delivery: Delivery
    source: Source
    structure: Structure


class Straight:
    """Writes partitions of one dataset, one after the other, in one DuckDB connection."""

    def __init__(self, lake: Lake, connection: duckdb.DuckDBPyConnection, contract: Contract):
        """Prepares a connection that nothing else uses."""
        self._lake, self._connection, self._contract = lake, connection, contract
        self._reader = reader(contract)
        self.broken = Broken(connection, contract)
        prepare(connection, contract, lake.settings)

    def write(
        self,
        partition: str,
        deliveries: Sequence[Delivery],
        target: str,
        accepted: Collection[int] = (),
    ) -> tuple[Count, ...] | None:
        """Writes the valid rows of one partition to a Parquet file; `broken` has the others.

        Args:
            partition: Name of the partition.
            deliveries: All that belong in it, none of which touches another.
            target: Path or URL of the file.
            accepted: Deliveries that a person admits whatever their share of broken rows.

        Returns:
            Where each delivery's rows went; None if it takes `Staging` to tell, in which case
            `target` is of no use.
        """
        self.broken = Broken(self._connection, self._contract)
        if len({delivery.object for delivery in deliveries}) < len(deliveries):
            return None
        with self._lake.scratch() as scratch:
            files = [self._examined(delivery, scratch) for delivery in deliveries]
            if not all(file.structure.plain for file in files):
                return None
            written, rejected = self._copy(files, target)
            records = sum(file.structure.records for file in files)
            if written < records and not self._explain(files, rejected, records - written):
                return None
        if self._repeats(target):
            return None
        return self._counts(files, partition, accepted)

    def _examined(self, delivery: Delivery, scratch: Path) -> _File:
        url = self._lake.object_url(delivery.object)
        source = unpack(self._lake.storage, self._contract, url, delivery.source_key, scratch)
        return _File(delivery, source, self._reader.examine(source, self._contract))

    def _copy(
        self, files: Sequence[_File], target: str
    ) -> tuple[int, Mapping[str, frozenset[int]]]:
        """Writes the rows that are in order, in the order of their files."""
        typed = self._reader.typed(self._contract, [f.source.path for f in files], _REJECTS)
        copied = self._connection.execute(
            f"COPY (SELECT {selected(self._contract.published)} FROM ({typed}) "
            f"WHERE {self._valid()}) TO {quote_text(target)} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
        return int(copied[0][0]), self._reader.rejected(self._connection, _REJECTS)

    def _valid(self) -> str:
        """SQL for rows in order; it looks at all columns, for one not read is one not judged."""
        dropped = [
            f" AND length({quote_name(column.name)}) IS DISTINCT FROM -1"
            for column in self._contract.columns
            if column.treatment == "drop" and column.type == "VARCHAR"
        ]
        return (
            f"coalesce(__parsed AND {valid(self._contract)}, false) "
            f"AND {label_sql(self._contract)} IS NOT NULL{''.join(dropped)}"
        )

    def _explain(
        self, files: Sequence[_File], rejected: Mapping[str, frozenset[int]], missing: int
    ) -> bool:
        """Explains the records that were not written; False if they cannot be told for sure."""
        if not all(file.structure.countable for file in files):
            return False
        explained, unread = 0, sum(map(len, rejected.values()))
        for file in files:
            told = rejected.get(file.source.path, frozenset())
            ordinals = told if unread == missing else self._unwritten(file, told)
            if ordinals is None:
                return False
            if not ordinals:
                continue
            query = self._reader.explained(self._connection, self._contract, file.source, ordinals)
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE __explained AS SELECT * EXCLUDE (__reasons), "
                f"list_concat(__reasons, {out_of_time(self._contract)}) AS __reasons, "
                f"{label_sql(self._contract)} AS __label FROM ({query})"
            )
            self.broken.add("__explained", file.delivery)
            explained += len(ordinals)
        return explained == missing == sum(self.broken.counts().values())

    def _unwritten(self, file: _File, rejected: frozenset[int]) -> Collection[int] | None:
        """Returns the ordinals of the records that are not in order, or None where unsure."""
        typed = self._reader.typed(self._contract, [file.source.path], _REJECTS)
        found = self._connection.execute(
            f"SELECT count(*), list(place) FILTER (NOT ok) FROM (SELECT {self._valid()} AS ok, "
            f"row_number() OVER () AS place FROM ({typed}))"
        ).fetchall()
        rows, places = found[0]
        unread = self._reader.rejected(self._connection, _REJECTS).get(
            file.source.path, frozenset()
        )
        everything = np.arange(1, file.structure.records + 1)
        present = np.setdiff1d(everything, np.fromiter(unread, dtype=np.int64))
        if len(present) != rows:
            return None
        return {int(present[place - 1]) for place in places or ()} | unread | rejected

    def _repeats(self, target: str) -> bool:
        """Whether a key may be there twice; equal hashes of different keys only cost time."""
        if not self._contract.key:
            return False
        key = ", ".join(quote_name(name) for name in self._contract.key)
        found = self._connection.execute(
            f"SELECT count(*) > count(DISTINCT hash({key})) FROM read_parquet({quote_text(target)})"
        ).fetchall()
        return bool(found[0][0])

    def _counts(
        self, files: Sequence[_File], partition: str, accepted: Collection[int]
    ) -> tuple[Count, ...] | None:
        """Returns the counts, or None if a delivery has more broken rows than the contract allows.

        What is then left of the partition is written anew.
        """
        broken = self.broken.counts()
        counts = []
        for file in files:
            number, records = file.delivery.number, file.structure.records
            mine = {name: rows for (n, name), rows in broken.items() if n == number}
            bad = sum(mine.values())
            if bad > self._contract.limit * records and number not in accepted:
                return None
            if set(mine) - {partition, UNASSIGNED}:
                return None
            counts.append(Count(number, partition, records - bad, mine.get(partition, 0), 0, 0))
            if UNASSIGNED in mine:
                counts.append(Count(number, UNASSIGNED, 0, mine[UNASSIGNED], 0, 0))
        return tuple(counts)
