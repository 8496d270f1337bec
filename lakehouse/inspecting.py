"""Finds out which partitions an object touches, once per object and contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb

from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery, Inspection
from lakehouse.reading import csv
from lakehouse.reading.structure import Structure, examine
from lakehouse.results import UNASSIGNED, WHOLE
from lakehouse.storage import local_path

Rows = Mapping[str, int]
"""Rows by partition name."""


def inspect(
    lake: Lake, contract: Contract, deliveries: Sequence[Delivery]
) -> tuple[Inspection, ...]:
    """Returns for each object how many rows it has in each partition, or why it is unreadable."""
    objects = {delivery.object: delivery for delivery in deliveries}
    structures: dict[str, Structure] = {}
    entries: list[Inspection] = []
    for url, delivery in objects.items():
        try:
            with lake.storage.open(url) as stream:
                structures[url] = examine(stream, contract, delivery.source_key)
        except UnreadableObject as error:
            entries.append(_entry(contract, delivery, "", 0, error.message()))
    with lake.connect(tables=False) as connection:
        for url, rows in _touches(lake, connection, contract, objects, structures).items():
            # a file without rows is still known to have been looked at
            counted = rows or {UNASSIGNED if contract.partition else WHOLE: 0}
            entries += [_entry(contract, objects[url], n, k) for n, k in sorted(counted.items())]
    return tuple(entries)


def _touches(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    objects: Mapping[str, Delivery],
    structures: Mapping[str, Structure],
) -> dict[str, Rows]:
    plain = [url for url, structure in structures.items() if structure.plain]
    quick = _count_typed(connection, contract, plain) if plain else {}
    found: dict[str, Rows] = {}
    for url, structure in structures.items():
        rows = quick.get(url, {})
        if structure.plain and sum(rows.values()) == structure.lines:
            found[url] = rows
        else:
            found[url] = _count_explained(lake, connection, contract, objects[url])
    return found


def _count_typed(
    connection: duckdb.DuckDBPyConnection, contract: Contract, urls: Sequence[str]
) -> dict[str, Rows]:
    """Rows that parse, by file and partition; a file with rejects is left out."""
    found = connection.execute(
        f"SELECT __object, {label_sql(contract)} AS label, count(*) "
        f"FROM ({csv.typed(contract, urls)}) GROUP BY ALL"
    ).fetchall()
    dirty = csv.rejected(connection)
    by_path = {local_path(url): url for url in urls}
    counts: dict[str, dict[str, int]] = {url: {} for url in urls}
    for path, first, rows in found:
        counts[by_path[path]][partition_name(contract, first)] = rows
    return {url: rows for url, rows in counts.items() if local_path(url) not in dirty}


def _count_explained(
    lake: Lake, connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: Delivery
) -> Rows:
    with lake.storage.open(delivery.object) as stream:
        data = stream.read()
    query = csv.explained(connection, contract, delivery.object, delivery.source_key, data)
    found = connection.execute(
        f"SELECT {label_sql(contract)} AS label, count(*) FROM ({query}) GROUP BY ALL"
    ).fetchall()
    return {partition_name(contract, first): rows for first, rows in found}


def label_sql(contract: Contract) -> str:
    """Returns SQL that says which partition a row belongs to; null where none can be told."""
    return contract.partition.label if contract.partition else f"'{WHOLE}'"


def partition_name(contract: Contract, label: date | str | None) -> str:
    """Returns the partition's name from what `label_sql` gave."""
    if isinstance(label, str):
        return label
    if label is None or contract.partition is None:
        return UNASSIGNED
    return contract.partition.name(label)


def _entry(
    contract: Contract, delivery: Delivery, partition: str, records: int, unreadable: str = ""
) -> Inspection:
    return Inspection(
        contract.dataset, delivery.sha256, contract.fingerprint, partition, records, unreadable
    )
