"""Writes conformed partitions into the tables' folders; nothing refers to the files yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pyiceberg.table import Table

from lakehouse.admitting import View
from lakehouse.conforming import Conformed, Count, Excess, Staging
from lakehouse.connection import quote_text
from lakehouse.ledger import Books, Delivery
from lakehouse.planning.silver import SilverState
from lakehouse.publishing import data_url
from lakehouse.results import UNASSIGNED
from lakehouse.storage import local_path

_BATCH = 96 * 1024 * 1024
"""Bytes of input that are staged at once, so that memory does not grow with the table."""


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


def write(view: View, targets: Sequence[str], run: str) -> Files:
    """Conforms and writes the target partitions in batches of bounded size."""
    files = Files()
    numbered = {d.number: d for d in view.books.delivered(view.contract.dataset)}
    pinned = {
        ref.dataset: _scan(view.books, f"silver.{ref.dataset}") for ref in view.contract.pinned
    }
    for partitions in _batches(view.state, targets, numbered):
        deliveries = [numbered[n] for n in sorted(_touching(view.state, partitions))]
        with view.lake.connect(tables=bool(pinned)) as connection:
            staging = Staging(view.lake, connection, view.contract, pinned)
            conformed = staging.conform(deliveries, partitions, view.state.accepted)
            files.counts += conformed.counts
            files.excesses += conformed.excesses
            _write_rows(view, connection, staging, conformed, files)
            _write_broken(view, connection, staging, conformed, files, run=run)
    return files


def fresh_unassigned(view: View) -> frozenset[int]:
    """Returns the deliveries whose unassigned rows must be written or removed."""
    want = view.state.wanted.get(UNASSIGNED, frozenset())
    held = view.state.held.get(UNASSIGNED)
    if held is None:
        return want
    same = all(account.fingerprint == view.contract.fingerprint for account in held.accounts)
    return want ^ held.deliveries if same else want | held.deliveries


def _write_rows(
    view: View,
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    conformed: Conformed,
    files: Files,
) -> None:
    table = view.books.refs.tables[view.contract.table]
    for partition in sorted({c.partition for c in conformed.counts if c.published}):
        rows = staging.valid_rows(partition)
        files.silver[partition] = _copy(connection, rows, table, partition)


def _write_broken(
    view: View,
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    conformed: Conformed,
    files: Files,
    *,
    run: str,
) -> None:
    table = view.books.refs.tables[view.contract.quarantine]
    for count in conformed.counts:
        if count.quarantined:
            rows = staging.broken_rows(count.partition, count.delivery, run)
            name = f"{count.partition}-{count.delivery}"
            file = _copy(connection, rows, table, name)
            files.quarantine[count.partition, count.delivery] = file


def _copy(connection: duckdb.DuckDBPyConnection, query: str, table: Table, name: str) -> str:
    url = data_url(table, name)
    if url.startswith("file://"):
        Path(local_path(url)).parent.mkdir(parents=True, exist_ok=True)
    target = quote_text(local_path(url))
    connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)")
    return url


def _scan(books: Books, name: str) -> str:
    table = books.refs.tables[name]
    snapshot = books.refs.snapshot(name)
    return f"iceberg_scan({quote_text(table.metadata_location)}, snapshot_from_id={snapshot})"


def _touching(state: SilverState, partitions: Iterable[str]) -> set[int]:
    return {n for name in partitions for n in state.wanted.get(name, frozenset())}


def _batches(
    state: SilverState, targets: Sequence[str], numbered: Mapping[int, Delivery]
) -> Iterator[list[str]]:
    """Cuts the targets into batches such that every delivery is in exactly one.

    A delivery's share of broken rows is judged over all of it, so partitions that share a delivery
    stay together; small groups are joined up to the batch size.
    """
    batch: list[str] = []
    size = 0
    for group in _linked(state, targets):
        weight = sum(numbered[n].size for n in _touching(state, group))
        if batch and size + weight > _BATCH:
            yield batch
            batch, size = [], 0
        batch += group
        size += weight
    if batch:
        yield batch


def _linked(state: SilverState, targets: Sequence[str]) -> list[list[str]]:
    """Groups of targets that share deliveries, in the targets' order."""
    groups: list[tuple[list[str], set[int]]] = []
    for name in targets:
        joined, numbers = [name], set(state.wanted.get(name, frozenset()))
        apart = []
        for group, theirs in groups:
            if theirs & numbers:
                joined, numbers = group + joined, numbers | theirs
            else:
                apart.append((group, theirs))
        groups = [*apart, (joined, numbers)]
    return [group for group, _ in groups]
