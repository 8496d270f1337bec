"""How much of a table's history stays, and whether raw files go when their rows are too old."""

from __future__ import annotations

from lakehouse.contract.custom import Custom
from lakehouse.contract.parts import Keeping, Retention

_MOST = 10_000
_YEARS = 100 * 365.25


def read_keeping(custom: Custom, retention: Retention | None) -> Keeping:
    """Returns what is kept beside the rows that readers see.

    Raises:
        ContractError: A count or an age that cannot be, or raw files that are to be deleted after a
            retention that the contract does not state.
    """
    given = custom.mapping("snapshots", ("keep", "days"))
    default = Keeping()
    bronze = custom.choice("bronzeRetention", "keep", ("keep", "delete"))
    if bronze == "delete" and retention is None:
        why = "deletes what is past retention, and `slaProperties` states none"
        raise custom.refuse("bronzeRetention", why)
    return Keeping(_count(given, default.snapshots), _days(given, default.days), bronze == "delete")


def _count(given: Custom, default: int) -> int:
    """Returns how many snapshots stay whatever their age; the one that readers see is the first."""
    value = given.values.get("keep", default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        why = f"{value!r} is not a whole number of snapshots from 1 to {_MOST}"
        raise given.refuse("keep", why)
    return int(value)


def _days(given: Custom, default: float) -> float:
    """Returns the age in days up to which all snapshots stay."""
    return given.number("days", default, 0, _YEARS)
