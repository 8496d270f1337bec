"""Whether the gold tables are what dbt would build now."""

from __future__ import annotations

import json
from collections.abc import Iterable

from lakehouse.catalog import Refs
from lakehouse.dbt_manifest import DbtProject
from lakehouse.ledger import Books, Build


def gold_reason(books: Books, project: DbtProject) -> str:
    """Returns why gold must be built, or an empty string; one reason for all, as one build is."""
    missing = [name for name in project.sources if books.refs.snapshot(name) is None]
    if missing:
        return ""  # nothing to build from yet
    last = latest(books)
    if last is None:
        return "never built"
    if last.fingerprint != project.fingerprint:
        return "the dbt project changed"
    was = json.loads(last.inputs)
    moved = [name for name in project.sources if was.get(name) != str(books.refs.snapshot(name))]
    return f"{', '.join(moved)} was published anew" if moved else ""


def latest(books: Books) -> Build | None:
    """Returns the last published build."""
    return max(books.builds, key=lambda build: build.number, default=None)


def snapshots(refs: Refs, names: Iterable[str]) -> str:
    """Returns JSON of the current snapshot of each table."""
    return json.dumps({name: str(refs.snapshot(name)) for name in names}, sort_keys=True)
