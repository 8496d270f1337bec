"""What is in quarantine, for a person and for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakehouse.cli.console import grid
from lakehouse.connection import quote_table
from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.query import Session

_EXAMPLES = 3
_LISTED = 200


@dataclass(frozen=True)
class Broken:
    """Quarantined rows of a dataset.

    Attributes:
        dataset: The dataset.
        total: How many there are.
        by_rule: One entry per rule and delivery: how many rows broke it.
        rows: Examples of each rule, or the rows of the delivery asked for.
    """

    dataset: str
    total: int
    by_rule: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """Returns everything, ready for JSON."""
        return {
            "dataset": self.dataset,
            "rows": self.total,
            "by_rule": list(self.by_rule),
            "examples": list(self.rows),
        }

    def shown(self) -> RenderableType:
        """Returns tables for the terminal."""
        if not self.total:
            return Text(f"quarantine.{self.dataset} is empty: no published delivery broke a rule.")
        counts = grid(
            f"{self.total:,} broken rows of {self.dataset}, by rule",
            ("rule", "delivery", ">rows"),
            [(r["rule"], r["delivery"], r["rows"]) for r in self.by_rule],
        )
        examples = grid(
            "Rows" if len(self.rows) == self.total else "Examples",
            ("delivery", "file", ">line", "rules broken", "raw text"),
            [
                (r["delivery"], r["file"], r["line"], "\n".join(r["rules"]), _cut(r["raw"]))
                for r in self.rows
            ],
        )
        return Group(counts, examples)


def rows(lake: Lake, contract: Contract, delivery: int | None) -> Broken:
    """Returns the broken rows of a dataset, or those of one delivery."""
    if contract.quarantine not in lake.catalog.locations():
        return Broken(contract.dataset, 0, (), ())
    where = "true" if delivery is None else f"delivery = {int(delivery)}"
    source = f"FROM {quote_table(contract.quarantine)} WHERE {where}"
    with Session(lake) as session:

        def ask(sql: str) -> list[dict[str, Any]]:
            return session.query(sql).table.to_pylist()

        total = ask(f"SELECT count(*) AS n {source}")[0]["n"]
        by_rule = ask(
            "SELECT rule, delivery, count(*) AS rows "
            f"FROM (SELECT unnest(rules) AS rule, delivery {source}) "
            "GROUP BY ALL ORDER BY rows DESC, rule, delivery"
        )
        fields = 'delivery, source_key AS file, line, byte_offset AS "offset", rules, raw, run'
        if delivery is not None:
            found = ask(f"SELECT {fields} {source} ORDER BY line LIMIT {_LISTED}")
        else:
            found = ask(
                f"SELECT {fields} {source} QUALIFY row_number() OVER "
                f"(PARTITION BY rules ORDER BY delivery, line) <= {_EXAMPLES} "
                "ORDER BY rules, delivery, line"
            )
    return Broken(contract.dataset, total, by_rule, found)


def _cut(text: str | None, width: int = 160) -> str:
    """Returns text that a terminal can show on a line or two, control characters made visible."""
    plain = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text or "")
    return plain if len(plain) <= width else f"{plain[:width]} … ({len(plain):,} characters)"
