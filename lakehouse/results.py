"""The common face of every verb's result.

One verb of the engine returns one frozen `Result`. Because all of them can be asked for the same
four things, one adapter shows any of them in Dagster and one printer shows any on the terminal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["warning", "error"]
WHOLE = "all"
"""Name of the only partition of a dataset that is not partitioned."""
UNASSIGNED = "unassigned"
"""Quarantine partition of rows too broken to tell where they belong."""


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, in the plural unless it is one.

    >>> counted(1, "row"), counted(28330, "row"), counted(2, "delivery"), counted(90, "day")
    ('1 row', '28,330 rows', '2 deliveries', '90 days')
    """
    if number == 1:
        return f"1 {noun}"
    changes = noun.endswith("y") and noun[-2] not in "aeiou"
    plural = noun[:-1] + "ies" if changes else noun + "s"
    return f"{number:,} {plural}"


@dataclass(frozen=True)
class Check:
    """One judgement about data or a model.

    Attributes:
        name: Identifier, unique within the asset it is about.
        passed: The verdict.
        severity: `error` blocks publication, `warning` only tells.
        description: One sentence with the evidence.
        facts: JSON-able evidence (observed value, limit, example keys).
        partition: The partition judged, or None for the whole table.
    """

    name: str
    passed: bool
    severity: Severity
    description: str
    facts: Mapping[str, object] = field(default_factory=dict)
    partition: str | None = None


class Result:
    """What every verb returns."""

    @abstractmethod
    def summary(self) -> str:
        """Returns one sentence for a person."""

    def facts(self) -> Mapping[str, object]:
        """Returns flat JSON-able facts."""
        return {}

    def checks(self) -> tuple[Check, ...]:
        """Returns the judgements made on the way."""
        return ()

    def refusals(self) -> tuple[str, ...]:
        """Returns a full sentence for all that was not admitted; not empty means exit code 1."""
        return ()
