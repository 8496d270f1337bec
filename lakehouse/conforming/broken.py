"""The broken rows of a batch, inside a DuckDB connection."""

from __future__ import annotations

import duckdb

from lakehouse.connection import quote_text
from lakehouse.contract import Contract
from lakehouse.inspecting import partition_name
from lakehouse.ledger import Delivery
from lakehouse.results import UNASSIGNED

TABLE = "__broken"


def label_type(contract: Contract) -> str:
    """Returns the DuckDB type of what `label_sql` gives."""
    return "DATE" if contract.partition else "VARCHAR"


def in_partition(contract: Contract, partition: str) -> str:
    """Returns SQL that is true for staged rows of one partition."""
    if contract.partition is None:
        return "true"
    if partition == UNASSIGNED:
        return "__label IS NULL"
    return f"__label = DATE '{contract.partition.bounds(partition)[0]}'"


def out_of_time(contract: Contract) -> str:
    """Returns SQL for the list of what is wrong with a row after the last partition.

    It is no rule of the contract, which says nothing of it.
    """
    cut = contract.partition
    if cut is None:
        return "[]::VARCHAR[]"
    told = quote_text(f"{cut.column} before {cut.end}")
    return f"CASE WHEN {cut.late} THEN [{told}] ELSE []::VARCHAR[] END"


class Broken:
    """Broken rows with all that is wrong with each."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
        """Makes the empty table."""
        self._connection, self._contract = connection, contract
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} (__label {label_type(contract)}, "
            "__delivery BIGINT, __source VARCHAR, __line BIGINT, __offset BIGINT, __raw VARCHAR, "
            "__reasons VARCHAR[])"
        )

    def add(self, explained: str, delivery: Delivery) -> None:
        """Takes the rows with reasons from a relation of explained records with labels."""
        self._connection.execute(
            f"INSERT INTO {TABLE} SELECT __label, {delivery.number}, "
            f"{quote_text(delivery.source_key)}, __line, __offset, __raw, __reasons "
            f"FROM {explained} WHERE len(__reasons) > 0"
        )

    def rows(self, partition: str, delivery: int, run: str) -> str:
        """Returns SQL for the quarantine rows of one delivery in one partition."""
        return (
            f"SELECT {quote_text(self._contract.dataset)} AS dataset, __delivery AS delivery, "
            f"{quote_text(partition)} AS partition, __source AS source_key, __line AS line, "
            f"__offset AS byte_offset, __raw AS raw, __reasons AS rules, "
            f"{quote_text(self._contract.version)} AS contract_version, {quote_text(run)} AS run "
            f"FROM {TABLE} WHERE {in_partition(self._contract, partition)} "
            f"AND __delivery = {delivery} ORDER BY line"
        )

    def counts(self) -> dict[tuple[int, str], int]:
        """Returns how many rows each delivery has in each partition."""
        found = self._connection.execute(
            f"SELECT __delivery, __label, count(*) FROM {TABLE} GROUP BY ALL"
        ).fetchall()
        return {(n, partition_name(self._contract, label)): rows for n, label, rows in found}
