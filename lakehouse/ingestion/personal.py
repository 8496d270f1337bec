"""Judges whether text columns that are published as they are hold personal data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import duckdb

from lakehouse.connection import quote_name
from lakehouse.contract import Column, Contract
from lakehouse.inspecting import label_sql, partition_name
from lakehouse.privacy import KINDS, Finding, scan, scanned
from lakehouse.results import counted
from lakehouse.validation import Outcome, Verdict

PERSONAL_DATA = "personal_data"
NOTES = (
    "Identifiers of people are published only where the contract says so: by a treatment of the "
    "column, or by a waiver of a person who answers for it."
)


def personal_check(column: Column) -> str:
    """Returns the name of the check that looks for personal data in a column."""
    return f"{PERSONAL_DATA}__{column.name}"


def personal_data(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    contract: Contract,
    partitions: Sequence[str],
) -> tuple[Verdict, ...]:
    """Returns a verdict for each of the partitions and each text column without a treatment.

    Args:
        connection: Open connection in which the relation is visible.
        relation: Name of a view over the audited branch.
        contract: The dataset.
        partitions: The partitions to judge, none without rows.
    """
    columns = scanned(contract.columns)
    if not columns or not partitions:
        return ()
    rows = f"(SELECT * FROM {relation} WHERE {_within(contract, partitions)})"
    found: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in scan(connection, rows, columns, label_sql(contract)):
        found[partition_name(contract, finding.label), finding.column].append(finding)
    return tuple(
        _verdict(column, partition, found.get((partition, column.name), []))
        for partition in partitions
        for column in columns
    )


def _within(contract: Contract, partitions: Sequence[str]) -> str:
    """SQL for the rows of the partitions, as few ranges, so that other files are skipped."""
    if contract.partition is None:
        return "true"
    bounds: list[list[object]] = []
    for first, end in sorted(contract.partition.bounds(name) for name in partitions):
        if bounds and bounds[-1][1] == first:
            bounds[-1][1] = end
        else:
            bounds.append([first, end])
    name = quote_name(contract.partition.column)
    ranges = (f"({name} >= DATE '{a}' AND {name} < DATE '{b}')" for a, b in bounds)
    return " OR ".join(ranges)


def _verdict(column: Column, partition: str, findings: Sequence[Finding]) -> Verdict:
    waiver = column.waiver
    allowed = waiver.kinds if waiver else ()
    refused = [finding for finding in findings if finding.kind not in allowed]
    told = "; ".join(_told(finding) for finding in refused or findings)
    if refused:
        told += (
            ". Classify the column and give it `privacy: hash`, `mask` or `drop`, or record a "
            "`waiver` with kinds, by and reason"
        )
    elif findings and waiver:
        told += f". Allowed by {waiver.by}: {waiver.reason}"
    return Verdict(
        partition=partition,
        name=personal_check(column),
        type=PERSONAL_DATA,
        outcome=Outcome.FAIL if refused else Outcome.PASS,
        severity="error",
        expected={"column": column.name},
        notes=NOTES,
        message=told,
    )


def _told(finding: Finding) -> str:
    """What was found, without a value."""
    return (
        f"{counted(finding.values, 'distinct value')} of {finding.distinct:,} "
        f"{'looks' if finding.values == 1 else 'look'} like {KINDS[finding.kind]} "
        f"(kind `{finding.kind}`), in the form {finding.outline}"
    )
