"""Which files carry control totals, which data file each is for, and which files are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import PurePosixPath

from lakehouse.contract import Contract, Partition, Totals
from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.planning.retention import is_past
from lakehouse.planning.silver import SilverState
from lakehouse.results import Check

FILES = "expected_files"
"""Name of the check that counts the files of each partition."""
_PACKED = (".gz", ".zst", ".zip")


def side_key(totals: Totals, key: str) -> str:
    """Returns the name of the file with the control totals of a data file, in the same folder.

    >>> side_key(Totals("{name}.totals.json"), "2013/flights_2013-04.csv.gz")
    '2013/flights_2013-04.csv.gz.totals.json'
    >>> side_key(Totals("{stem}.json"), "flights_v1.2.csv.gz")
    'flights_v1.2.json'
    """
    path = PurePosixPath(key)
    stem = path.with_suffix("").name if path.suffix in _PACKED else path.name
    told = (totals.side_file or "").format(name=path.name, stem=PurePosixPath(stem).stem)
    return str(path.with_name(told))


def is_side(totals: Totals | None, key: str) -> bool:
    """Returns whether a file carries control totals and is no data.

    >>> is_side(Totals("{name}.totals.json"), "2013/a.csv.totals.json")
    True
    """
    if totals is None or totals.side_file is None:
        return False
    name = re.escape(totals.side_file)
    for place in ("name", "stem"):
        name = name.replace(re.escape(f"{{{place}}}"), "(.+)")
    return re.fullmatch(name, PurePosixPath(key).name) is not None


def files(state: SilverState, contract: Contract, books: Books, now: datetime) -> dict[str, int]:
    """Returns how many files touch each partition that is over by the clock.

    Files of refused and withdrawn deliveries do not count. Nothing is returned where the contract
    does not say how many to expect.
    """
    if contract.totals is None or contract.totals.files is None or contract.partition is None:
        return {}
    keys = {delivery.number: delivery.source_key for delivery in books.delivered(contract.dataset)}
    return {
        name: len({keys[number] for number in state.wanted.get(name, frozenset())})
        for name in _over(contract.partition, now)
        if not is_past(contract, name, now)
    }


def checks(contract: Contract, found: Mapping[str, int]) -> tuple[Check, ...]:
    """Returns one warning for each partition that lacks files, and one pass for each other."""
    expected = contract.totals.files if contract.totals else None
    return tuple(
        Check(
            name=FILES,
            passed=count >= (expected or 0),
            severity="warning",
            description=f"{contract.dataset} [{name}]: {count} of {expected} expected files",
            facts={"observed": count, "expected": expected},
            partition=name,
        )
        for name, count in found.items()
    )


def missing(contract: Contract, found: Mapping[str, int]) -> tuple[str, ...]:
    """Returns in words which partitions lack files, neighbours with equally many together."""
    expected = (contract.totals.files if contract.totals else None) or 0
    runs = [(count, [name for name, _ in run]) for count, run in groupby(found.items(), _count)]
    return tuple(
        f"{contract.dataset} [{named(names)}]: {count} of {expected} expected files"
        + (" each" if len(names) > 1 else "")
        for count, names in runs
        if count < expected
    )


def lacking(lake: Lake, books: Books) -> tuple[str, ...]:
    """Returns in words which partitions of any dataset lack files."""
    now = lake.settings.clock()
    return tuple(
        told
        for contract in lake.contracts.values()
        for told in missing(
            contract, files(SilverState(books, contract, now), contract, books, now)
        )
    )


def named(partitions: Sequence[str]) -> str:
    """Returns a range of partitions in few words.

    >>> named(["2013-04"]), named(["2013-04", "2013-05", "2013-06"])
    ('2013-04', '2013-04 … 2013-06')
    """
    return partitions[0] if len(partitions) == 1 else f"{partitions[0]} … {partitions[-1]}"


def _count(item: tuple[str, int]) -> int:
    return item[1]


def _over(partition: Partition, now: datetime) -> Iterator[str]:
    """Yields the partitions from the contract's first to the last that is over."""
    first, after = partition.bounds(partition.name(partition.start))
    while after <= now.date():
        yield partition.name(first)
        first, after = partition.bounds(partition.name(after))
