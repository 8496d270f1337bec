"""One quality check of a contract, with its place and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from open_data_contract_standard.model import DataQuality

from lakehouse.contract.document import Document, Place
from lakehouse.contract.parts import Column
from lakehouse.errors import ContractError, did_you_mean
from lakehouse.results import Severity

_SEVERITIES = ("error", "warning")
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


@dataclass(frozen=True)
class Table:
    """What a check may be about.

    Attributes:
        dataset: Name of the dataset.
        names: All columns that the contract declares.
        types: Type of each published column.
    """

    dataset: str
    names: tuple[str, ...]
    types: Mapping[str, str]


@dataclass(frozen=True)
class Check:
    """One entry of `quality` with where it stands and what it is about."""

    document: Document
    place: Place
    entry: DataQuality
    column: Column | None
    table: Table

    def refuse(self, key: str, why: str, hint: str = "") -> ContractError:
        """Returns the error that points to one key of the check."""
        return self.document.refuse((*self.place, key), why, hint)

    @property
    def severity(self) -> Severity:
        """What a failure does; the standard leaves the words open."""
        severity = self.entry.severity or "error"
        if severity not in _SEVERITIES:
            hint = did_you_mean(severity, _SEVERITIES)
            raise self.refuse("severity", f"{severity!r} is not error or warning", hint)
        return cast(Severity, severity)

    @property
    def notes(self) -> str:
        """Why it is expected, from the description."""
        if not (self.entry.description or "").strip():
            raise self.refuse("description", "is missing: a check says why it is expected")
        return str(self.entry.description).strip()

    @property
    def operator(self) -> str:
        """The one comparison that the JSON schema makes sure of."""
        return next(name for name in OPERATORS if getattr(self.entry, name) is not None)

    @property
    def limit(self) -> Any:
        """What it compares with."""
        return getattr(self.entry, self.operator)
