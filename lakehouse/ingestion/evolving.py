"""Before a row is read: the published table follows its contract, or the contract is refused."""

from __future__ import annotations

from collections.abc import Mapping

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from lakehouse import tables
from lakehouse.catalog import evolve, is_new, kept, retried, rows_of, summary_of
from lakehouse.contract import Contract, describe, differences, promised, recorded
from lakehouse.errors import BreakingChange
from lakehouse.lake import Lake
from lakehouse.results import counted

_ATTEMPTS = 5


def prepare(lake: Lake, contract: Contract) -> None:
    """Makes or changes the two tables of a dataset as its contract says.

    A table that readers never saw a row of takes any shape; of the others the columns change in
    place.

    Raises:
        BreakingChange: The contract breaks what readers of the published table were promised.
        PublishConflict: Other runs kept committing to the table at the same time.
    """
    retried(_ATTEMPTS, lambda: _prepare(lake, contract))


def _prepare(lake: Lake, contract: Contract) -> None:
    schema, spec = tables.silver_schema(contract), tables.silver_spec(contract)
    table = lake.catalog.ensure(contract.table, schema, spec)
    lake.catalog.ensure(contract.quarantine, tables.quarantine_schema(), tables.quarantine_spec())
    if is_new(table):
        if _shape(table.schema(), table.spec()) != _shape(schema, spec):
            lake.catalog.drop(table)
            table = lake.catalog.ensure(contract.table, schema, spec)
    elif breaking := _breaking(table, contract):
        raise BreakingChange(contract.table, breaking, _readers(table))
    ids = {column.name: column.id for column in contract.published if column.id}
    evolve(table, schema, ids, _readers(table))


def note(table: Table, contract: Contract) -> Mapping[str, str]:
    """Returns what a table keeps of the contract that it is published under."""
    mine = ".".join(table.name()) == contract.table
    told = recorded(contract, table.properties) if mine else {}
    return {**told, **kept(contract.keeping.snapshots, contract.keeping.days)}


def _shape(schema: Schema, spec: PartitionSpec) -> object:
    """Returns what two tables have in common whose files may be exchanged."""
    columns = [(field.name, field.field_type) for field in schema.fields]
    cuts = [(schema.find_column_name(field.source_id), field.transform) for field in spec.fields]
    return columns, cuts


def _breaking(table: Table, contract: Contract) -> list[str]:
    """Returns the breaking changes since the contract that readers see, in words."""
    known = promised(table.properties, summary_of(table.current_snapshot()))
    found = differences(known, describe(contract)) if known else ()
    return [f"{one.what} ({one.why})" for one in found if one.breaking]


def _readers(table: Table) -> str:
    """Returns what readers see now, in words."""
    snapshot = table.current_snapshot()
    under = summary_of(snapshot).get("lakehouse.contract-version")
    rows = counted(rows_of(snapshot), "row")
    where = f" of snapshot {snapshot.snapshot_id}" if snapshot else ""
    return f"readers see {rows}{where}{(under and f' under contract {under}') or ''}"
