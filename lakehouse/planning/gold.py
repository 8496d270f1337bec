"""Whether the gold tables are what dbt would build now."""

from __future__ import annotations

import json
from collections.abc import Iterable

from lakehouse.catalog import Refs
from lakehouse.dbt_manifest import DbtProject
from lakehouse.ledger import Books, Build, Rollback
from lakehouse.ledger.rollback import standing
from lakehouse.planning.rollbacks import hold

GOLD = "gold"
"""What the ledger calls all tables of a build together."""


def gold_reason(books: Books, project: DbtProject) -> str:
    """Returns why gold must be built, or an empty string; one reason for all, as one build is."""
    due = _due(books, project)
    return "" if due and gold_rollback(books, project) else due


def gold_kept(books: Books, project: DbtProject) -> str:
    """Returns why gold would be built if no rollback held it, or an empty string."""
    return _due(books, project) if gold_rollback(books, project) else ""


def gold_rollback(books: Books, project: DbtProject) -> Rollback | None:
    """Returns the rollback that holds gold; none if inputs changed or it was built since."""
    rollback, last = hold(books.rolled(GOLD)), latest(books)
    if rollback is None or last is None or last.number > rollback.from_sequence:
        return None
    return rollback if rollback.inputs == gold_inputs(books, project) else None


def gold_inputs(books: Books, project: DbtProject) -> str:
    """Returns JSON of what decides the rows of gold."""
    now = json.loads(snapshots(books.refs, project.sources))
    return json.dumps({**now, "dbt": project.fingerprint}, sort_keys=True)


def latest(books: Books) -> Build | None:
    """Returns the build that readers see: the last one, if it was not rolled back."""
    rolled = books.rolled(GOLD)
    stand = (build for build in books.builds if standing(rolled, build.number))
    return max(stand, key=lambda build: build.number, default=None)


def _due(books: Books, project: DbtProject) -> str:
    missing = [name for name in project.sources if books.refs.snapshot(name) is None]
    if missing:
        return ""  # nothing to build from yet
    last = latest(books)
    if last is None:
        return "never built"
    if last.fingerprint != project.fingerprint:
        return "the dbt project changed"
    was = json.loads(last.inputs)
    moved = [name for name in project.sources if was.get(name) != str(books.refs.content(name))]
    return f"{', '.join(moved)} was {_how(books, moved)}" if moved else ""


def _how(books: Books, moved: Iterable[str]) -> str:
    """Returns what became of tables that are not what they were."""
    back = {
        one.table for one in books.rollbacks if one.to_snapshot == books.refs.snapshot(one.table)
    }
    return "rolled back" if back.issuperset(moved) else "published anew"


def snapshots(refs: Refs, names: Iterable[str]) -> str:
    """Returns JSON of the snapshot that brought the present rows of each table."""
    return json.dumps({name: str(refs.content(name)) for name in names}, sort_keys=True)
