"""Which partitions are past the age up to which a contract keeps rows."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from lakehouse.contract import Contract
from lakehouse.results import UNASSIGNED, WHOLE, counted

YEAR = timedelta(days=365, hours=6)


def is_past(contract: Contract, partition: str, now: datetime) -> bool:
    """Returns whether a partition ended longer ago than the contract keeps rows.

    Rows without a partition have no age, and a table that is one whole has no end.
    """
    if contract.retention is None or contract.partition is None:
        return False
    if partition in ("", UNASSIGNED, WHOLE):
        return False
    end = datetime.combine(contract.partition.bounds(partition)[1], time(), UTC)
    return end <= now - contract.retention.limit


def told(limit: timedelta) -> str:
    """Returns an age in the largest unit that says it exactly.

    >>> told(10 * YEAR), told(YEAR / 4), told(timedelta(days=90)), told(timedelta(hours=36))
    ('10 years', '3 months', '90 days', '36 hours')
    """
    units = {"year": YEAR, "month": YEAR / 12, "day": timedelta(days=1)}
    for noun, unit in units.items():
        if not limit % unit:
            return counted(limit // unit, noun)
    return counted(limit // timedelta(hours=1), "hour")
