"""Properties of a contract as typed columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from open_data_contract_standard.model import SchemaProperty

from lakehouse.contract.custom import Custom, read_custom
from lakehouse.contract.document import Document, Place
from lakehouse.contract.expressions import columns_of, type_of
from lakehouse.contract.formats import strptime
from lakehouse.contract.parser import ExpressionRefused
from lakehouse.contract.parts import ISO_8601, Column
from lakehouse.contract.privacy import check_classification, read_treatment, read_waiver
from lakehouse.errors import did_you_mean

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""Names of datasets and columns become paths, tables and SQL; nothing else may be in them."""

_PROPERTIES: Place = ("schema", 0, "properties")
_TYPES: Mapping[str | None, Mapping[str | None, str]] = {
    "string": {None: "VARCHAR"},
    "integer": {
        **dict.fromkeys((None, "i8", "i16", "i32", "u8", "u16"), "INTEGER"),
        **dict.fromkeys(("u32", "i64"), "BIGINT"),
    },
    "number": {None: "DOUBLE", "f32": "FLOAT", "f64": "DOUBLE"},
    "boolean": {None: "BOOLEAN"},
    "date": {None: "DATE"},
    "timestamp": {None: "TIMESTAMPTZ"},
    "time": {None: "TIME"},
}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)", re.IGNORECASE)
_DATED = ("date", "timestamp", "time")
_CUSTOM = ("unit", "privacy", "waiver", "formats", "fileNames", "mayBeAbsent")


def read_columns(
    document: Document, properties: Sequence[SchemaProperty], key: Sequence[str]
) -> tuple[Column, ...]:
    """Returns the columns in the contract's order; those of the key and the partition are required.

    Raises:
        ContractError: A name that cannot be a column, a type or option that is not honoured.
    """
    _check_names(document, _PROPERTIES, properties)
    columns = [
        _column(document, (*_PROPERTIES, position), prop, key)
        for position, prop in enumerate(properties)
    ]
    for position, column in enumerate(columns):
        if column.transform is not None:
            _check_transform(document, (*_PROPERTIES, position), column, columns)
    return tuple(_safe(column) for column in columns)


def _safe(column: Column) -> Column:
    """Returns the column with a transform that gives null where it cannot be computed.

    `make_date(2013, 2, 30)` would end the whole query; null breaks the row alone if it is required.
    """
    return replace(column, transform=f"TRY({column.transform})") if column.transform else column


def _check_names(document: Document, place: Place, properties: Sequence[SchemaProperty]) -> None:
    """Refuses names that are not plain, and two that differ only in case."""
    seen: set[str] = set()
    for position, prop in enumerate(properties):
        where = (*place, position, "name")
        if not NAME.fullmatch(prop.name or ""):
            raise document.refuse(where, f"{prop.name!r} is not a name of letters, digits and _")
        if str(prop.name).lower() in seen:
            raise document.refuse(where, f"'{prop.name}' names a second column")
        seen.add(str(prop.name).lower())
    ids = [prop.id for prop in properties]
    for position, id in enumerate(ids):
        if id is not None and id in ids[:position]:
            raise document.refuse((*place, position, "id"), f"'{id}' is another property's id")


def _column(document: Document, place: Place, prop: SchemaProperty, key: Sequence[str]) -> Column:
    """Returns one column; its transform is checked when all columns are known."""
    _check_documented(document, place, prop)
    options = prop.logicalTypeOptions or {}
    custom = read_custom(document, place, prop.customProperties, _CUSTOM)
    transform = (prop.transformLogic or "").strip() or None
    if transform is None and prop.transformSourceObjects:
        raise document.refuse((*place, "transformSourceObjects"), "stands without transformLogic")
    return Column(
        name=str(prop.name),
        type=_type(document, place, prop),
        description=(prop.description or "").strip(),
        required=bool(prop.required or prop.partitioned) or prop.name in key,
        unit=custom.text("unit", None),
        formats=_formats(document, place, prop, custom),
        zone=_zone(document, (*place, "logicalTypeOptions"), prop, options),
        transform=transform,
        sources=tuple(prop.transformSourceObjects or ()),
        classification=prop.classification,
        tags=tuple(prop.tags or ()),
        id=prop.id,
        treatment=read_treatment(custom),
        waiver=read_waiver(custom),
        aliases=custom.texts("fileNames", ()),
        absent=custom.flag("mayBeAbsent"),
    )


def _check_documented(document: Document, place: Place, prop: SchemaProperty) -> None:
    """Refuses values that would promise what the lake does not do."""
    if prop.logicalType == "boolean" and prop.logicalTypeOptions:
        key = next(iter(prop.logicalTypeOptions))
        raise document.refuse((*place, "logicalTypeOptions", key), "means nothing for a boolean")
    if prop.semanticType not in (None, "column"):
        why = f"{prop.semanticType!r} is not honoured; a table has plain columns"
        raise document.refuse((*place, "semanticType"), why)
    check_classification(document, place, prop)


def _type(document: Document, place: Place, prop: SchemaProperty) -> str:
    """Returns the DuckDB type."""
    if prop.logicalType not in _TYPES:
        why = f"{prop.logicalType!r} is not supported; a table has only plain columns"
        raise document.refuse((*place, "logicalType"), why)
    width = None
    if prop.logicalType in ("integer", "number"):
        width = (prop.logicalTypeOptions or {}).get("format")
    if width not in _TYPES[prop.logicalType]:
        known = ", ".join(str(name) for name in _TYPES[prop.logicalType] if name)
        why = f"{width!r} is not supported; known here: {known}"
        raise document.refuse((*place, "logicalTypeOptions", "format"), why)
    return _physical(document, place, prop, _TYPES[prop.logicalType][width])


def _physical(document: Document, place: Place, prop: SchemaProperty, type: str) -> str:
    """Returns the type that `physicalType` refines to a decimal, or confirms."""
    if prop.physicalType is None or prop.physicalType.upper() == type:
        return type
    decimal = _DECIMAL.fullmatch(prop.physicalType)
    if decimal and prop.logicalType == "number":
        precision, scale = int(decimal[1]), int(decimal[2])
        if scale <= precision <= 38 and precision > 0:
            return f"DECIMAL({precision},{scale})"
    why = f"{prop.physicalType!r} is not honoured: the type {type} follows from logicalType"
    hint = " Leave it out, or write DECIMAL(p,s) with a precision up to 38 for an exact number."
    raise document.refuse((*place, "physicalType"), why, hint)


def _formats(
    document: Document, place: Place, prop: SchemaProperty, custom: Custom
) -> tuple[str, ...]:
    """Returns the strptime formats of a date or time in the order in which they are tried."""
    options = prop.logicalTypeOptions or {}
    where = (*place, "logicalTypeOptions", "format")
    if prop.logicalType not in _DATED:
        if "formats" in custom.values:
            raise custom.refuse("formats", f"is not honoured for {prop.logicalType}")
        return ()
    made = [_strptime(document, where, options["format"])] if "format" in options else []
    for position, pattern in enumerate(custom.texts("formats", ())):
        made.append(_strptime(document, (*custom.places["formats"], position), pattern))
    return () if made == [ISO_8601] else tuple(dict.fromkeys(made))


def _strptime(document: Document, where: Place, pattern: str) -> str:
    try:
        return strptime(pattern) or ISO_8601
    except ValueError as error:
        raise document.refuse(where, str(error)) from None


def _zone(
    document: Document, place: Place, prop: SchemaProperty, options: Mapping[str, Any]
) -> str | None:
    """Returns the zone of timestamps without offset; None means UTC."""
    zone = options.get("defaultTimezone")
    if prop.logicalType == "time" and (zone or options.get("timezone")):
        key = "defaultTimezone" if zone else "timezone"
        raise document.refuse((*place, key), "is not honoured for a time of day without a date")
    if prop.logicalType == "timestamp":
        _check_offset(document, (*place, "timezone"), options)
    if zone is None or prop.logicalType != "timestamp":
        return None
    if zone not in available_timezones():
        hint = did_you_mean(zone, available_timezones())
        raise document.refuse((*place, "defaultTimezone"), f"{zone!r} is not a time zone", hint)
    return None if ZoneInfo(zone).key in ("UTC", "Etc/UTC") else zone


def _check_offset(document: Document, place: Place, options: Mapping[str, Any]) -> None:
    """Refuses a format that contradicts whether timestamps carry their offset."""
    offset, pattern = options.get("timezone"), options.get("format")
    if offset is None or pattern is None:
        return
    if offset != ("%z" in (strptime(pattern) or ("%z" if pattern.endswith("X") else ""))):
        has = "has no offset" if offset else "has an offset"
        raise document.refuse(place, f"says {str(offset).lower()}, and format {pattern!r} {has}")


def _check_transform(
    document: Document, place: Place, column: Column, columns: Sequence[Column]
) -> None:
    """Refuses a computed column whose expression is not over its declared sources, or mistyped."""
    readable = {other.name: other.type for other in columns if other.transform is None}
    for source in column.sources:
        if source not in readable:
            why = f"'{source}' is not a column that the file has"
            hint = did_you_mean(source, readable)
            raise document.refuse((*place, "transformSourceObjects"), why, hint)
    where = (*place, "transformLogic")
    try:
        found = type_of(str(column.transform), readable)
        used = columns_of(str(column.transform))
    except ExpressionRefused as error:
        raise document.refuse(where, error.why, error.hint) from None
    if found != column.type:
        hint = f" Write CAST(… AS {column.type})."
        raise document.refuse(where, f"gives {found}, the column is {column.type}", hint)
    if {name.lower() for name in used} != {name.lower() for name in column.sources}:
        listed = ", ".join(used) or "no columns"
        raise document.refuse(
            (*place, "transformSourceObjects"), f"does not list what transformLogic uses: {listed}"
        )
