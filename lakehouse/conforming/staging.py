"""The rows of a run inside one DuckDB connection.

Files are read typed; only files that prove dirty are read again, record by record, to explain each
broken row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from lakehouse.conforming.broken import TABLE, Broken, in_partition, label_type, out_of_time
from lakehouse.conforming.history import Versions
from lakehouse.conforming.result import Conformed, Count, Excess
from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract, Reference
from lakehouse.contract.parts import VALIDITY
from lakehouse.inspecting import label_sql, partition_name
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery
from lakehouse.privacy import prepare, selected, treated
from lakehouse.reading import Source, reader, unpack, values
from lakehouse.results import UNASSIGNED
from lakehouse.rules import valid

_REJECTS = "__rejects"


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
        self._pinned, self._reader = pinned, reader(contract)
        self.broken = Broken(connection, contract)
        self._versions: Versions | None = None
        prepare(connection, contract, lake.settings)

    def conform(
        self,
        deliveries: Sequence[Delivery],
        wanted: Mapping[str, Collection[int]],
        accepted: Collection[int],
    ) -> Conformed:
        """Stages the rows that `deliveries` have in the partitions wanted.

        Args:
            deliveries: Every delivery that is wanted in any of the partitions.
            wanted: Numbers of the deliveries that make each partition; rows of other partitions are
                left out, and those that a delivery has in a partition where it is not wanted.
            accepted: Deliveries that a person admits whatever their share of broken rows.
        """
        with self._lake.scratch() as scratch:
            self._load(deliveries, scratch)
        excesses = self._excesses(deliveries, accepted)
        for excess in excesses:
            for table in ("__valid", "__broken"):
                self._connection.execute(
                    f"DELETE FROM {table} WHERE __delivery = {excess.delivery.number}"
                )
        gone = {excess.delivery.number for excess in excesses}
        self._keep(wanted)
        self._resolve([delivery for delivery in deliveries if delivery.number not in gone])
        counts = tuple(c for c in self._counts() if c.partition in {*wanted, UNASSIGNED})
        return Conformed(tuple(sorted(wanted)), counts, excesses)

    def valid_rows(self, partition: str) -> str:
        """Returns SQL for the rows of one partition as they are published."""
        names = selected(self._contract.columns)
        if self._versions:
            names = f"{names}, {values.names(VALIDITY)}"
        return f"SELECT {names} FROM __valid WHERE {in_partition(self._contract, partition)}"

    def _load(self, deliveries: Sequence[Delivery], scratch: Path) -> None:
        """Fills `__valid` and `__broken`, typed where files are clean, explained where not."""
        objects = {delivery.object: delivery.source_key for delivery in deliveries}
        sources = {
            name: unpack(
                self._lake.storage, self._contract, self._lake.object_url(name), key, scratch
            )
            for name, key in objects.items()
        }
        records = {}
        for name, source in sources.items():
            structure = self._reader.examine(source, self._contract)
            if structure.plain:
                records[name] = structure.records
        self._create_tables()
        plain = [delivery for delivery in deliveries if delivery.object in records]
        clean = self._insert_typed(plain, sources, records) if plain else set()
        for name, source in sources.items():
            if name not in clean:
                self._explain(source, [d for d in deliveries if d.object == name])

    def _create_tables(self) -> None:
        columns = ", ".join(f"{quote_name(c.name)} {c.type}" for c in self._contract.columns)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __valid ({columns}, __ok BOOLEAN, "
            f"__label {label_type(self._contract)}, __delivery BIGINT)"
        )
        self.broken = Broken(self._connection, self._contract)
        if self._contract.history:
            self._versions = Versions(self._connection, self._contract, self._contract.history)

    def _insert_typed(
        self,
        deliveries: Sequence[Delivery],
        sources: Mapping[str, Source],
        records: Mapping[str, int],
    ) -> set[str]:
        """Stages plain files in their own order: of equal keys in a file the last one wins.

        DuckDB keeps the order of a read, but not through any kind of join.

        Returns:
            The objects of which every record was read and every row is in order; the rows of the
            others are taken out again.
        """
        numbers = ", ".join(str(delivery.number) for delivery in deliveries)
        paths = [sources[delivery.object].path for delivery in deliveries]
        self._connection.execute(
            f"INSERT INTO __valid SELECT {values.names(self._contract.columns)}, "
            f"coalesce(__parsed AND {valid(self._contract)}, false) "
            f"AND {label_sql(self._contract)} IS NOT NULL, {label_sql(self._contract)}, "
            f"([{numbers}])[__place + 1] "
            f"FROM ({self._reader.typed(self._contract, paths, _REJECTS)})"
        )
        for reference in self._contract.pinned:
            self._connection.execute(
                f"UPDATE __valid SET __ok = false WHERE {self._orphan(reference)}"
            )
        dirty = self._reader.rejected(self._connection, _REJECTS)
        found = self._connection.execute(
            "SELECT __delivery, count(*), bool_and(__ok) FROM __valid GROUP BY 1"
        ).fetchall()
        read = {number: rows if ok else -1 for number, rows, ok in found}
        stained = [
            delivery
            for delivery in deliveries
            if read.get(delivery.number, 0) != records[delivery.object]
            or sources[delivery.object].path in dirty
        ]
        if stained:
            listed = ", ".join(str(delivery.number) for delivery in stained)
            self._connection.execute(f"DELETE FROM __valid WHERE __delivery IN ({listed})")
        return records.keys() - {delivery.object for delivery in stained}

    def _explain(self, source: Source, deliveries: Sequence[Delivery]) -> None:
        """Stages a file record by record, for each delivery that brought it."""
        query = self._reader.explained(self._connection, self._contract, source)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE __explained AS SELECT * EXCLUDE (__reasons), "
            f"list_concat(__reasons, {out_of_time(self._contract)}, {self._orphaned()}) "
            f"AS __reasons, "
            f"{label_sql(self._contract)} AS __label FROM ({query})"
        )
        for delivery in deliveries:
            self._connection.execute(
                f"INSERT INTO __valid SELECT {values.names(self._contract.columns)}, true, "
                f"__label, {delivery.number} FROM __explained "
                "WHERE len(__reasons) = 0 ORDER BY __line"
            )
            self.broken.add("__explained", delivery)
            if self._versions:
                self._versions.note("__explained", delivery)
        self._connection.execute("DROP TABLE __explained")

    def _orphaned(self) -> str:
        """SQL for the list of references that a row breaks."""
        told = [
            f"CASE WHEN {self._orphan(reference)} THEN {quote_text(reference.name)} END"
            for reference in self._contract.pinned
        ]
        return f"list_filter([{', '.join(told)}]::VARCHAR[], lambda name: name IS NOT NULL)"

    def _orphan(self, reference: Reference) -> str:
        # a hashed column refers to a hashed one
        here = [treated(self._contract.column(name)) for name in reference.columns]
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
        good, bad = self._by_delivery("__valid"), self._by_delivery(TABLE)
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

    def _keep(self, wanted: Mapping[str, Collection[int]]) -> None:
        """Takes out what a delivery has in a partition of which it was refused or is replaced."""
        for table in ("__valid", TABLE):
            found = self._connection.execute(
                f"SELECT DISTINCT __delivery, __label FROM {table}"
            ).fetchall()
            for delivery, label in found:
                name = partition_name(self._contract, label)
                if name in wanted and delivery not in wanted[name]:
                    self._connection.execute(
                        f"DELETE FROM {table} WHERE __delivery = {delivery} "
                        f"AND {in_partition(self._contract, name)}"
                    )

    def _resolve(self, deliveries: Sequence[Delivery]) -> None:
        """Of rows with one key keeps the last of the last delivery; notes what the others are."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE __losers (id BIGINT, __delivery BIGINT, "
            f"__label {label_type(self._contract)}, superseded BOOLEAN)"
        )
        if self._versions:
            self._versions.resolve(deliveries)
            return
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
