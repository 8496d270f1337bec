"""What is refused, why, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lakehouse.admitting import record
from lakehouse.conforming import Count, Excess
from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.planning.silver import SilverState


def refuse_excesses(
    lake: Lake, contract: Contract, state: SilverState, books: Books, excesses: Sequence[Excess]
) -> None:
    """Records deliveries with more broken rows than the contract allows."""
    record(
        lake,
        contract,
        [
            (excess.delivery.number, "", excess.rows, _excess(contract, state, books, excess))
            for excess in excesses
        ],
    )


def refuse_partitions(
    lake: Lake,
    contract: Contract,
    state: SilverState,
    books: Books,
    evidence: dict[str, str],
    counts: Sequence[Count],
) -> None:
    """Records partitions that failed the audit: the deliveries new to each are set aside.

    Where no delivery is new (a contract or reference changed), the partition as a whole is held.
    """
    entries = []
    for partition, why in evidence.items():
        held = state.held.get(partition)
        fresh = state.wanted[partition] - (held.deliveries if held else frozenset())
        told = _partition(contract, state, books, partition, why, fresh)
        rows = {c.delivery: c.rows for c in counts if c.partition == partition}
        entries += [(number, partition, rows.get(number, 0), told) for number in sorted(fresh or {0})]
    record(lake, contract, entries)


def readers(contract: Contract, state: SilverState, books: Books, partitions: Collection[str]) -> str:
    """Returns what readers still see, as a sentence."""
    snapshot = books.refs.snapshot(contract.table)
    rows = sum(state.held[name].rows for name in partitions if name in state.held)
    if not rows or snapshot is None:
        return "Readers see no rows of it, as before."
    return f"Readers still see {rows:,} rows of snapshot {snapshot}."


def _excess(contract: Contract, state: SilverState, books: Books, excess: Excess) -> str:
    number = excess.delivery.number
    touched = [name for name, numbers in state.wanted.items() if number in numbers]
    named = [name for name in touched if contract.partition and name in state.wanted]
    return (
        f"{contract.table} [{', '.join(named) or 'all'}] was not published: {excess.quarantined:,} of "
        f"{excess.rows:,} rows of {excess.delivery.label} are broken ({excess.quarantined / excess.rows:.0%}), "
        f"{excess.most:,} by `{excess.rule}`, limit {contract.limit:.0%}. "
        f"{readers(contract, state, books, touched)} "
        f"See them: `lakehouse quarantine {contract.dataset} --delivery {number}`. "
        f"Take it anyway: `lakehouse accept {number} --by … --note …`."
    )


def _partition(
    contract: Contract,
    state: SilverState,
    books: Books,
    partition: str,
    why: str,
    fresh: Collection[int],
) -> str:
    labels = {d.number: d.label for d in books.delivered(contract.dataset)}
    aside = ", ".join(labels[number] for number in sorted(fresh))
    numbers = " ".join(str(number) for number in sorted(fresh))
    what_next = (
        f"Set aside: {aside}. Take it anyway: `lakehouse accept {numbers} --by … --note …`."
        if fresh
        else f"Mend the contract, or try again with `lakehouse replay {contract.dataset}`."
    )
    return (
        f"{contract.table} [{partition}] was not published: {why}. "
        f"{readers(contract, state, books, [partition])} {what_next}"
    )
