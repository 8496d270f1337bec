"""Judges a relation in DuckDB by a contract's suite, partition by partition, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lakehouse.contract import Contract
from lakehouse.validation import suite
from lakehouse.validation.querying import ask
from lakehouse.validation.report import Outcome, Report, Verdict

if TYPE_CHECKING:
    import duckdb


def validate(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    contract: Contract,
    partitions: Sequence[str],
) -> Report:
    """Returns a verdict for every partition and expectation or query; nothing is written.

    Before the suite come two conditions, because an expectation about values passes where there
    are none: the columns of the contract are there with their types, and each partition has rows.
    A partition without rows gets no other verdict than that.

    Args:
        connection: Open connection in which the relation is visible.
        relation: Name of a table or view, for example over the audited branch. Rows of partitions
            that are not asked for are not judged.
        contract: Its columns, partition, key, expectations and queries.
        partitions: Names of the partitions to judge; `("all",)` for an unpartitioned dataset.

    Raises:
        UnknownName: An expectation of the contract does not exist.
        ExpectationRefused: An expectation's arguments cannot be used.
    """
    items = suite.build(contract.expectations)
    suite.import_great_expectations()
    from lakehouse.validation.engine import Cut, DuckDBEngine
    from lakehouse.validation.judging import judge

    found = _columns(connection, relation)
    broken = _broken_columns(connection, contract, found)
    cut_column = contract.partition.column if contract.partition else None
    if cut_column is not None and cut_column not in found:
        return _report(contract, partitions, [_schema(name, broken) for name in partitions], {})
    if not partitions:
        return _report(contract, (), [], {})
    engine = DuckDBEngine(connection, relation, Cut(contract.partition, partitions))
    keys = [name for name in contract.key if name in found]
    judged, rows = judge(engine, items, keys)
    verdicts = [_no_rows(name) for name in partitions if not rows[name]]
    if broken:
        verdicts += [_schema(name, broken) for name in partitions if rows[name]]
    verdicts += judged
    verdicts += ask(connection, relation, contract, [name for name in partitions if rows[name]])
    return _report(contract, partitions, verdicts, rows)


def _report(
    contract: Contract,
    partitions: Sequence[str],
    verdicts: Sequence[Verdict],
    rows: Mapping[str, int],
) -> Report:
    """Returns the verdicts in the order of the partitions."""
    place = {name: position for position, name in enumerate(partitions)}
    ordered = sorted(verdicts, key=lambda verdict: place[verdict.partition])
    return Report(contract.dataset, tuple(partitions), tuple(ordered), dict(rows))


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> Mapping[str, str]:
    """Returns name and type of the relation's columns."""
    quoted = relation.replace('"', '""')
    return {row[0]: row[1] for row in connection.execute(f'DESCRIBE "{quoted}"').fetchall()}


def _broken_columns(
    connection: duckdb.DuckDBPyConnection, contract: Contract, found: Mapping[str, str]
) -> Sequence[str]:
    """Returns what the columns lack, in words."""
    broken = []
    for column in contract.published:
        wanted = column.published_type
        if column.name not in found:
            broken.append(f"column '{column.name}' is missing")
        elif found[column.name] != str(connection.sqltype(wanted)):
            broken.append(f"column '{column.name}' is {found[column.name]}, not {wanted}")
    return broken


def _no_rows(partition: str) -> Verdict:
    """Returns the verdict on a partition that was asked for and is empty."""
    message = "the partition has no rows, so nothing else was judged"
    return Verdict(partition, "has_rows", "has_rows", Outcome.FAIL, "error", 0, message=message)


def _schema(partition: str, broken: Sequence[str]) -> Verdict:
    """Returns the verdict on columns that are not as the contract says."""
    message = "; ".join(broken)
    return Verdict(partition, "has_columns", "has_columns", Outcome.FAIL, "error", message=message)
