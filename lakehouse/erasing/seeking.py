"""Where a person is, before anything is touched."""

from __future__ import annotations

from lakehouse import backup
from lakehouse.erasing import bronze, keys, past
from lakehouse.erasing.bronze import Hit
from lakehouse.erasing.derived import derived
from lakehouse.erasing.person import Person
from lakehouse.erasing.result import Sought, touched_tables
from lakehouse.lake import Lake
from lakehouse.ledger import Books


def seek(lake: Lake, person: Person) -> Sought:
    """Returns what erasing a person would touch; changes nothing.

    Raises:
        SettingsError: The contract hashes columns and no usable key is set.
    """
    person = person.published(lake.settings)
    books, dataset = lake.ledger.read(), person.contract.dataset
    found = derived(lake, dataset)
    begun = keys.begun(lake, books, person)
    there = set(lake.catalog.names())
    tables = [name for name in touched_tables(dataset, found) if name in there]
    return Sought(
        dataset=dataset,
        columns=person.columns,
        hits=hits(lake, books, person),
        unfinished=begun.number if begun else 0,
        tables=(*tables, *past.holding(lake, found.strays, person)),
        models=tuple(spec.name for spec in found.models),
        others=others(lake, dataset),
        backups=tuple(one.name for one in backup.listed(lake).backups),
    )


def hits(lake: Lake, books: Books, person: Person) -> tuple[Hit, ...]:
    """Returns where the person's records are; nothing is written.

    Where retention has removed raw files, a tag may keep rows that were in them.
    """
    found, dataset = bronze.hits(lake, books, person), person.contract.dataset
    if found or not books.removed(dataset):
        return found
    there = set(lake.catalog.names())
    tables = [name for name in touched_tables(dataset, derived(lake, dataset)) if name in there]
    return tuple(Hit((), name, 0) for name in past.holding(lake, tables, person))


def others(lake: Lake, dataset: str) -> tuple[str, ...]:
    """Returns the datasets that refer to this one."""
    return tuple(
        name
        for name, contract in lake.contracts.items()
        if any(reference.dataset == dataset for reference in contract.references)
    )
