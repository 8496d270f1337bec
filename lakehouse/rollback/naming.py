"""Names of publishes: what is named stays, whatever is forgotten around it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lakehouse import catalog, registry
from lakehouse.catalog import MAIN
from lakehouse.errors import TagRefused, UnknownName
from lakehouse.features import TAG
from lakehouse.lake import Lake
from lakehouse.rollback.moment import moment, tags
from lakehouse.rollback.result import Named
from lakehouse.rollback.subject import subject

_ATTEMPTS = 20
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
_TAKEN = (MAIN, "audit-", TAG)


def tag(lake: Lake, table: str, name: str, at: str = "") -> Named:
    """Names a publish: the snapshot of a table, and of those that were published with it.

    Args:
        lake: The lake.
        table: A silver table or one that dbt builds.
        name: The name.
        at: A snapshot, a tag, or a time at which readers saw it; what they see now without it.

    Raises:
        UnknownName: There is no such table, snapshot or tag.
        TagRefused: The name cannot be used, or names something else.
        RollbackRefused: What is meant is forgotten.
        PublishConflict: Other runs kept committing to the table.
    """
    if not _NAME.fullmatch(name) or name.startswith(_TAKEN) or moment(name) is not None:
        why = "a name begins with a letter; main, audit-… and train-… are the engine's own"
        raise TagRefused(table, name, why)
    named = subject(lake, table)

    def attempt() -> Mapping[str, int]:
        books = named.read()
        there = {one: books.refs.tables[one] for one in named.tables if one in books.refs.tables}
        now = {one: books.refs.snapshot(one) or 0 for one in there}
        wanted = named.target(books, at).snapshots if at else now
        found = {one: tags(there[one]).get(name) for one in wanted}
        if other := [one for one, number in found.items() if number not in (None, wanted[one])]:
            raise TagRefused(table, name, f"it names snapshot {found[other[0]]} of {other[0]}")
        fresh = {one: number for one, number in wanted.items() if found[one] is None}
        lake.catalog.commit(
            [catalog.tag(there[one], name, number) for one, number in fresh.items()]
        )
        return fresh

    return Named(name, catalog.retried(_ATTEMPTS, attempt))


def untag(lake: Lake, table: str, name: str) -> Named:
    """Takes a name away from a table's publish, and from what was published with it.

    Raises:
        UnknownName: There is no such table or tag.
        TagRefused: A registered model was trained on what it names.
        PublishConflict: Other runs kept committing to the table.
    """
    mine = tags(lake.catalog.table(table))
    if name not in mine:
        raise UnknownName(f"tag of {table}", name, mine)
    trained = name.startswith(TAG)
    if trained and (version := _learned(lake, mine[name])):
        raise TagRefused(table, name, f"{version} was trained on what it names")

    def attempt() -> Mapping[str, int]:
        refs = lake.catalog.refs([table] if trained else subject(lake, table).tables)
        had = {one: tags(there)[name] for one, there in refs.tables.items() if name in tags(there)}
        lake.catalog.commit([catalog.untag(refs.tables[one], name) for one in had])
        return had

    return Named(name, catalog.retried(_ATTEMPTS, attempt), gone=True)


def _learned(lake: Lake, snapshot: int) -> str:
    """Returns the name of a registered version that was trained on a snapshot, if there is one."""
    versions = registry.frames(lake).items()
    return next((version for version, frame in versions if frame == snapshot), "")
