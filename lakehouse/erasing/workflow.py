"""Forgetting a person: what is meant is booked first, what is left to do can be seen until done."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from lakehouse import backup, building, faults, ingestion
from lakehouse.admitting import look
from lakehouse.erasing import bronze, derived, past, traces
from lakehouse.erasing.blotting import blot, touched
from lakehouse.erasing.person import Person
from lakehouse.erasing.result import Erased, Sought, touched_tables
from lakehouse.errors import UsageError
from lakehouse.lake import Lake
from lakehouse.landing import land
from lakehouse.ledger import Books, Erasure
from lakehouse.locking import exclusive
from lakehouse.privacy import require_key

Progress = Callable[[str], None]
_QUOTING = ("ledger.decisions", "ledger.inspections", "ledger.verdicts")
_ATTEMPTS = 5
_KEY = 32
"""Bytes of the key under which an unfinished erasure is known again."""


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


def seek(lake: Lake, person: Person) -> Sought:
    """Returns what erasing a person would touch; changes nothing."""
    books, dataset = lake.ledger.read(), person.contract.dataset
    found = derived.derived(lake, dataset)
    begun = _begun(lake, books, person)
    there = set(lake.catalog.names())
    return Sought(
        dataset=dataset,
        columns=person.columns,
        hits=bronze.hits(lake, books, person),
        unfinished=begun.number if begun else 0,
        tables=tuple(name for name in touched_tables(dataset, found) if name in there),
        models=tuple(spec.name for spec in found.models),
        others=_others(lake, dataset),
        backups=tuple(one.name for one in backup.listed(lake).backups),
    )


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
    job = _Job(lake, person, run, progress)
    with exclusive(lake.settings.home / "forget.lock", lake.settings.catalog_uri):
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
    if (begun := _begun(lake, books, person)) is not None:
        job.progress(f"{job.dataset}: erasure {begun.number} goes on")
        return begun
    if not bronze.hits(lake, books, person):
        raise UsageError(
            f"No record of {job.dataset} has these values of {person.columns}, neither in bronze "
            "nor in the landing folder. Nothing was changed. The match is on the value as "
            "silver has it, letter by letter; where silver hides it, as it was delivered."
        )
    key = secrets.token_bytes(_KEY)
    _keep_key(lake, person.mark(key), key)

    def entries(number: int) -> list[Erasure]:
        mark, now = person.mark(key), lake.settings.clock()
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
    found = derived.derived(lake, dataset)
    blot(lake, job.person.contract, touched(books, dataset, begun.number))
    faults.reach("forgetting.blotted")
    there = set(lake.catalog.names())
    past.renew(lake, [name for name in touched_tables(dataset, found)[:2] if name in there])
    past.renew(lake, found.gold)
    retired = derived.retire(lake, found, job.person)
    derived.remake(lake, found, job.person, job.run)
    faults.reach("forgetting.remade")
    past.renew(lake, [name for name in (*found.tables, *_QUOTING) if name in there])
    tables = tuple(name for name in touched_tables(dataset, found) if name in there)
    files = past.sweep(lake, [*tables, *(n for n in _QUOTING if n in there)], job.person)
    for one in backup.listed(lake).backups:
        backup.remove(lake, one.name)
    blotted = traces.blot(lake, job.person)
    faults.reach("forgetting.cleared")
    return Erased(
        erasure=begun.number,
        dataset=dataset,
        records=records,
        partitions=partitions,
        tables=tables,
        files=files,
        retired=retired,
        blotted=blotted,
        others=_others(lake, dataset),
        left=left,
    )


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
    url = _key_url(job.lake, begun.mark)
    with suppress(FileNotFoundError):
        job.lake.storage.remove(url)


def _book(lake: Lake, step: Erasure) -> None:
    """Books a step; what others make of rows that they read before it is not published any more."""
    lake.ledger.append([replace(step, at=lake.settings.clock())])


def _begun(lake: Lake, books: Books, person: Person) -> Erasure | None:
    """Returns the unfinished erasure of the same person, if there is one."""
    for one in books.unfinished:
        if one.dataset == person.contract.dataset and one.mark == _mark(lake, one.mark, person):
            return one
    return None


def _mark(lake: Lake, mark: str, person: Person) -> str:
    with suppress(FileNotFoundError), lake.storage.open(_key_url(lake, mark)) as stream:
        return person.mark(stream.read())
    return ""


def _keep_key(lake: Lake, mark: str, key: bytes) -> None:
    """Keeps the key beside the tables, where any machine finds it that takes the erasure on."""
    with lake.scratch() as scratch:
        (scratch / "key").write_bytes(key)
        lake.storage.copy(f"file://{scratch / 'key'}", _key_url(lake, mark))


def _key_url(lake: Lake, mark: str) -> str:
    return f"{lake.settings.warehouse}/erasing/{mark[:16]}.key"


def _others(lake: Lake, dataset: str) -> tuple[str, ...]:
    """Returns the datasets that refer to this one."""
    return tuple(
        name
        for name, contract in lake.contracts.items()
        if any(reference.dataset == dataset for reference in contract.references)
    )
