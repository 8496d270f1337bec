"""Writes conformed partitions into the tables' folders; nothing refers to the files yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lakehouse import faults
from lakehouse.admitting import View
from lakehouse.conforming import Staging
from lakehouse.connection import quote_text
from lakehouse.ingestion.files import Files, copy, fresh_file, write_broken
from lakehouse.ingestion.short_cuts import short_cuts
from lakehouse.ledger import Books, Delivery
from lakehouse.planning.silver import SilverState
from lakehouse.results import UNASSIGNED

_BATCH = 96 * 1024 * 1024
"""Bytes of input that are staged at once, so that memory does not grow with the table."""


def write(view: View, targets: Sequence[str], run: str) -> Files:
    """Conforms and writes the target partitions, each in bounded memory.

    Most go straight from file to file, several at a time; the rest is staged, in batches.
    """
    files = Files()
    numbered = {d.number: d for d in view.books.delivered(view.contract.dataset)}
    done = short_cuts(view, targets, numbered, files, run)
    left = [name for name in targets if name not in done]
    numbered = {n: d for n, d in numbered.items() if n not in _touching(view.state, done)}
    for partitions in _batches(view.state, left, numbered):
        _stage(view, partitions, numbered, files, run=run)
    return files


def _stage(
    view: View,
    partitions: Sequence[str],
    numbered: Mapping[int, Delivery],
    files: Files,
    *,
    run: str,
) -> None:
    pinned = {
        ref.dataset: _scan(view.books, f"silver.{ref.dataset}") for ref in view.contract.pinned
    }
    touching = sorted(_touching(view.state, partitions) & numbered.keys())
    with view.lake.connect(tables=bool(pinned)) as connection:
        staging = Staging(view.lake, connection, view.contract, pinned)
        deliveries = [numbered[number] for number in touching]
        named = {*partitions, UNASSIGNED}
        wanted = {name: view.state.wanted.get(name, frozenset()) for name in named}
        conformed = staging.conform(deliveries, wanted, view.state.admitted)
        files.counts += conformed.counts
        files.excesses += conformed.excesses
        for partition in sorted({c.partition for c in conformed.counts if c.published}):
            url = fresh_file(view, view.contract.table, partition)
            copy(connection, staging.valid_rows(partition), url)
            files.silver[partition] = url
            faults.reach("conforming.written")
        write_broken(view, connection, staging.broken, conformed.counts, files, run=run)


def fresh_unassigned(view: View) -> frozenset[int]:
    """Returns the deliveries whose unassigned rows must be written or removed."""
    want = view.state.wanted.get(UNASSIGNED, frozenset())
    held = view.state.held.get(UNASSIGNED)
    if held is None:
        return want
    same = all(account.fingerprint == view.contract.fingerprint for account in held.accounts)
    if not same:
        return want | held.deliveries
    return (want ^ held.deliveries) | view.state.erased.get(UNASSIGNED, frozenset())


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
        weight = sum(numbered[n].size for n in _touching(state, group) & numbered.keys())
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
