"""Partitions that need no staging, written by several workers at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from lakehouse import faults
from lakehouse.admitting import View
from lakehouse.conforming import Straight
from lakehouse.ingestion.files import Files, fresh_file, write_broken
from lakehouse.ledger import Delivery
from lakehouse.results import UNASSIGNED
from lakehouse.storage import local_path


def short_cuts(
    view: View, targets: Sequence[str], numbered: Mapping[int, Delivery], files: Files, run: str
) -> set[str]:
    """Writes the target partitions whose files are theirs alone; returns those that it could.

    A worker has a DuckDB of its own: one file of a month keeps one core busy, not more.
    """
    waiting: SimpleQueue[str] = SimpleQueue()
    alone = list(_alone(view, targets, numbered))
    for name in alone:
        waiting.put(name)
    workers = min(view.lake.settings.cores, len(alone))
    if not workers:
        return set()
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(_work, view, waiting, numbered, run, workers) for _ in range(workers)]
        for job in jobs:
            files.take(job.result())
    return {count.partition for count in files.counts if count.partition != UNASSIGNED}


def _alone(view: View, targets: Sequence[str], numbered: Mapping[int, Delivery]) -> Iterator[str]:
    """Yields the targets none of whose deliveries touches another partition."""
    if view.contract.pinned or view.contract.history:
        return
    for name in targets:
        wanted = view.state.wanted.get(name, frozenset())
        touched = {
            other
            for number in wanted
            for other, rows in view.state.records.get(numbered[number].sha256, {}).items()
            if rows
        }
        if wanted and name != UNASSIGNED and touched <= {name, UNASSIGNED}:
            yield name


def _work(
    view: View, waiting: SimpleQueue[str], numbered: Mapping[int, Delivery], run: str, workers: int
) -> Files:
    """Writes partitions until none is waiting."""
    files = Files()
    with view.lake.connect(tables=False, share=workers) as connection:
        straight = Straight(view.lake, connection, view.contract)
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return files
            deliveries = [numbered[n] for n in sorted(view.state.wanted[name])]
            url = fresh_file(view, view.contract.table, name)
            counts = straight.write(name, deliveries, local_path(url), view.state.admitted)
            if counts is None:
                if view.lake.storage.exists(url):
                    view.lake.storage.remove(url)
                continue
            files.counts += counts
            if any(count.published for count in counts):
                files.silver[name] = url
                faults.reach("conforming.written")
            write_broken(view, connection, straight.broken, counts, files, run=run)
