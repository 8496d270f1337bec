"""Service levels of a contract: freshness is watched, the rest is documentation or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from open_data_contract_standard.model import (
    OpenDataContractStandard,
    ServiceLevelAgreementProperty,
)

from lakehouse.contract.document import Document, Place
from lakehouse.contract.parts import Column, Freshness
from lakehouse.errors import did_you_mean

_HOURS = {"d": 24, "day": 24, "days": 24, "h": 1, "hour": 1, "hours": 1}
_HOURS |= dict.fromkeys(("hr", "hrs"), 1)
_MINUTES = ("m", "min", "minute", "minutes")
_DATES = ("generalAvailability", "endOfSupport", "endOfLife")
"""Dates in the life of a dataset, which nothing in the lake acts on."""


def read_freshness(
    document: Document, said: OpenDataContractStandard, dataset: str, columns: Sequence[Column]
) -> Freshness | None:
    """Returns how old the newest row may be, or None where the contract does not say.

    Raises:
        ContractError: A service level that nobody would keep, or freshness twice or incomplete.
    """
    found = None
    for position, level in enumerate(said.slaProperties or ()):
        place = ("slaProperties", position)
        if level.property in _DATES:
            continue
        if level.property != "freshness":
            why = f"'{level.property}' is not honoured: the lake would promise what it does not do"
            hint = did_you_mean(str(level.property), ("freshness", *_DATES))
            raise document.refuse((*place, "property"), why, hint)
        if found is not None:
            raise document.refuse(place, "freshness is given twice")
        found = _freshness(document, place, level, dataset, columns)
    return found


def _freshness(
    document: Document,
    place: Place,
    level: ServiceLevelAgreementProperty,
    dataset: str,
    columns: Sequence[Column],
) -> Freshness:
    """Returns one freshness level."""
    value = level.value
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise document.refuse((*place, "value"), f"{value!r} is not a positive number")
    unit = str(level.unit)
    if unit not in _HOURS and unit not in _MINUTES:
        raise document.refuse((*place, "unit"), f"{level.unit!r} is not d, h or m")
    hours = value / 60 if unit in _MINUTES else value * _HOURS[unit]
    column = _element(document, (*place, "element"), level.element, dataset, columns)
    return Freshness(column, timedelta(hours=hours))


def _element(
    document: Document,
    place: Place,
    element: str | None,
    dataset: str,
    columns: Sequence[Column],
) -> str:
    """Returns the column with the data's own time, written `dataset.column`."""
    owner, _, name = (element or "").rpartition(".")
    timed = [column.name for column in columns if column.type in ("DATE", "TIMESTAMPTZ")]
    if owner != dataset or name not in timed:
        hint = did_you_mean(name, timed)
        why = f"{element!r} is not {dataset}.column with a column of dates or timestamps"
        raise document.refuse(place, why, hint)
    return name
