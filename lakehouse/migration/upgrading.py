"""Brings a lake that an earlier version has written to the present format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.table import Table

from lakehouse import catalog, faults
from lakehouse.catalog import FORMAT_VERSION, Change
from lakehouse.errors import UsageError
from lakehouse.lake import Lake
from lakehouse.results import Result, counted

_ATTEMPTS = 10
_BOOKS = ("ledger.deliveries", "ledger.claims")
"""The books that name objects."""
_PARTS = 4
"""bronze, dataset, first digits of the sha256, and the file: the path of an object."""


@dataclass(frozen=True)
class Upgraded(Result):
    """What became of an older lake.

    Attributes:
        found: The format that the lake had.
        tables: How many tables were brought to the present one.
    """

    found: int
    tables: int

    def summary(self) -> str:
        """Names both formats."""
        if not self.tables:
            return f"The lake has format {FORMAT_VERSION} already; nothing was changed."
        return (
            f"{counted(self.tables, 'table')} upgraded from format {self.found} to "
            f"{FORMAT_VERSION}, all at once."
        )

    def facts(self) -> Mapping[str, object]:
        """Returns formats and the number of tables."""
        return {"from": self.found, "to": int(FORMAT_VERSION), "tables": self.tables}


def upgrade(lake: Lake) -> Upgraded:
    """Brings every table to the present format in one commit; without older ones nothing is done.

    Runs of an earlier version that are under way cannot commit any more and say why.

    Raises:
        LakeFormatError: A newer version of the lakehouse has written the lake.
        UsageError: The books name an object that is not in this warehouse.
        PublishConflict: Other runs kept committing at the same time.
    """
    return catalog.retried(_ATTEMPTS, lambda: _upgraded(lake))


def _upgraded(lake: Lake) -> Upgraded:
    tables = lake.catalog.refs(older=True).tables
    older = {name: table for name, table in tables.items() if catalog.is_older(table)}
    found = min(map(catalog.format_of, older.values()), default=int(FORMAT_VERSION))
    changes = [_change(lake, name, table) for name, table in older.items()]
    faults.reach("upgrade.staged")
    lake.catalog.commit(changes)
    return Upgraded(found, len(older))


def _change(lake: Lake, name: str, table: Table) -> Change:
    if name not in _BOOKS:
        return catalog.upgraded(table)
    rows = table.scan().to_arrow()
    place = rows.schema.get_field_index("object")
    paths = [_path(lake, str(url)) for url in rows["object"].to_pylist()]
    field = rows.schema.field(place)
    return catalog.upgraded(table, rows.set_column(place, field, pa.array(paths, field.type)))


def _path(lake: Lake, url: str) -> str:
    """Returns the path of an object in the warehouse."""
    path = "/".join(url.split("/")[-_PARTS:])
    if lake.object_url(path) != url and not lake.storage.exists(lake.object_url(path)):
        why = f"its books name {url}, and {lake.object_url(path)} is not there"
        raise UsageError(
            f"The lake was not upgraded: {why}. Nothing was changed. Set LAKEHOUSE_WAREHOUSE to "
            "the folder that the lake was written in."
        )
    return path
