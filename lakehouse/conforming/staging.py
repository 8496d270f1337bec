"""The rows of a run inside one DuckDB connection.

Files are read typed; only files that prove dirty are read again, record by record, to explain each
broken row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import duckdb

from lakehouse.conforming.result import Conformed, Count, Excess
from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract, Reference
from lakehouse.inspecting import label_sql, partition_name
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery
from lakehouse.reading import csv
from lakehouse.reading.structure import examine
from lakehouse.results import UNASSIGNED
from lakehouse.rules import valid
from lakehouse.storage import local_path


class Staging:
    """The rows of a run inside one DuckDB connection: `__valid` and `__broken`."""

    def __init__(
        self,
        lake: Lake,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        pinned: Mapping[str, str],
    ) -> None:
        """Prepares empty staging tables.

        Args:
            lake: The lake.
            connection: Holds the rows; spills to disk beyond its memory limit.
            contract: The dataset.
            pinned: SQL of the pinned table of each dataset that rows refer to.
        """
        self._lake, self._connection, self._contract = lake, connection, contract
        self._pinned = pinned

    def conform(
        self, deliveries: Sequence[Delivery], partitions: Collection[str], accepted: Collection[int]
    ) -> Conformed:
        """Stages the rows that `deliveries` have in `partitions`.

        Args:
            deliveries: Every delivery that touches any of the partitions.
            partitions: Names of the partitions wanted; rows of others are left out.
            accepted: Deliveries that a person admits whatever their share of broken rows.
        """
        self._load(deliveries)
        excesses = self._excesses(deliveries, accepted)
        for excess in excesses:
            for table in ("__valid", "__broken"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE __delivery = {excess.delivery.number}"
                )
        self._resolve()
        counts = tuple(c for c in self._counts() if c.partition in {*partitions, UNASSIGNED})
        return Conformed(tuple(sorted(partitions)), counts, excesses)

    def valid_rows(self, partition: str) -> str:
        """Returns SQL for the rows of one partition, in the contract's columns."""
        names = ", ".join(quote_name(column.name) for column in self._contract.columns)
        return f"SELECT {names} FROM __valid WHERE {self._in(partition)}"

    def broken_rows(self, partition: str, delivery: int, run: str) -> str:
        """Returns SQL for the quarantine rows of one delivery in one partition."""
        return (
            f"SELECT {quote_text(self._contract.dataset)} AS dataset, __delivery AS delivery, "
            f"{quote_text(partition)} AS partition, __source AS source_key, __line AS line, "
            f"__offset AS byte_offset, __raw AS raw, __reasons AS rules, "
            f"{quote_text(self._contract.version)} AS contract_version, {quote_text(run)} AS run "
            f"FROM __broken WHERE {self._in(partition)} AND __delivery = {delivery} ORDER BY line"
        )

    def _in(self, partition: str) -> str:
        if self._contract.partition is None:
            return "true"
        if partition == UNASSIGNED:
            return "__label IS NULL"
        return f"__label = DATE '{self._contract.partition.bounds(partition)[0]}'"

    def _load(self, deliveries: Sequence[Delivery]) -> None:
        """Fills `__valid` and `__broken`, typed where files are clean, explained where not."""
        self._stage_deliveries(deliveries)
        objects = {delivery.object: delivery for delivery in deliveries}
        lines = {}
        for url, delivery in objects.items():
            with self._lake.storage.open(url) as stream:
                structure = examine(stream, self._contract, delivery.source_key)
            if structure.plain:
                lines[local_path(url)] = structure.lines
        self._create_tables()
        if lines:
            self._insert_typed(lines, deliveries)
        clean = self._clean(lines) if lines else set()
        stained = [path for path in lines if path not in clean]
        if stained:
            listed = ", ".join(quote_text(path) for path in stained)
            self._connection.execute(f"DELETE FROM __valid WHERE __object IN ({listed})")
        for url, delivery in objects.items():
            if local_path(url) not in clean:
                self._explain(delivery)

    def _stage_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE __deliveries "
            "(__object VARCHAR, __delivery BIGINT, __source VARCHAR)"
        )
        # written out, because bound parameters make DuckDB import pandas, which takes a second
        rows = ", ".join(
            f"({quote_text(local_path(d.object))}, {d.number}, {quote_text(d.source_key)})"
            for d in deliveries
        )
        if rows:  # none are left where a partition's only delivery was withdrawn
            self._connection.execute(f"INSERT INTO __deliveries VALUES {rows}")

    def _create_tables(self) -> None:
        columns = ", ".join(f"{quote_name(c.name)} {c.type}" for c in self._contract.columns)
        label = "DATE" if self._contract.partition else "VARCHAR"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __valid ({columns}, __object VARCHAR, __ok BOOLEAN, "
            f"__label {label}, __delivery BIGINT)"
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __broken (__label {label}, __delivery BIGINT, "
            "__source VARCHAR, __line BIGINT, __offset BIGINT, __raw VARCHAR, __reasons VARCHAR[])"
        )

    def _insert_typed(self, paths: Collection[str], deliveries: Sequence[Delivery]) -> None:
        """Reads plain files in their own order: of equal keys in a file the last one wins.

        DuckDB keeps the order of a read, but not through any kind of join.
        """
        plain = [delivery for delivery in deliveries if local_path(delivery.object) in paths]
        numbers = ", ".join(str(delivery.number) for delivery in plain)
        names = ", ".join(quote_name(column.name) for column in self._contract.columns)
        self._connection.execute(
            f"INSERT INTO __valid SELECT {names}, __object, "
            f"coalesce(__parsed AND {valid(self._contract)}, false), {label_sql(self._contract)}, "
            f"([{numbers}])[__place + 1] "
            f"FROM ({csv.typed(self._contract, [delivery.object for delivery in plain])})"
        )
        for reference in self._contract.pinned:
            self._connection.execute(
                f"UPDATE __valid SET __ok = false WHERE {self._orphan(reference)}"
            )

    def _clean(self, lines: Mapping[str, int]) -> set[str]:
        """Returns the files of which every line was read and every row is in order."""
        dirty = csv.rejected(self._connection)
        found = self._connection.execute(
            "SELECT __object, count(*) / count(DISTINCT __delivery), bool_and(__ok) "
            "FROM __valid GROUP BY 1"
        ).fetchall()
        good = {
            path for path, rows, ok in found if ok and rows == lines[path] and path not in dirty
        }
        return good | {path for path, n in lines.items() if n == 0}

    def _explain(self, delivery: Delivery) -> None:
        with self._lake.storage.open(delivery.object) as stream:
            data = stream.read()
        query = csv.explained(
            self._connection, self._contract, delivery.object, delivery.source_key, data
        )
        names = ", ".join(quote_name(column.name) for column in self._contract.columns)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __explained AS SELECT * EXCLUDE (__reasons), "
            f"list_concat(__reasons, {self._orphaned()}) AS __reasons, "
            f"{label_sql(self._contract)} AS __label "
            f"FROM ({query}) JOIN __deliveries USING (__object)"
        )
        self._connection.execute(
            f"INSERT INTO __valid SELECT {names}, __object, true, __label, __delivery "
            "FROM __explained WHERE len(__reasons) = 0 ORDER BY __delivery, __line"
        )
        self._connection.execute(
            "INSERT INTO __broken SELECT __label, __delivery, __source, __line, __offset, __raw, "
            "__reasons FROM __explained WHERE len(__reasons) > 0"
        )
        self._connection.execute("DROP TABLE __explained")

    def _orphaned(self) -> str:
        """SQL for the list of references that a row breaks."""
        told = [
            f"CASE WHEN {self._orphan(reference)} THEN {quote_text(reference.name)} END"
            for reference in self._contract.pinned
        ]
        return f"list_filter([{', '.join(told)}]::VARCHAR[], lambda name: name IS NOT NULL)"

    def _orphan(self, reference: Reference) -> str:
        here = [quote_name(column) for column in reference.columns]
        there = ", ".join(quote_name(column) for column in reference.to)
        known = " AND ".join(f"{column} IS NOT NULL" for column in here)
        listed = f"({', '.join(here)})" if len(here) > 1 else here[0]
        paired = f"({there})" if len(here) > 1 else there
        # NOT IN a list with a null is never true
        told = " AND ".join(f"{quote_name(column)} IS NOT NULL" for column in reference.to)
        partners = f"SELECT {paired} FROM {self._pinned[reference.dataset]} WHERE {told}"
        return f"({known} AND {listed} NOT IN ({partners}))"

    def _excesses(
        self, deliveries: Sequence[Delivery], accepted: Collection[int]
    ) -> tuple[Excess, ...]:
        good, bad = self._by_delivery("__valid"), self._by_delivery("__broken")
        found = []
        for delivery in deliveries:
            broken = bad.get(delivery.number, 0)
            total = broken + good.get(delivery.number, 0)
            if broken > self._contract.limit * total and delivery.number not in accepted:
                found.append(Excess(delivery, total, broken, *self._commonest(delivery.number)))
        return tuple(found)

    def _by_delivery(self, table: str) -> dict[int, int]:
        found = self._connection.execute(f"SELECT __delivery, count(*) FROM {table} GROUP BY 1")
        return dict(found.fetchall())

    def _commonest(self, delivery: int) -> tuple[str, int]:
        """The reason that most broken rows of a delivery share; cells' own texts count as one."""
        found = self._connection.execute(
            "SELECT regexp_replace(reason, ': ''.*'' is', ' is') AS told, count(*) FROM "
            f"(SELECT unnest(__reasons) AS reason FROM __broken WHERE __delivery = {delivery}) "
            "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
        ).fetchone()
        return (str(found[0]), int(found[1])) if found else ("", 0)

    def _resolve(self) -> None:
        """Of rows with one key keeps the last of the last delivery; notes what the others are."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE __losers (id BIGINT, __delivery BIGINT, __label "
            f"{'DATE' if self._contract.partition else 'VARCHAR'}, superseded BOOLEAN)"
        )
        if not self._contract.key:
            return
        key = ", ".join(quote_name(name) for name in self._contract.key)
        # windows only over keys that need one: ten times faster than over all rows
        self._connection.execute(
            f"INSERT INTO __losers WITH repeated AS "
            f"(SELECT {key} FROM __valid GROUP BY ALL HAVING count(*) > 1), "
            f"ranked AS (SELECT rowid AS id, __delivery, __label, "
            f"row_number() OVER (PARTITION BY {key} ORDER BY __delivery DESC, rowid DESC) place, "
            f"max(__delivery) OVER (PARTITION BY {key}) AS winner "
            f"FROM __valid SEMI JOIN repeated USING ({key})) "
            f"SELECT id, __delivery, __label, __delivery < winner FROM ranked WHERE place > 1"
        )
        self._connection.execute("DELETE FROM __valid WHERE rowid IN (SELECT id FROM __losers)")

    def _counts(self) -> list[Count]:
        found = self._connection.execute(
            "SELECT __delivery, __label, sum(p)::BIGINT, sum(q)::BIGINT, sum(d)::BIGINT, "
            "sum(s)::BIGINT FROM ("
            "SELECT __delivery, __label, 1 AS p, 0 AS q, 0 AS d, 0 AS s FROM __valid UNION ALL "
            "SELECT __delivery, __label, 0, 1, 0, 0 FROM __broken UNION ALL "
            "SELECT __delivery, __label, 0, 0, (NOT superseded)::INT, superseded::INT FROM __losers"
            ") GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return [
            Count(delivery, partition_name(self._contract, label), *numbers)
            for delivery, label, *numbers in found
        ]
