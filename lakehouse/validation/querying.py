"""Judges partitions by the contract's own SQL: one number each, compared with its limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from lakehouse.connection import quote_name
from lakehouse.contract import Contract, Partition, Query
from lakehouse.contract.queries import TABLE
from lakehouse.validation.report import Outcome, Verdict

TYPE = "sql"
_ROWS = "lakehouse_rows"
_NUMBER = (int, float, Decimal)

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "mustBe": lambda found, limit: found == limit,
    "mustNotBe": lambda found, limit: found != limit,
    "mustBeGreaterThan": lambda found, limit: found > limit,
    "mustBeGreaterOrEqualTo": lambda found, limit: found >= limit,
    "mustBeLessThan": lambda found, limit: found < limit,
    "mustBeLessOrEqualTo": lambda found, limit: found <= limit,
    "mustBeBetween": lambda found, limit: limit[0] <= found <= limit[1],
    "mustNotBeBetween": lambda found, limit: not limit[0] <= found <= limit[1],
}


def ask(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    contract: Contract,
    partitions: Sequence[str],
) -> list[Verdict]:
    """Returns a verdict for every partition and query; each query sees one partition's rows alone.

    Args:
        connection: Open connection in which the relation is visible.
        relation: Name of a table or view.
        contract: Its partition and queries.
        partitions: Names of partitions that have rows.
    """
    verdicts = []
    for partition in partitions if contract.queries else ():
        where = _range(contract.partition, partition)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {_ROWS} AS FROM {quote_name(relation)} WHERE {where}"
        )
        verdicts += [_judged(connection, query, partition) for query in contract.queries]
        connection.execute(f"DROP VIEW {_ROWS}")
    return verdicts


def _range(partition: Partition | None, name: str) -> str:
    """Returns the predicate of one partition's rows, by which files outside it are skipped."""
    if partition is None:
        return "true"
    column, (first, after) = quote_name(partition.column), partition.bounds(name)
    return f"{column} >= DATE '{first}' AND {column} < DATE '{after}'"


def _judged(connection: duckdb.DuckDBPyConnection, query: Query, partition: str) -> Verdict:
    """Returns the verdict of one query on the rows that it sees."""
    try:
        rows = connection.execute(query.sql.replace(TABLE, _ROWS)).fetchmany(2)
    except duckdb.Error as error:
        return _verdict(query, partition, Outcome.ERROR, message=_told(error))
    if len(rows) != 1:
        told = f"could not be evaluated: the query gave {len(rows) or 'no'} rows, not one"
        return _verdict(query, partition, Outcome.ERROR, message=told)
    found = rows[0][0]
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return _verdict(query, partition, Outcome.FAIL, message="the query gave no number")
    if not isinstance(found, _NUMBER):
        told = f"could not be evaluated: the query gave {found!r}, which is no number"
        return _verdict(query, partition, Outcome.ERROR, message=told)
    number = float(found) if isinstance(found, Decimal) else found
    passed = _COMPARISONS[query.operator](number, query.limit)
    return _verdict(query, partition, Outcome.PASS if passed else Outcome.FAIL, observed=number)


def _told(error: duckdb.Error) -> str:
    return "could not be evaluated: " + " ".join(str(error).split())


def _verdict(
    query: Query, partition: str, outcome: Outcome, *, observed: object = None, message: str = ""
) -> Verdict:
    limit = list(query.limit) if isinstance(query.limit, tuple) else query.limit
    return Verdict(
        partition=partition,
        name=query.name,
        type=TYPE,
        outcome=outcome,
        severity=query.severity,
        observed=observed,
        expected={query.operator: limit, "query": query.sql},
        notes=query.notes,
        message=message,
    )
