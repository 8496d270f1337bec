"""Quality checks of a contract: a property of a row becomes a rule, the rest is expected."""

from __future__ import annotations

from collections.abc import Sequence

from open_data_contract_standard.model import DataQuality

from lakehouse.contract.check import OPERATORS, Check, Table
from lakehouse.contract.document import Document, Place
from lakehouse.contract.expectations import great_expectation
from lakehouse.contract.metrics import Made, read_metric
from lakehouse.contract.parts import Column, Expectation, Query, Rule
from lakehouse.contract.queries import read_query

_KEYS = {
    "library": ("metric", "arguments", *OPERATORS),
    "sql": ("query", *OPERATORS),
    "custom": ("engine", "implementation"),
    "text": (),
}
"""Keys that mean something for one type of check only."""


def read_quality(
    document: Document,
    place: Place,
    entries: Sequence[DataQuality] | None,
    column: Column | None,
    table: Table,
) -> tuple[Rule | Expectation | Query, ...]:
    """Returns the rules, expectations and queries that `quality` makes.

    Args:
        document: The contract.
        place: The property or schema object.
        entries: Its checks.
        column: The property's column, or None for checks of the table.
        table: What the checks may be about.

    Raises:
        ContractError: A check that cannot be honoured in full.
    """
    checks = (
        Check(document, (*place, "quality", position), entry, column, table)
        for position, entry in enumerate(entries or ())
    )
    return tuple(made for check in checks for made in _compile(check))


def _compile(check: Check) -> Made:
    """Returns what one check becomes; a text is documentation."""
    kind = check.entry.type or "library"
    _check_keys(check, kind)
    if kind == "text":
        return ()
    if kind == "sql":
        return (read_query(check),)
    if kind == "custom":
        return (great_expectation(check),)
    return read_metric(check)


def _check_keys(check: Check, kind: str) -> None:
    """Refuses a key of another type of check, which would be ignored."""
    for other, keys in _KEYS.items():
        for key in keys:
            if key not in _KEYS[kind] and getattr(check.entry, key) is not None:
                raise check.refuse(key, f"means nothing for a check of type {kind}, but of {other}")
