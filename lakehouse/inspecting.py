"""Finds out which partitions an object touches, once per object and contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import duckdb

from lakehouse import reading
from lakehouse.contract import Contract
from lakehouse.errors import UnreadableObject
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery, Inspection
from lakehouse.reading import Source, Structure, unpack, values
from lakehouse.results import UNASSIGNED, WHOLE

_BATCH = 256 * 1024 * 1024
"""Bytes, packed, that are looked at together."""
_REJECTS = "__rejects"
Rows = Mapping[str, int]
"""Rows by partition name."""


def inspect(
    lake: Lake, contract: Contract, deliveries: Sequence[Delivery]
) -> tuple[Inspection, ...]:
    """Returns for each object how many rows it has in each partition, or why it is unreadable."""
    objects = {delivery.object: delivery for delivery in deliveries}
    batches = _batches(tuple(objects.values()))
    return tuple(entry for batch in batches for entry in _inspected(lake, contract, batch))


def _batches(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Cuts the deliveries so that what is unpacked at a time does not fill the disk."""
    batch: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        batch.append(delivery)
        size += delivery.size
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _inspected(
    lake: Lake, contract: Contract, deliveries: Sequence[Delivery]
) -> Iterator[Inspection]:
    with lake.scratch() as scratch, ThreadPoolExecutor(lake.settings.cores) as pool:

        def look(delivery: Delivery) -> tuple[Source, Structure] | str:
            try:
                url = lake.object_url(delivery.object)
                source = unpack(lake.storage, contract, url, delivery.source_key, scratch)
                return source, reading.reader(contract).examine(source, contract)
            except UnreadableObject as error:
                return error.message()

        seen = dict(zip(deliveries, pool.map(look, deliveries), strict=True))
        readable = {d.object: found for d, found in seen.items() if not isinstance(found, str)}
        sources = {name: source for name, (source, _) in readable.items()}
        structures = {name: structure for name, (_, structure) in readable.items()}
        with lake.connect(tables=False) as connection:
            touched = _touches(connection, contract, sources, structures)
        for delivery, found in seen.items():
            if isinstance(found, str):
                yield _entry(contract, delivery, "", 0, found)
                continue
            # a file without rows is still known to have been looked at
            none = {UNASSIGNED if contract.partition else WHOLE: 0}
            for name, rows in sorted((touched[delivery.object] or none).items()):
                yield _entry(contract, delivery, name, rows)


def _touches(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    sources: Mapping[str, Source],
    structures: Mapping[str, Structure],
) -> dict[str, Rows]:
    counted: dict[str, tuple[Counter[str], frozenset[int]]] = {}
    for utf8 in (True, False):
        plain = [url for url, s in structures.items() if s.plain and s.utf8 == utf8]
        if plain:
            listed = [sources[url] for url in plain]
            quick = _count_typed(connection, contract, listed, whole=not utf8)
            counted |= zip(plain, quick, strict=True)
    found: dict[str, Rows] = {}
    for url, structure in structures.items():
        rows, unread = counted.get(url, (Counter[str](), frozenset[int]()))
        if rows.total() + len(unread) != structure.records or not structure.plain:
            found[url] = _count_explained(connection, contract, sources[url])
        elif not unread:
            found[url] = rows
        elif structure.countable:
            found[url] = rows + _count_explained(connection, contract, sources[url], unread)
        else:
            found[url] = _count_explained(connection, contract, sources[url])
    return found


def _count_typed(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    sources: Sequence[Source],
    *,
    whole: bool,
) -> list[tuple[Counter[str], frozenset[int]]]:
    """Rows of each file by partition, and the ordinals of its records that do not parse.

    A record is rejected for a column that is no text only if that column is read: `whole` reads
    them all.
    """
    everything = f", max(hash({values.names(contract.columns)}))" if whole else ""
    reader, paths = reading.reader(contract), [source.path for source in sources]
    read = contract if whole else _narrowed(contract)
    found = connection.execute(
        f"SELECT __place, {label_sql(contract)} AS label, count(*){everything} "
        f"FROM ({reader.typed(read, paths, _REJECTS)}) GROUP BY ALL"
    ).fetchall()
    unread = reader.rejected(connection, _REJECTS)
    counts = [Counter[str]() for _ in sources]
    for place, first, rows, *_ in found:
        counts[place][partition_name(contract, first)] = rows
    return [(rows, unread.get(p, frozenset())) for p, rows in zip(paths, counts, strict=True)]


def _narrowed(contract: Contract) -> Contract:
    """The contract with only the columns that tell a row's partition, where files name columns.

    DuckDB leaves out by itself what is not asked of a table, but not of an object's text.
    """
    if contract.partition is None or contract.read.format not in ("json", "ndjson"):
        return contract
    column = contract.column(contract.partition.column)
    needed = {column.name, *column.sources}
    return replace(contract, columns=tuple(c for c in contract.columns if c.name in needed))


def _count_explained(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    source: Source,
    only: Collection[int] | None = None,
) -> Counter[str]:
    query = reading.reader(contract).explained(connection, contract, source, only)
    found = connection.execute(
        f"SELECT {label_sql(contract)} AS label, count(*) FROM ({query}) GROUP BY ALL"
    ).fetchall()
    return Counter({partition_name(contract, first): rows for first, rows in found})


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
