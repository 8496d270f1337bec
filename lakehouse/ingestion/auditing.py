"""Judges a proposal on its branch, partition by partition, before any reader can see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from lakehouse.admitting import View
from lakehouse.catalog import Proposal
from lakehouse.conforming import Count
from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract, Reference
from lakehouse.errors import ServiceFailed
from lakehouse.ingestion.personal import PERSONAL_DATA, personal_data
from lakehouse.ingestion.withholding import withhold
from lakehouse.inspecting import label_sql, partition_name
from lakehouse.results import Check
from lakehouse.validation import Report, validate

_BRANCH = "__branch"


@dataclass(frozen=True)
class Audit:
    """The judgement of a proposal.

    Attributes:
        report: The verdicts of the suite and of the scan for personal data.
        references: One check per reference and partition.
        snapshot: The snapshot that was judged.
        sequence: Its sequence number, which orders audits.
    """

    report: Report
    references: tuple[Check, ...]
    snapshot: int
    sequence: int

    @property
    def checks(self) -> tuple[Check, ...]:
        """All judgements."""
        return (*self.report.checks(), *self.references)

    @property
    def inadmissible(self) -> frozenset[str]:
        """Partitions that only the contract can admit: they show personal data without a waiver."""
        return frozenset(
            v.partition for v in self.report.verdicts if v.type == PERSONAL_DATA and v.refuses
        )

    def evidence(self, partition: str) -> str:
        """Returns why a partition is refused, in words."""
        told = [
            v.sentence() for v in self.report.verdicts if v.partition == partition and v.refuses
        ]
        return "; ".join(told)


def audit(
    view: View, proposal: Proposal, partitions: Sequence[str], counts: Sequence[Count]
) -> Audit:
    """Judges the branch's partitions.

    Raises:
        ServiceFailed: The branch does not hold the rows that were written to it.
    """
    contract = view.contract
    with view.lake.connect() as connection:
        connection.execute(
            f"CREATE VIEW {_BRANCH} AS SELECT * FROM iceberg_scan("
            f"{quote_text(proposal.metadata)}, snapshot_from_id={proposal.snapshot})"
        )
        report = validate(connection, _BRANCH, contract, partitions)
        _require_all_rows(contract, report, counts)
        filled = [name for name in partitions if report.rows.get(name)]
        told = personal_data(connection, _BRANCH, contract, filled)
        report = replace(report, verdicts=(*withhold(report.verdicts, told), *told))
        found = [
            check
            for reference in contract.references
            if view.books.refs.snapshot(f"silver.{reference.dataset}") is not None
            for check in _orphans(view, connection, reference, report.rows)
        ]
    return Audit(report, tuple(found), proposal.snapshot, proposal.sequence)


def _require_all_rows(contract: Contract, report: Report, counts: Sequence[Count]) -> None:
    """What was written is what is on the branch; storage that lost a file is found here."""
    for partition in report.partitions:
        written = sum(count.published for count in counts if count.partition == partition)
        found = report.rows.get(partition, 0)
        if found != written:
            why = (
                f"{contract.table} [{partition}] has {found:,} rows where {written:,} were written"
            )
            raise ServiceFailed("Storage", "reading the branch back", why)


def _orphans(
    view: View,
    connection: duckdb.DuckDBPyConnection,
    reference: Reference,
    rows: Mapping[str, int],
) -> list[Check]:
    """Counts rows without a partner, per partition."""
    table = view.books.refs.tables[f"silver.{reference.dataset}"]
    here = [quote_name(column) for column in reference.columns]
    there = [quote_name(column) for column in reference.to]
    joined = " AND ".join(f"b.{a} = r.{b}" for a, b in zip(here, there, strict=True))
    known = " AND ".join(f"b.{column} IS NOT NULL" for column in here)
    found = connection.execute(
        f"SELECT label, count(*), min(example) FROM (SELECT {label_sql(view.contract)} AS label, "
        f"{' || '.join(f'CAST(b.{column} AS VARCHAR)' for column in here)} AS example "
        f"FROM {_BRANCH} b WHERE {known} AND NOT EXISTS (SELECT 1 FROM iceberg_scan("
        f"{quote_text(table.metadata_location)}) r WHERE {joined})) GROUP BY ALL"
    ).fetchall()
    orphans = {partition_name(view.contract, label): (n, example) for label, n, example in found}
    return [
        _orphan_check(reference, partition, total, *orphans.get(partition, (0, None)))
        for partition, total in rows.items()
    ]


def _orphan_check(
    reference: Reference, partition: str, rows: int, orphans: int, example: str | None
) -> Check:
    told = f"{orphans:,} of {rows:,} rows have no partner"
    return Check(
        name=reference_check(reference),
        passed=orphans == 0,
        severity="warning",
        description=f"{reference.name} [{partition}]: {told}"
        + (f", for example {example}" if example else ""),
        facts={
            "type": "reference",
            "observed": orphans,
            "expected": {"orphans": 0},
            "unexpected": orphans,
            "rows": rows,
            "examples": [{", ".join(reference.columns): example}] if example else [],
        },
        partition=partition,
    )


def reference_check(reference: Reference) -> str:
    """Returns the name of the check that counts a reference's orphans."""
    return f"reference__{'_'.join(reference.columns)}__{reference.dataset}"
