"""Which partitions the rows of each object are in, as inspections found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from lakehouse.contract import Contract
from lakehouse.ledger import Books
from lakehouse.results import UNASSIGNED, WHOLE


def records(books: Books, contract: Contract) -> Mapping[str, Mapping[str, int]]:
    """Returns rows by partition of every object, by its sha256.

    Until an object is inspected under a changed contract, what was found before tells which
    partitions it probably touches.
    """
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for entry in books.inspections:
        if entry.dataset == contract.dataset:
            found[entry.sha256][entry.fingerprint][entry.partition] = entry.records
    return {
        sha256: _assigned(
            contract, by_contract.get(contract.fingerprint) or list(by_contract.values())[-1]
        )
        for sha256, by_contract in found.items()
    }


def _assigned(contract: Contract, rows: Mapping[str, int]) -> Mapping[str, int]:
    """Returns rows by partition, those after the last with the rows that have none."""
    cut, special = contract.partition, ("", UNASSIGNED, WHOLE)
    late = [name for name in rows if cut and name not in special and cut.is_late(name)]
    if not late:
        return rows
    kept = {name: count for name, count in rows.items() if name not in late}
    return {**kept, UNASSIGNED: kept.get(UNASSIGNED, 0) + sum(rows[name] for name in late)}
