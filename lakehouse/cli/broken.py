"""What is in quarantine, for a person and for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakehouse.cli.console import grid
from lakehouse.conforming import Staging
from lakehouse.connection import quote_table, quote_text
from lakehouse.contract import Contract
from lakehouse.errors import UnknownName
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Delivery
from lakehouse.planning import SilverState
from lakehouse.query import Session
from lakehouse.results import UNASSIGNED, WHOLE

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
    """Returns the broken rows of a dataset, or those of one delivery.

    A delivery that was refused as a whole has nothing in quarantine: its object is read again and
    judged, so that a person can see what is wrong with it.

    Raises:
        UnknownName: The dataset has no such delivery.
    """
    books = lake.ledger.read([f"silver.{ref.dataset}" for ref in contract.references])
    if delivery is not None:
        known = {entry.number: entry for entry in books.delivered(contract.dataset)}
        if delivery not in known:
            raise UnknownName("delivery", str(delivery), map(str, known))
        state = SilverState(books, contract, lake.settings.clock())
        refused = {decision.delivery for decision in state.refused if not decision.partition}
        if delivery in refused:
            return _refused(lake, contract, books, known[delivery])
    if contract.quarantine not in lake.catalog.locations():
        return Broken(contract.dataset, 0, (), ())
    where = "true" if delivery is None else f"delivery = {delivery}"
    with Session(lake) as session:
        return _told(
            lambda sql: session.query(sql).table.to_pylist(),
            contract.dataset,
            f"FROM {quote_table(contract.quarantine)} WHERE {where}",
            delivery is not None,
        )


def _refused(lake: Lake, contract: Contract, books: Books, delivery: Delivery) -> Broken:
    tables = {ref.dataset: books.refs.tables[f"silver.{ref.dataset}"] for ref in contract.pinned}
    pinned = {
        dataset: f"iceberg_scan({quote_text(table.metadata_location)})"
        for dataset, table in tables.items()
    }
    with lake.connect() as connection:
        staging = Staging(lake, connection, contract, pinned)
        staging.conform([delivery], {}, [delivery.number])
        partitions = [UNASSIGNED, *_partitions(books, contract, delivery)]
        if contract.partition is None:
            partitions = [WHOLE]
        found = (staging.broken.rows(name, delivery.number, "") for name in partitions)
        union = " UNION ALL ".join(f"({query})" for query in found)
        connection.execute(f"CREATE TEMP TABLE __told AS {union}")
        return _told(
            lambda sql: connection.execute(sql).to_arrow_table().to_pylist(),
            contract.dataset,
            "FROM __told WHERE true",
            True,
        )


def _partitions(books: Books, contract: Contract, delivery: Delivery) -> list[str]:
    """Returns the names of the partitions that the object's rows belong to."""
    names = {
        entry.partition
        for entry in books.inspections
        if (entry.dataset, entry.sha256) == (contract.dataset, delivery.sha256)
    }
    return sorted(names - {"", UNASSIGNED})


def _told(
    ask: Callable[[str], list[dict[str, Any]]], dataset: str, source: str, all_rows: bool
) -> Broken:
    """Counts and picks; reasons that quote a cell are counted without it."""
    total = ask(f"SELECT count(*) AS n {source}")[0]["n"]
    by_rule = ask(
        "SELECT regexp_replace(reason, ': ''.*'' is', ' is') AS rule, delivery, "
        f"count(*) AS rows FROM (SELECT unnest(rules) AS reason, delivery {source}) "
        "GROUP BY ALL ORDER BY rows DESC, rule, delivery"
    )
    fields = 'delivery, source_key AS file, line, byte_offset AS "offset", rules, raw'
    if all_rows:
        found = ask(f"SELECT {fields} {source} ORDER BY line LIMIT {_LISTED}")
    else:
        kind = "(PARTITION BY regexp_replace(rules[1], ': ''.*'' is', ' is')"
        found = ask(
            f"SELECT {fields} {source} QUALIFY row_number() OVER "
            f"{kind} ORDER BY delivery, line) <= {_EXAMPLES} ORDER BY delivery, line"
        )
    return Broken(dataset, total, by_rule, found)


def _cut(text: str | None, width: int = 160) -> str:
    """Returns text that a terminal can show on a line or two, control characters made visible."""
    plain = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text or "")
    return plain if len(plain) <= width else f"{plain[:width]} … ({len(plain):,} characters)"
