"""The workflow of one dataset: from what is stale to what readers see."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from lakehouse import faults, tables
from lakehouse.admitting import View, look, read_new
from lakehouse.catalog import Proposal, attempts
from lakehouse.contract import stamp
from lakehouse.errors import PublishConflict
from lakehouse.ingestion import refusing
from lakehouse.ingestion.accounting import book
from lakehouse.ingestion.auditing import Audit, audit
from lakehouse.ingestion.bringing import Brought, done, left
from lakehouse.ingestion.evolving import note, prepare
from lakehouse.ingestion.files import Files
from lakehouse.ingestion.remembering import judgements, shown
from lakehouse.ingestion.result import PartitionOutcome, Refreshed
from lakehouse.ingestion.writing import fresh_unassigned, write
from lakehouse.lake import Lake
from lakehouse.ledger import Entry, Judgement
from lakehouse.planning import totals
from lakehouse.planning.holds import silver_hold
from lakehouse.planning.silver import SilverState
from lakehouse.privacy import require_key
from lakehouse.publishing import Draft, discard, propose, publish
from lakehouse.results import UNASSIGNED, Check

Progress = Callable[[str], None]
_ATTEMPTS = 5
_REBASES = 60
"""Other partitions that may be published while one waits for its turn."""


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
        BreakingChange: The contract breaks what readers of the published table were promised.
        SettingsError: The contract hashes columns and no usable key is set.
        PublishConflict: Other runs kept publishing the same partitions.
    """
    started = time.monotonic()
    contract = lake.contract(dataset)
    require_key(contract, lake.settings)
    prepare(lake, contract)
    faults.reach("refresh.prepared")
    known = {decision.number for decision in lake.ledger.read().decisions}
    read_new(lake, contract)
    brought = Brought()
    for attempt in range(_ATTEMPTS):
        view = look(lake, contract)
        targets = _targets(view.state, partitions)
        if not targets:
            break
        try:
            brought = _bring(view, targets, partitions, run)
            break
        except PublishConflict:
            # nothing was published; what the other run did decides what is still stale
            if attempt == _ATTEMPTS - 1:
                raise
    result = _result(look(lake, contract), brought, known)
    progress(f"{result.summary()} ({time.monotonic() - started:.1f} s)")
    return result


def _targets(state: SilverState, partitions: Collection[str] | None) -> list[str]:
    stale = list(state.stale)
    if partitions is None:
        return stale
    return [name for name in stale if name in partitions or name == UNASSIGNED]


def _bring(
    view: View, targets: Sequence[str], partitions: Collection[str] | None, run: str
) -> Brought:
    files = write(view, targets, run)
    faults.reach("refresh.written")
    if files.excesses:
        refusing.refuse_excesses(view, files.excesses)
        faults.reach("refusing.excesses")
        return _again(view, Brought(left(view, targets)), partitions, run)
    for last in attempts(_REBASES):
        try:
            brought = _show(view, targets, files, run)
            break
        except PublishConflict:
            after = look(view.lake, view.contract)
            if last or _decided(after, targets) != _decided(view, targets):
                raise
            # only other partitions were published: the same files go onto what is there now
            view = after
    if all(outcome.published for outcome in brought.outcomes):
        return brought
    return _again(view, brought, partitions, run)


def _again(view: View, brought: Brought, partitions: Collection[str] | None, run: str) -> Brought:
    """Brings back what refused deliveries had replaced, also where they have no rows themselves.

    That is not in the files. Each round refuses at least one delivery more, so that it ends.
    """
    read_new(view.lake, view.contract)
    after = look(view.lake, view.contract)
    due = _targets(after.state, partitions)
    if not due:
        return brought
    try:
        return brought.then(_bring(after, due, partitions, run))
    except PublishConflict:
        if not any(outcome.published for outcome in brought.outcomes):
            raise
        return brought  # what was published is told, and the next run does the rest


def _decided(view: View, targets: Sequence[str]) -> object:
    """Returns all that decides what is written, and whether it is to be published."""
    state = view.state
    known = [
        (state.inputs.get(name), state.held.get(name), state.stale.get(name)) for name in targets
    ]
    return known, state.accepted, state.erased, view.books.rolled(state.dataset)


def _show(
    view: View,
    targets: Sequence[str],
    files: Files,
    run: str,
) -> Brought:
    """Judges the files on a branch and publishes the partitions that pass."""
    judged = [name for name in targets if _is_judged(view, name)]
    outcomes: tuple[PartitionOutcome, ...] = ()
    proposals = _propose(view, targets, files, run)
    faults.reach("refresh.proposed")
    try:
        found = audit(view, proposals[0], judged, files.counts)
        faults.reach("refresh.audited")
        refused = _refused(view, found)
        verdicts = judgements(view, found, run, refused)
        if refused:
            discard(view.lake, proposals)
            faults.reach("refusing.discarded")
            view.lake.ledger.append([verdict for verdict in verdicts if not verdict.published])
            faults.reach("refusing.judged")
            evidence = {name: found.evidence(name) for name in refused}
            refusing.refuse_partitions(view, evidence, files.counts, found.inadmissible)
            faults.reach("refusing.booked")
            outcomes += left(view, refused)
            targets = [name for name in targets if name not in refused]
            if not targets:
                return Brought(outcomes, shown(view, verdicts, found.checks))
            proposals = _propose(view, targets, files, run)
        _publish(view, targets, files, proposals, verdicts)
        faults.reach("refresh.published")
    except PublishConflict:
        discard(view.lake, proposals)
        raise
    apart = sum(c.quarantined for c in files.counts if c.partition == UNASSIGNED)
    return Brought(
        outcomes + done(view, targets, files),
        shown(view, verdicts, found.checks),
        apart if UNASSIGNED in targets else 0,
    )


def _is_judged(view: View, partition: str) -> bool:
    """Returns whether a partition has to pass the audit.

    One that loses its last row is judged where a file without a single row took them, or where the
    contract says how many there should be; a stray row may leave the month it never belonged to.
    """
    if partition == UNASSIGNED:
        return False
    if view.state.wanted.get(partition):
        return True
    fresh = view.state.fresh(partition)
    rows = {d.number: view.state.records.get(d.sha256, {}) for d in view.state.active}
    empty = any(not any(rows.get(number, {}).values()) for number in fresh)
    return bool(fresh) and (empty or view.contract.counts_rows)


def _propose(view: View, targets: Sequence[str], files: Files, run: str) -> tuple[Proposal, ...]:
    """Puts the targets on a branch of both tables; first the rows, then the broken ones."""
    contract = view.contract
    named = [name for name in targets if name != UNASSIGNED]
    unassigned = fresh_unassigned(view) if UNASSIGNED in targets else frozenset()
    rows = tuple(files.silver[name] for name in named if name in files.silver)
    broken = tuple(
        url
        for (name, delivery), url in sorted(files.quarantine.items())
        if name in named or (name == UNASSIGNED and delivery in unassigned)
    )
    drafts = [
        Draft(contract.table, rows, tables.silver_rows(contract, named), stamp(contract)),
        Draft(
            contract.quarantine, broken, tables.quarantine_rows(named, unassigned), stamp(contract)
        ),
    ]
    return propose(view.lake, drafts, run)


def _refused(view: View, found: Audit) -> list[str]:
    """Partitions that failed, less those that are published all the same.

    These are the ones whose new deliveries a person may and did accept, and the ones from which
    rows were erased: readers would else go on seeing them.
    """

    def admitted(name: str) -> bool:
        fresh, final = view.state.fresh(name), name in found.inadmissible
        if not fresh and name in view.state.erased:
            return True
        blamed = fresh or view.state.wanted.get(name, frozenset())
        return not final and blamed <= view.state.accepted

    return [name for name in found.report.failed_partitions if not admitted(name)]


def _publish(
    view: View,
    targets: Sequence[str],
    files: Files,
    proposals: Sequence[Proposal],
    verdicts: Sequence[Judgement],
) -> None:
    accounts = book(view, targets, files, (proposals[0].snapshot, proposals[0].sequence))
    before = {name: view.state.held.get(name) for name in targets}

    def entries() -> Sequence[Entry]:
        now = look(view.lake, view.contract)
        if now.books.replacements != view.books.replacements:
            why = "a person's records were erased during the audit"
            raise PublishConflict([view.contract.table], why)
        if now.state.withdrawn != view.state.withdrawn:
            raise PublishConflict([view.contract.table], "a delivery was withdrawn meanwhile")
        if {name: now.state.held.get(name) for name in targets} != before:
            why = "another run published the same partitions"
            raise PublishConflict([view.contract.table], why)
        if now.books.rolled(view.contract.dataset) != view.books.rolled(view.contract.dataset):
            # also where readers see again what the branch was made from
            raise PublishConflict([view.contract.table], "it was rolled back or released meanwhile")
        return [*accounts, *(verdict for verdict in verdicts if verdict.published)]

    publish(view.lake, proposals, entries, lambda table: note(table, view.contract))


def _files(view: View) -> tuple[Check, ...]:
    """Judges whether each partition that is over has the files that its producer is to send."""
    now = view.lake.settings.clock()
    return totals.checks(view.contract, totals.files(view.state, view.contract, view.books, now))


def _result(view: View, brought: Brought, known: Collection[int]) -> Refreshed:
    state = view.state
    refused = tuple(dict.fromkeys(d.reason for d in state.refused if d.number not in known))
    held = {name: held.rows for name, held in state.held.items() if name != UNASSIGNED}
    return Refreshed(
        dataset=state.dataset,
        outcomes=tuple(sorted(brought.outcomes, key=lambda outcome: outcome.name)),
        judgements=brought.checks + (_files(view) if brought.outcomes else ()),
        refused=refused,
        snapshot=view.books.refs.snapshot(view.contract.table),
        rows=sum(held.values()),
        held=held,
        unassigned=brought.unassigned,
        hold=silver_hold(view.books, state),
    )
