"""The engine's facts as Dagster's metadata."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from lakehouse.catalog import content_of, rows_of
from lakehouse.errors import UnknownName
from lakehouse.lake import Lake
from lakehouse.quality import DOCS

SNAPSHOT = "published snapshot"
CONTENT = "rows since snapshot"
_TYPES = {bool: "bool", int: "int", float: "float"}


def metadata(facts: Mapping[str, object]) -> dict[str, Any]:
    """Returns facts as metadata; those that have no value are left out.

    Numbers stay numbers, which Dagster plots over time. A list of mappings becomes a table.
    """
    shown = {name: _value(value) for name, value in facts.items() if value is not None}
    if DOCS in shown:
        shown[DOCS] = dg.MetadataValue.path(str(facts[DOCS]))
    return shown


def published(lake: Lake, key: dg.AssetKey) -> dict[str, Any]:
    """Returns Dagster's standard metadata of the table that readers now see, if it is one."""
    name = ".".join(key.path)
    try:
        table = lake.catalog.table(name)
    except UnknownName:
        return {}
    snapshot = table.current_snapshot()
    return {
        "dagster/table_name": name,
        "dagster/uri": table.location(),
        "dagster/row_count": rows_of(snapshot),
        SNAPSHOT: str(snapshot.snapshot_id) if snapshot else "none",
        CONTENT: str(content_of(snapshot)) if snapshot else "none",
        "metadata location": dg.MetadataValue.path(table.metadata_location),
    }


def version(facts: Mapping[str, Any]) -> dg.DataVersion | None:
    """Returns what stands for the rows as the version of the data: the same outdates nothing."""
    return dg.DataVersion(facts[CONTENT]) if CONTENT in facts else None


def _value(value: object) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return dg.MetadataValue.json({str(name): _plain(part) for name, part in value.items()})
    if isinstance(value, list | tuple) and value and all(isinstance(p, Mapping) for p in value):
        return _table(value)
    if isinstance(value, list | tuple | set | frozenset):
        return dg.MetadataValue.json([_plain(part) for part in value])
    return str(value)


def _table(rows: Sequence[Mapping[str, object]]) -> dg.TableMetadataValue:
    """Returns rows as a table with the columns of the first; an empty cell is empty text."""
    columns = [dg.TableColumn(name, _TYPES.get(type(v), "string")) for name, v in rows[0].items()]
    records = [{c.name: _cell(row.get(c.name)) for c in columns} for row in rows]
    return dg.MetadataValue.table(
        [dg.TableRecord(record) for record in records], dg.TableSchema(columns)
    )


def _cell(value: object) -> bool | int | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    return "" if value is None else str(value)


def _plain(value: object) -> Any:
    """Returns a value of JSON; whatever JSON does not know becomes text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return str(value)
