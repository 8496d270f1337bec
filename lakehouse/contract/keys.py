"""The key of a dataset, and that it decides the partition of its row."""

from __future__ import annotations

from collections.abc import Sequence

from open_data_contract_standard.model import SchemaProperty

from lakehouse.contract.document import Document, Place
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import Column

_PROPERTIES: Place = ("schema", 0, "properties")
Names = tuple[str, ...]


def read_key(document: Document, properties: Sequence[SchemaProperty]) -> tuple[Names, Names]:
    """Returns the key's columns, and the columns that are unique beside it.

    A single unique column is the key where the contract names none; as a key it is required.

    Raises:
        ContractError: The positions of a key of several columns have a gap.
    """
    for position, prop in enumerate(properties):
        for word, stem in (("primaryKey", "primaryKey"), ("partitioned", "partitionKey")):
            place = f"{stem}Position"
            if getattr(prop, place) not in (None, -1) and not getattr(prop, word):
                why = f"stands without `{word}: true`"
                raise document.refuse((*_PROPERTIES, position, place), why)
    placed = [(place, prop) for place, prop in enumerate(properties) if prop.primaryKey]
    placed.sort(key=lambda item: item[1].primaryKeyPosition or 0)
    positions = [prop.primaryKeyPosition for _, prop in placed]
    if len(placed) > 1 and positions != list(range(1, len(placed) + 1)):
        where = (*_PROPERTIES, placed[0][0], "primaryKeyPosition")
        raise document.refuse(where, "the positions of a key are 1, 2, … without a gap")
    key = tuple(str(prop.name) for _, prop in placed)
    unique = tuple(str(prop.name) for prop in properties if prop.unique)
    if not key and len(unique) == 1:
        return unique, ()
    return key, tuple(name for name in unique if (name,) != key)


def check_partition(
    document: Document, key: Names, columns: Sequence[Column], partition: Partition | None
) -> None:
    """Refuses a key of which two rows could lie in different partitions.

    Raises:
        ContractError: Neither the partition's column nor all its sources are in the key.
    """
    if partition is None or not key or partition.column in key:
        return
    position = [column.name for column in columns].index(partition.column)
    sources = columns[position].sources
    if not sources or not set(sources) <= set(key):
        why = f"the key ({', '.join(key)}) does not determine the partition"
        hint = " Add the column, or all its transformSourceObjects, to the key."
        raise document.refuse((*_PROPERTIES, position, "partitioned"), why, hint)
