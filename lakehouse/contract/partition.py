"""How a table is cut by time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Literal

from lakehouse.connection import quote_name

Granularity = Literal["day", "month", "year"]


@dataclass(frozen=True)
class Partition:
    """How the table is cut.

    Attributes:
        column: The DATE or TIMESTAMPTZ column that decides.
        granularity: Width of a partition.
        start: First day of the first partition; rows before it are broken.
    """

    column: str
    granularity: Granularity
    start: date

    @property
    def label(self) -> str:
        """SQL for the first day of a row's partition, as a DATE; null where it has none."""
        name, first = quote_name(self.column), self.start.isoformat()
        day = f"date_trunc('{self.granularity}', {name})::DATE"
        return f"CASE WHEN {name} >= DATE '{first}' AND NOT {self.late} THEN {day} END"

    @property
    def end(self) -> date:
        """First day that is in no partition; Python knows no day after the one that it begins."""
        begins = {"day": date.max, "month": date.max.replace(day=1), "year": date(MAXYEAR, 1, 1)}
        return begins[self.granularity]

    @property
    def late(self) -> str:
        """SQL that is true of a row after the last partition, null where it has no time."""
        return f"({quote_name(self.column)} >= DATE '{self.end.isoformat()}')"

    def name(self, first: date) -> str:
        """Returns the partition's name from its first day, e.g. `2013-04`."""
        return first.strftime(self.pattern)

    @property
    def pattern(self) -> str:
        """The strftime pattern of a partition's name, e.g. `%Y-%m`."""
        return {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[self.granularity]

    def is_late(self, name: str) -> bool:
        """Tells whether a name is that of a partition after the last.

        >>> cut = Partition("d", "month", date(2013, 1, 1))
        >>> cut.is_late("9999-11"), cut.is_late("9999-12"), cut.is_late("20133-01-01")
        (False, True, True)
        """
        return tuple(map(int, name.split("-"))) >= self.end.timetuple()[: name.count("-") + 1]

    def bounds(self, name: str) -> tuple[date, date]:
        """Returns the first day of the partition and of the next one.

        >>> Partition("d", "month", date(2013, 1, 1)).bounds("2013-12")
        (datetime.date(2013, 12, 1), datetime.date(2014, 1, 1))
        """
        year, month, day = (*(int(part) for part in name.split("-")), 1, 1)[:3]
        first = date(year, month, day)
        if self.granularity == "day":
            return first, first + timedelta(days=1)
        if self.granularity == "month":
            return first, date(year + month // 12, month % 12 + 1, 1)
        return first, date(year + 1, 1, 1)
