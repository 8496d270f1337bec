"""What a query returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.results import Result, counted


@dataclass(frozen=True)
class Answer(Result):
    """What a query returned.

    Attributes:
        table: The rows.
        seconds: Wall-clock time of the query.
        cut: Why rows are missing at the end, or empty if all are here.
    """

    table: pa.Table
    seconds: float
    cut: str = ""

    def summary(self) -> str:
        """Says how many rows came and how long it took."""
        first = "the first " if self.cut else ""
        return f"{first}{counted(self.table.num_rows, 'row')} in {self.seconds:.2f} s"

    def facts(self) -> Mapping[str, object]:
        """Returns the number of rows, whether they are all, the columns and the seconds."""
        return {
            "rows": self.table.num_rows,
            "complete": not self.cut,
            "columns": list(self.table.column_names),
            "seconds": round(self.seconds, 3),
        }

    def refusals(self) -> tuple[str, ...]:
        """Returns why rows are missing."""
        return (self.cut,) if self.cut else ()
