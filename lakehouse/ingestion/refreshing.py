"""The workflow of one dataset: from what is stale to what readers see."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from lakehouse import conforming, tables
from lakehouse.admitting import look, read_new
from lakehouse.catalog import Proposal
from lakehouse.contract import Contract
from lakehouse.errors import PublishConflict
from lakehouse.ingestion import refusing
from lakehouse.ingestion.auditing import Audit, audit
from lakehouse.ingestion.result import PartitionOutcome, Refreshed
from lakehouse.ingestion.writing import Files, fresh_unassigned, write
from lakehouse.lake import Lake
from lakehouse.ledger import Account, Books
from lakehouse.planning.silver import SilverState
from lakehouse.publishing import Draft, discard, propose, publish
from lakehouse.results import UNASSIGNED, Check

Progress = Callable[[str], None]
_ATTEMPTS = 5


def refresh(
    lake: Lake,
    dataset: str,
    partitions: Collection[str] | None = None,
    *,
    run: str,
    progress: Progress = lambda _: None,
) -> Refreshed:
    """Brings the partitions of one dataset up to date; those that are, stay untouched.

    Args:
        lake: The lake.
        dataset: Name of a declared dataset.
        partitions: Names of the partitions wanted; None means all that are stale.
        run: The run.
        progress: Told what happens.

    Raises:
        UnknownName: No contract declares the dataset.
        PublishConflict: Other runs kept publishing the same partitions.
    """
    started = time.monotonic()
    contract = lake.contract(dataset)
    lake.catalog.ensure(contract.table, tables.silver_schema(contract), tables.silver_spec(contract))
    lake.catalog.ensure(contract.quarantine, tables.quarantine_schema(), tables.quarantine_spec())
    known = {decision.number for decision in lake.ledger.read().decisions}
    read_new(lake, contract)
    brought = _Brought()
    for attempt in range(_ATTEMPTS):
        books, state = look(lake, contract)
        targets = _targets(state, partitions)
        if not targets:
            break
        try:
            brought = _bring(lake, contract, books, state, targets, run)
            break
        except PublishConflict:
            # nothing was published; what the other run did decides what is still stale
            if attempt == _ATTEMPTS - 1:
                raise
    result = _result(lake, contract, brought, known)
    progress(f"{result.summary()} ({time.monotonic() - started:.1f} s)")
    return result


@dataclass(frozen=True)
class _Brought:
    """What one attempt did."""

    outcomes: tuple[PartitionOutcome, ...] = ()
    checks: tuple[Check, ...] = ()
    unassigned: int = 0


def _targets(state: SilverState, partitions: Collection[str] | None) -> list[str]:
    stale = list(state.stale)
    if partitions is None:
        return stale
    return [name for name in stale if name in partitions or name == UNASSIGNED]


def _bring(
    lake: Lake, contract: Contract, books: Books, state: SilverState, targets: Sequence[str], run: str
) -> _Brought:
    files = write(lake, contract, books, state, targets, run)
    outcomes: tuple[PartitionOutcome, ...] = ()
    if files.excesses:
        refusing.refuse_excesses(lake, contract, state, books, files.excesses)
        _, after = look(lake, contract)
        still = set(after.stale)
        outcomes = tuple(
            _outcome(state, name, files, published=False)
            for name in targets
            if name not in still and name != UNASSIGNED
        )
        targets, state = [name for name in targets if name in still], after
    if not targets:
        return _Brought(outcomes)
    judged = [name for name in targets if state.wanted.get(name) and name != UNASSIGNED]
    proposals = _propose(lake, contract, books, state, targets, files, run)
    try:
        found = audit(lake, contract, books, proposals[0], judged, files.counts)
        refused = _refused(found, state)
        if refused:
            discard(lake, proposals)
            proposals = ()
            evidence = {name: found.evidence(name) for name in refused}
            refusing.refuse_partitions(lake, contract, state, books, evidence, files.counts)
            outcomes += tuple(_outcome(state, name, files, published=False) for name in refused)
            targets = [name for name in targets if name not in refused]
            if not targets:
                return _Brought(outcomes, found.checks)
            proposals = _propose(lake, contract, books, state, targets, files, run)
        _publish(lake, contract, books, state, targets, files, proposals)
    except PublishConflict:
        discard(lake, proposals)
        raise
    published = (n for n in targets if n != UNASSIGNED)
    outcomes += tuple(_outcome(state, name, files, published=True) for name in published)
    apart = sum(c.quarantined for c in files.counts if c.partition == UNASSIGNED)
    return _Brought(outcomes, found.checks, apart if UNASSIGNED in targets else 0)


def _propose(
    lake: Lake,
    contract: Contract,
    books: Books,
    state: SilverState,
    targets: Sequence[str],
    files: Files,
    run: str,
) -> tuple[Proposal, ...]:
    """Puts the targets on a branch of both tables; first the rows, then the broken ones."""
    named = [name for name in targets if name != UNASSIGNED]
    unassigned = fresh_unassigned(contract, state) if UNASSIGNED in targets else frozenset()
    stamp = {
        "lakehouse.contract-version": contract.version,
        "lakehouse.contract-fingerprint": contract.fingerprint,
    }
    rows = Draft(
        contract.table,
        tuple(files.silver[name] for name in named if name in files.silver),
        tables.silver_rows(contract, named),
        stamp,
    )
    broken = Draft(
        contract.quarantine,
        tuple(
            url
            for (name, delivery), url in sorted(files.quarantine.items())
            if name in named or (name == UNASSIGNED and delivery in unassigned)
        ),
        tables.quarantine_rows(named, unassigned),
        stamp,
    )
    return propose(lake, [rows, broken], run)


def _refused(found: Audit, state: SilverState) -> list[str]:
    """Partitions that failed, less those whose new deliveries a person has accepted."""
    failed = []
    for name in found.report.failed_partitions:
        held = state.held.get(name)
        fresh = state.wanted[name] - (held.deliveries if held else frozenset())
        if not fresh or not fresh <= state.accepted:
            failed.append(name)
    return failed


def _publish(
    lake: Lake,
    contract: Contract,
    books: Books,
    state: SilverState,
    targets: Sequence[str],
    files: Files,
    proposals: Sequence[Proposal],
) -> None:
    refs = lake.catalog.refs([contract.table])
    head = refs.tables[contract.table].snapshot_by_id(proposals[0].snapshot)
    sequence = (head.sequence_number if head else None) or 0
    unassigned = fresh_unassigned(contract, state) if UNASSIGNED in targets else frozenset()
    accounts = _accounts(contract, state, targets, unassigned, files, proposals[0].snapshot, sequence)
    before = {name: state.held.get(name) for name in targets}

    def entries() -> Sequence[Account]:
        _, now = look(lake, contract)
        if {name: now.held.get(name) for name in targets} != before:
            raise PublishConflict([contract.table], "another run published the same partitions")
        return accounts

    publish(lake, proposals, entries)


def _accounts(
    contract: Contract,
    state: SilverState,
    targets: Sequence[str],
    unassigned: Collection[int],
    files: Files,
    snapshot: int,
    sequence: int,
) -> list[Account]:
    counted = {(count.partition, count.delivery): count for count in files.counts}
    found = []
    for name in targets:
        deliveries = unassigned if name == UNASSIGNED else state.wanted.get(name, frozenset())
        # an emptied partition is booked too, with a line for no delivery
        for delivery in sorted(deliveries) or [0]:
            count = counted.get((name, delivery)) or conforming.Count(delivery, name, 0, 0, 0, 0)
            found.append(
                Account(
                    dataset=contract.dataset,
                    partition=name,
                    snapshot=snapshot,
                    sequence=sequence,
                    fingerprint=contract.fingerprint,
                    version=contract.version,
                    conform=conforming.VERSION,
                    delivery=delivery,
                    rows=count.rows,
                    published=count.published,
                    quarantined=count.quarantined,
                    duplicates=count.duplicates,
                    superseded=count.superseded,
                    pins=state.pins,
                )
            )
    return found


def _outcome(
    state: SilverState, name: str, files: Files, *, published: bool
) -> PartitionOutcome:
    reason = state.stale.get(name, "")
    held = state.held.get(name)
    if not published:
        return PartitionOutcome(name, False, reason, held.rows if held else 0)
    mine = [count for count in files.counts if count.partition == name]
    return PartitionOutcome(
        name=name,
        published=True,
        reason=reason,
        rows=sum(count.published for count in mine),
        quarantined=sum(count.quarantined for count in mine),
        duplicates=sum(count.duplicates for count in mine),
        superseded=sum(count.superseded for count in mine),
    )


def _result(
    lake: Lake,
    contract: Contract,
    brought: _Brought,
    known: Collection[int],
) -> Refreshed:
    books, state = look(lake, contract)
    refused = tuple(dict.fromkeys(d.reason for d in state.refused if d.number not in known))
    held: Mapping[str, int] = {n: h.rows for n, h in state.held.items() if n != UNASSIGNED}
    return Refreshed(
        dataset=contract.dataset,
        outcomes=tuple(sorted(brought.outcomes, key=lambda outcome: outcome.name)),
        judgements=brought.checks,
        refused=refused,
        snapshot=books.refs.snapshot(contract.table),
        rows=sum(held.values()),
        held=held,
        unassigned=brought.unassigned,
    )
