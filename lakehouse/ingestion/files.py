"""The files of a run in the tables' folders; nothing refers to them yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from lakehouse import faults
from lakehouse.admitting import View
from lakehouse.conforming import Broken, Count, Excess
from lakehouse.connection import quote_text
from lakehouse.publishing import data_url
from lakehouse.storage import local_path


@dataclass
class Files:
    """What was written in a run, by partition; grows batch by batch.

    Attributes:
        silver: File of each partition that has rows.
        quarantine: File of each (partition, delivery) that has broken rows.
        counts: Where each delivery's rows went.
        excesses: Deliveries with too many broken rows.
    """

    silver: dict[str, str] = field(default_factory=dict)
    quarantine: dict[tuple[str, int], str] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    excesses: list[Excess] = field(default_factory=list)

    def take(self, others: Files) -> None:
        """Adds what another worker has written."""
        self.silver |= others.silver
        self.quarantine |= others.quarantine
        self.counts += others.counts
        self.excesses += others.excesses


def fresh_file(view: View, table: str, name: str) -> str:
    """Returns the URL of a new file in a table's folder, which is there."""
    url = data_url(view.books.refs.tables[table], name)
    if url.startswith("file://"):
        Path(local_path(url)).parent.mkdir(parents=True, exist_ok=True)
    return url


def copy(connection: duckdb.DuckDBPyConnection, query: str, url: str) -> None:
    """Writes the rows of a query to a Parquet file."""
    target = quote_text(local_path(url))
    connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)")


def write_broken(
    view: View,
    connection: duckdb.DuckDBPyConnection,
    broken: Broken,
    counts: Iterable[Count],
    files: Files,
    *,
    run: str,
) -> None:
    """Writes the broken rows, a file for each partition and delivery that has some."""
    for count in counts:
        if count.quarantined:
            name = f"{count.partition}-{count.delivery}"
            url = fresh_file(view, view.contract.quarantine, name)
            copy(connection, broken.rows(count.partition, count.delivery, run), url)
            files.quarantine[count.partition, count.delivery] = url
            faults.reach("conforming.broken")
