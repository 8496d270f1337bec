"""A published table's columns follow its contract in place; files and earlier snapshots stay."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyiceberg.exceptions import CommitFailedException, ResolveError
from pyiceberg.schema import Schema, promote
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.name_mapping import MappedField, NameMapping, parse_mapping_from_json
from pyiceberg.types import NestedField

from lakehouse.errors import BreakingChange, PublishConflict

_ATTEMPTS = 5
IDS = "lakehouse.columns"
"""Table property: the field id of each column that a contract gave an id of its own."""


def evolve(table: Table, schema: Schema, ids: Mapping[str, str], readers: str) -> Table:
    """Returns the table with the columns of `schema`: renamed by id, widened, or new.

    A renamed column keeps its field id, and its former name stays an alias for the files that have
    it. A new column is null in the rows there are. Columns that `schema` lacks stay, so that
    readers and earlier snapshots keep them.

    Args:
        table: The table.
        schema: The columns wanted; field ids do not matter.
        ids: The contract's own id of each column that has one, by name.
        readers: What readers see now, for the message of a refusal.

    Raises:
        BreakingChange: A column of another kind of type, or a name that another column had.
        PublishConflict: Other runs kept committing to the table at the same time.
    """
    name = ".".join(table.name())
    for attempt in range(_ATTEMPTS):
        found = _found(table, schema, ids)
        if faults := [fault for pair in found.items() for fault in _faults(table, schema, *pair)]:
            raise BreakingChange(name, faults, readers)
        try:
            with table.transaction() as transaction:
                _change(transaction, schema, found)
                _keep_ids(transaction, ids)
            break
        except CommitFailedException as error:
            if attempt == _ATTEMPTS - 1:
                raise PublishConflict([name], str(error)) from error
            table = table.refresh()
    return table


def is_new(table: Table) -> bool:
    """Tells whether nothing was ever published to the table.

    A snapshot whose parent is forgotten has none either, and a table may be rolled back to its
    first; so the one that it was made with must be all that readers ever saw.
    """
    snapshot = table.current_snapshot()
    return snapshot is None or (snapshot.sequence_number == 1 and len(table.history()) == 1)


def _found(table: Table, schema: Schema, ids: Mapping[str, str]) -> dict[str, NestedField | None]:
    """Returns the table's field of each wanted column: by the contract's id, else by name."""
    fields = {field.field_id: field for field in table.schema().fields}
    names = {field.name: field for field in table.schema().fields}
    known = json.loads(table.properties.get(IDS, "{}"))
    return {
        column.name: fields.get(known.get(ids.get(column.name, ""), 0)) or names.get(column.name)
        for column in schema.fields
    }


def _faults(table: Table, schema: Schema, name: str, field: NestedField | None) -> list[str]:
    """Returns in words what keeps a wanted column from becoming what it should be."""
    owner = _owner(table, name)
    if owner is not None and (field is None or owner != field.field_id):
        holder = table.schema().find_column_name(owner) or "a column that is gone"
        return [f"column {name} would take a name under which files keep the values of {holder}"]
    if field is None:
        return []
    wanted = schema.find_field(name).field_type
    try:
        if field.field_type != wanted:
            promote(field.field_type, wanted)
    except ResolveError:
        return [f"column {name} is published as {field.field_type}, the contract says {wanted}"]
    return []


def _owner(table: Table, name: str) -> int | None:
    """Returns the id of the field that has a name now, or had it in files."""
    for field in table.schema().fields:
        if field.name == name:
            return field.field_id
    mapped = _mapping(table.properties)
    return next((field.field_id for field in mapped if name in field.names), None)


def _change(
    transaction: Transaction, schema: Schema, found: Mapping[str, NestedField | None]
) -> None:
    """Stages the new schema."""
    with transaction.update_schema() as update:
        for column in schema.fields:
            field = found[column.name]
            if field is None:
                update.add_column(column.name, column.field_type, column.doc)
                continue
            if field.field_type != column.field_type:
                update.update_column(field.name, field_type=column.field_type)
            if field.name != column.name:
                update.rename_column(field.name, column.name)


def _keep_ids(transaction: Transaction, ids: Mapping[str, str]) -> None:
    """Stages the field id of every column with an id; one that the contract forgot is forgotten."""
    schema = transaction.table_metadata.schema()
    kept = {id: schema.find_field(name).field_id for name, id in sorted(ids.items())}
    text = json.dumps(kept)
    if transaction.table_metadata.properties.get(IDS, "{}") != text:
        transaction.set_properties({IDS: text})


def map_names(transaction: Transaction) -> None:
    """Files written by DuckDB have no field ids; their columns are found by name.

    Former names stay, and so do columns that are gone: older files have them.
    """
    schema = transaction.table_metadata.schema()
    now = {field.name for field in schema.fields}
    earlier = {}
    for field in _mapping(transaction.table_metadata.properties):
        former = [name for name in field.names if name not in now]
        earlier[field.field_id] = field.model_copy(update={"names": former})
    fields = []
    for field in schema.name_mapping:
        found = earlier.pop(field.field_id, None)
        former = [] if found is None else found.names  # a field without any within it is false
        fields.append(field.model_copy(update={"names": [*former, *field.names]}))
    fields += [field for field in earlier.values() if field.names]
    text = NameMapping(fields).model_dump_json()
    if transaction.table_metadata.properties.get(TableProperties.DEFAULT_NAME_MAPPING) != text:
        transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: text})


def _mapping(properties: Mapping[str, str]) -> list[MappedField]:
    """Returns the names of each field in files."""
    text = properties.get(TableProperties.DEFAULT_NAME_MAPPING)
    return list(parse_mapping_from_json(text).root) if text else []
