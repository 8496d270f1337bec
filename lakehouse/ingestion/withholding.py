"""Keeps what looks like personal data out of the evidence of an audit.

Evidence goes into the ledger, the pages and the logs, where it stays although the partition is
refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lakehouse.validation import Outcome, Verdict

WITHHELD = "withheld: the column holds personal data"
_SUBJECT = ("column", "column_A", "column_B")


def withhold(verdicts: Sequence[Verdict], personal: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Returns the verdicts without the values of columns in which personal data was found.

    Args:
        verdicts: The suite's verdicts.
        personal: The verdicts of the scan; those that failed name their column.
    """
    hidden: dict[str, set[str]] = {}
    for found in personal:
        if found.outcome is not Outcome.PASS:
            hidden.setdefault(found.partition, set()).add(str(found.expected["column"]))
    return tuple(
        _withheld(verdict, hidden[verdict.partition]) if verdict.partition in hidden else verdict
        for verdict in verdicts
    )


def _withheld(verdict: Verdict, hidden: Collection[str]) -> Verdict:
    examples = tuple(_masked(row, hidden) for row in verdict.examples)
    observed = verdict.observed
    if not isinstance(observed, int | float) and _subject(verdict.expected) & set(hidden):
        observed = None if observed is None else WITHHELD
    # what the database says of an error can quote a value of any column
    message = WITHHELD if verdict.outcome is Outcome.ERROR else verdict.message
    return replace(verdict, examples=examples, observed=observed, message=message)


def _masked(row: Mapping[str, object], hidden: Collection[str]) -> Mapping[str, object]:
    return {name: WITHHELD if name in hidden else value for name, value in row.items()}


def _subject(expected: Mapping[str, object]) -> set[str]:
    listed = expected.get("column_list")
    names = [expected.get(key) for key in _SUBJECT]
    return {str(name) for name in (*names, *(listed if isinstance(listed, list) else ())) if name}
