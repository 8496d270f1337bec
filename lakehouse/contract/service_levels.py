"""Service levels of a contract: freshness is watched, retention is kept to.

The rest is documentation or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from open_data_contract_standard.model import (
    OpenDataContractStandard,
    ServiceLevelAgreementProperty,
)

from lakehouse.contract.document import Document, Place
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import Column, Freshness, Retention
from lakehouse.errors import did_you_mean

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365, hours=6)
_AGES = {
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("m", "min", "minute", "minutes"), timedelta(minutes=1)),
}
_SPANS = {
    **dict.fromkeys(("y", "yr", "year", "years"), _YEAR),
    **dict.fromkeys(("m", "mo", "month", "months"), _YEAR / 12),
    **dict.fromkeys(("w", "week", "weeks"), 7 * _DAY),
    **dict.fromkeys(("d", "day", "days"), _DAY),
}
_DATES = ("generalAvailability", "endOfSupport", "endOfLife")
"""Dates in the life of a dataset, which nothing in the lake acts on."""


@dataclass(frozen=True)
class Levels:
    """The service levels that the lake keeps.

    Attributes:
        freshness: How old the newest row may be, or None.
        retention: How long rows are kept, or None for ever.
    """

    freshness: Freshness | None = None
    retention: Retention | None = None


def read_levels(
    document: Document,
    said: OpenDataContractStandard,
    dataset: str,
    columns: Sequence[Column],
    partition: Partition | None,
) -> Levels:
    """Returns what the contract promises about time.

    Raises:
        ContractError: A service level that nobody would keep, or one twice or incomplete.
    """
    kept = {"freshness": Freshness, "retention": Retention}
    found: dict[str, tuple[Place, ServiceLevelAgreementProperty]] = {}
    for position, level in enumerate(said.slaProperties or ()):
        place, name = ("slaProperties", position), str(level.property)
        if name in _DATES:
            continue
        if name not in kept:
            why = f"'{name}' is not honoured: the lake would promise what it does not do"
            raise document.refuse((*place, "property"), why, did_you_mean(name, (*kept, *_DATES)))
        if name in found:
            raise document.refuse(place, f"{name} is given twice")
        found[name] = (place, level)
    fresh, kept_for = found.get("freshness"), found.get("retention")
    return Levels(
        _freshness(document, *fresh, dataset, columns) if fresh else None,
        _retention(document, *kept_for, dataset, partition) if kept_for else None,
    )


def _freshness(
    document: Document,
    place: Place,
    level: ServiceLevelAgreementProperty,
    dataset: str,
    columns: Sequence[Column],
) -> Freshness:
    """Returns one freshness level, of a published column with dates or timestamps."""
    value = _value(document, place, level)
    unit = str(level.unit)
    if unit not in _AGES:
        raise document.refuse((*place, "unit"), f"{level.unit!r} is not d, h or m")
    owner, _, name = (level.element or "").rpartition(".")
    timed = [c.name for c in columns if not c.treatment and c.type in ("DATE", "TIMESTAMPTZ")]
    if owner != dataset or name not in timed:
        why = f"{level.element!r} is not {dataset}.column with a column of dates or timestamps"
        raise document.refuse((*place, "element"), why, did_you_mean(name, timed))
    return Freshness(name, value * _AGES[unit])


def _retention(
    document: Document,
    place: Place,
    level: ServiceLevelAgreementProperty,
    dataset: str,
    partition: Partition | None,
) -> Retention:
    """Returns one retention level: whole partitions are no longer published beyond an age."""
    value = _value(document, place, level)
    if partition is None:
        why = "'retention' is kept by whole partitions, and the dataset has none"
        raise document.refuse((*place, "property"), why)
    unit = str(level.unit)
    if unit not in _SPANS:
        why = f"{level.unit!r} is not y, month, w or d"
        raise document.refuse((*place, "unit"), why, did_you_mean(unit, _SPANS))
    if level.element != (wanted := f"{dataset}.{partition.column}"):
        why = f"{level.element!r} is not {wanted}, the column that cuts the table"
        raise document.refuse((*place, "element"), why)
    return Retention(partition.column, value * _SPANS[unit])


def _value(document: Document, place: Place, level: ServiceLevelAgreementProperty) -> float:
    """Returns the positive number of a level."""
    value = level.value
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise document.refuse((*place, "value"), f"{value!r} is not a positive number")
    return value
