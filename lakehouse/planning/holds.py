"""What rollbacks hold where it is, in words."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.dbt_manifest import DbtProject
from lakehouse.ledger import Books, Rollback
from lakehouse.planning.gold import gold_kept, gold_rollback
from lakehouse.planning.rollbacks import hold
from lakehouse.planning.silver import SilverState


def held_back(
    books: Books, states: Iterable[SilverState], project: DbtProject | None = None
) -> tuple[str, ...]:
    """Returns a sentence for each table that is not made anew because a rollback holds it.

    Args:
        books: The ledger.
        states: The datasets, with the name of the key of hashed columns.
        project: The dbt project; without it nothing is said of gold.
    """
    found = [silver_hold(books, state) for state in states]
    found += [gold_hold(books, project)] if project else []
    return tuple(told for told in found if told)


def gold_hold(books: Books, project: DbtProject) -> str:
    """Returns in words why a rollback keeps gold from being built, or an empty string."""
    rollback, why = gold_rollback(books, project), gold_kept(books, project)
    return _told(rollback, f"Gold would be built anew ({why})") if rollback and why else ""


def silver_hold(books: Books, state: SilverState) -> str:
    """Returns in words what a rollback holds of a dataset, or an empty string."""
    rollback = hold(books.rolled(state.dataset))
    if rollback is None or not state.kept:
        return ""
    names = list(state.kept)
    listed = ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-1]} ({len(names)})"
    return _told(rollback, f"{rollback.table} [{listed}] would be made anew")


def _told(rollback: Rollback, due: str) -> str:
    return (
        f"{due}, but rollback {rollback.number} by {rollback.by} on {rollback.at:%Y-%m-%d} "
        f"({rollback.note}) holds it at snapshot {rollback.to_snapshot} until its inputs change or "
        f"`lakehouse release {rollback.table}`."
    )
