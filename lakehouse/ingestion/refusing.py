"""What is refused, why, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lakehouse.admitting import View, record
from lakehouse.conforming import Count, Excess


def refuse_excesses(view: View, excesses: Sequence[Excess]) -> None:
    """Records deliveries with more broken rows than the contract allows."""
    record(
        view,
        [(excess.delivery.number, "", excess.rows, _excess(view, excess)) for excess in excesses],
    )


def refuse_partitions(
    view: View, evidence: Mapping[str, str], counts: Sequence[Count], final: Collection[str]
) -> None:
    """Records partitions that failed the audit: the deliveries new to each are set aside.

    Where no delivery is new (a contract or reference changed), the partition as a whole is held.

    Args:
        view: The dataset as it was audited.
        evidence: Why each partition is refused.
        counts: Where each delivery's rows went.
        final: Those that no person's word admits.
    """
    entries = []
    for partition, why in evidence.items():
        fresh = view.state.fresh(partition)
        told = _partition(view, partition, why, fresh, final=partition in final)
        rows = {c.delivery: c.rows for c in counts if c.partition == partition}
        entries += [(n, partition, rows.get(n, 0), told) for n in sorted(fresh or {0})]
    record(view, entries)


def _readers(view: View, partitions: Collection[str]) -> str:
    """What readers still see, as a sentence."""
    snapshot = view.books.refs.snapshot(view.contract.table)
    rows = sum(view.state.held[name].rows for name in partitions if name in view.state.held)
    if not rows or snapshot is None:
        return "Readers see no rows of it, as before."
    return f"Readers still see {rows:,} rows of snapshot {snapshot}."


def _excess(view: View, excess: Excess) -> str:
    contract, number = view.contract, excess.delivery.number
    touched = [name for name, numbers in view.state.wanted.items() if number in numbers]
    return (
        f"{contract.table} [{', '.join(touched)}] was not published: "
        f"{excess.quarantined:,} of {excess.rows:,} rows of {excess.delivery.label} are broken "
        f"({excess.quarantined / excess.rows:.0%}), {excess.most:,} by rule `{excess.rule}`, "
        f"limit {contract.limit:.0%}. {_readers(view, touched)} "
        f"See them: `lakehouse quarantine {contract.dataset} --delivery {number}`. "
        f"Take it anyway: `lakehouse accept {number} --by … --note …`."
    )


def _partition(view: View, partition: str, why: str, fresh: Collection[int], *, final: bool) -> str:
    labels = {d.number: d.label for d in view.books.delivered(view.contract.dataset)}
    aside = ", ".join(labels[number] for number in sorted(fresh))
    numbers = " ".join(str(number) for number in sorted(fresh))
    what_next = f"Mend the contract, or try again with `lakehouse replay {view.contract.dataset}`."
    if fresh:
        take = f"Take it anyway: `lakehouse accept {numbers} --by … --note …`."
        what_next = f"Set aside: {aside}. {'Only the contract can admit it.' if final else take}"
    return (
        f"{view.contract.table} [{partition}] was not published: {why}. "
        f"{_readers(view, [partition])} {what_next}"
    )
