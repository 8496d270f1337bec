"""A contract's rules as SQL over typed rows.

Two expressions that say the same: `valid` is one cheap predicate for the many rows that keep all
rules, `broken` names what a row broke, for the few that do not. A predicate that is null keeps its
rule; only false breaks it.
"""

from __future__ import annotations

from lakehouse.connection import quote_text
from lakehouse.contract import Contract


def valid(contract: Contract) -> str:
    """Returns a BOOLEAN expression, never null: true where the row breaks no rule.

    In three-valued logic a conjunction is false exactly if one of its parts is.
    """
    if not contract.rules:
        return "TRUE"
    return "((" + ") AND (".join(rule.sql for rule in contract.rules) + ")) IS NOT FALSE"


def broken(contract: Contract) -> str:
    """Returns a VARCHAR[] expression: names of the rules that the row breaks, in order."""
    if not contract.rules:
        return "CAST([] AS VARCHAR[])"
    names = ", ".join(
        f"CASE WHEN ({rule.sql}) IS FALSE THEN {quote_text(rule.name)} END"
        for rule in contract.rules
    )
    return f"list_filter([{names}], lambda name: name IS NOT NULL)"
