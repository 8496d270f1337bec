"""Forgetting a person: what is meant is booked first, what is left to do can be seen until done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lakehouse import backup, building, faults, ingestion
from lakehouse.admitting import look
from lakehouse.erasing import bronze, derived, keys, past, traces
from lakehouse.erasing.blotting import blot, touched
from lakehouse.erasing.person import Person
from lakehouse.erasing.result import Erased, touched_tables
from lakehouse.erasing.seeking import hits, others
from lakehouse.errors import UsageError
from lakehouse.lake import Lake
from lakehouse.landing import land
from lakehouse.ledger import Erasure
from lakehouse.locking import exclusive
from lakehouse.privacy import require_key

Progress = Callable[[str], None]
_QUOTING = ("ledger.decisions", "ledger.inspections", "ledger.verdicts")
_ATTEMPTS = 5


@dataclass(frozen=True)
class _Job:
    """One erasure at work."""

    lake: Lake
    person: Person
    run: str
    progress: Progress

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.person.contract.dataset


def forget(
    lake: Lake,
    person: Person,
    *,
    by: str,
    note: str,
    run: str,
    progress: Progress = lambda _: None,
) -> Erased:
    """Erases a person from a dataset, from all that was made of it, and from what tells of it.

    Killed at any moment, the next call with the same person completes it. One is done at a time.

    Args:
        lake: The lake.
        person: Whose rows go.
        by: Who decides.
        note: Why; must not name the person.
        run: The run.
        progress: Told what happens.

    Raises:
        UsageError: No record is the person's, or the note names them; nothing was changed.
        SettingsError: The contract hashes columns and no usable key is set.
        PublishConflict: Other runs kept publishing the same tables.
    """
    _check_said(person, by, note)
    require_key(person.contract, lake.settings)
    job = _Job(lake, person.published(lake.settings), run, progress)
    with exclusive(
        lake.settings.home / "forget.lock", lake.settings.catalog_uri, lake.settings.retries
    ):
        keys.throw_away(lake)
        begun = _begin(job, by, note)
        done = _erase(job, begun)
        if not done.left:
            _end(job, begun, done.records)
    return done


def _check_said(person: Person, by: str, note: str) -> None:
    """Refuses to write down who is to be forgotten."""
    if person.mentioned(f"{by} {note}".encode()):
        raise UsageError(
            "--by or --note names the person, and both are kept in the ledger. Write a reference "
            "that only you can resolve, such as the number of the request. Nothing was changed."
        )


def _begin(job: _Job, by: str, note: str) -> Erasure:
    """Returns the entry of this erasure, which may have been begun before."""
    lake, person = job.lake, job.person
    books = lake.ledger.read()
    if (begun := keys.begun(lake, books, person)) is not None:
        job.progress(f"{job.dataset}: erasure {begun.number} goes on")
        return begun
    if not hits(lake, books, person):
        raise UsageError(
            f"No record of {job.dataset} has these values of {person.columns}, neither in bronze "
            "nor in the landing folder. Nothing was changed. The match is on the value as "
            "silver has it, letter by letter; where silver hides it, as it was delivered."
        )
    mark = keys.marked(lake, person)

    def entries(number: int) -> list[Erasure]:
        now = lake.settings.clock()
        return [
            Erasure(number, job.dataset, person.columns, mark, "begun", 0, by, note, now),
        ]

    (begun,) = lake.ledger.number(Erasure, entries)
    faults.reach("forgetting.begun")
    return begun


def _erase(job: _Job, begun: Erasure) -> Erased:
    """Takes all steps; each finds for itself what is left to do."""
    lake, dataset = job.lake, job.dataset
    land(lake, dataset, run=job.run)
    bronze.replace(lake, job.person, begun.number)
    bronze.clear(lake, job.person)
    books = lake.ledger.read()
    records = sum(one.records for one in books.replacements if one.erasure == begun.number)
    job.progress(f"bronze/{dataset}: {records:,} records erased")
    partitions, left = _refresh(job)
    _book(lake, replace(begun, kind="passed"))
    if derived.derived(lake, dataset).gold and not left:
        left = building.build(lake, run=job.run, progress=job.progress).refusals()
        faults.reach("forgetting.built")
    _book(lake, replace(begun, kind="passed"))
    blot(lake, job.person.contract, touched(books, dataset, begun.number))
    faults.reach("forgetting.blotted")
    retired, tables, files = _renew(job)
    blotted, held = _clear(job, begun)
    return Erased(
        erasure=begun.number,
        dataset=dataset,
        records=records,
        partitions=partitions,
        tables=tables,
        files=files,
        retired=retired,
        blotted=blotted,
        others=others(lake, dataset),
        left=(*left, *held),
    )


def _renew(job: _Job) -> tuple[Mapping[str, tuple[int, ...]], tuple[str, ...], int]:
    """Leaves no past to tables, and no model that names the person.

    Returns:
        Versions that went by model, the tables, and how many of their files went.
    """
    lake, dataset = job.lake, job.dataset
    found, there = derived.derived(lake, dataset), set(lake.catalog.names())
    past.renew(lake, [name for name in touched_tables(dataset, found)[:2] if name in there])
    past.renew(lake, found.gold)
    retired = derived.retire(lake, found, job.person)
    derived.remake(lake, found, job.person, job.run)
    strays = past.holding(lake, found.strays, job.person)
    derived.empty(lake, [n for n in strays if derived.names(lake, n, job.person)], job.run)
    faults.reach("forgetting.remade")
    quoting = [name for name in _QUOTING if name in there]
    past.renew(lake, [*(name for name in found.tables if name in there), *strays, *quoting])
    tables = (*(name for name in touched_tables(dataset, found) if name in there), *strays)
    return retired, tables, past.sweep(lake, [*tables, *quoting], job.person)


def _clear(job: _Job, begun: Erasure) -> tuple[int, tuple[str, ...]]:
    """Clears what is no table; returns how many entries and files went, and what may be left."""
    lake = job.lake
    # what is in flight loses its files for passing use, and a backup has the registry as it was
    _book(lake, replace(begun, kind="passed"))
    blotted, held = traces.blot(lake, job.person), traces.settle(lake)
    _book(lake, replace(begun, kind="passed"))
    backup.remove_all(lake)
    faults.reach("forgetting.cleared")
    return blotted, held


def _refresh(job: _Job) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Publishes the partitions anew that had the person; returns them, and why some still have.

    A delivery that came meanwhile and does not pass the audit is set aside by the first attempt.
    """
    lake, contract = job.lake, job.person.contract
    done: dict[str, None] = {}
    refused: tuple[str, ...] = ()
    for _ in range(_ATTEMPTS):
        stale = look(lake, contract).state.erased
        if not stale:
            return tuple(done), ()
        made = ingestion.refresh(lake, job.dataset, stale, run=job.run, progress=job.progress)
        faults.reach("forgetting.refreshed")
        done |= dict.fromkeys(one.name for one in made.outcomes if one.published)
        refused = made.refusals()
    left = f"silver.{job.dataset} [{', '.join(look(lake, contract).state.erased)}] still has rows"
    return tuple(done), (f"{left} of the person. Run the same command again.", *refused)


def _end(job: _Job, begun: Erasure, records: int) -> None:
    """Books that nothing is left to do, and throws away the key by which the person was known."""
    _book(job.lake, replace(begun, kind="done", records=records))
    faults.reach("forgetting.done")
    keys.throw_away(job.lake)


def _book(lake: Lake, step: Erasure) -> None:
    """Books a step; what others make of rows that they read before it is not published any more."""
    lake.ledger.append([replace(step, at=lake.settings.clock())])
