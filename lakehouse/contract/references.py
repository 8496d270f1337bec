"""Foreign keys: a contract's relationships to other datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from open_data_contract_standard.model import Relationship, SchemaObject

from lakehouse.contract.custom import read_custom
from lakehouse.contract.document import Document, Place
from lakehouse.contract.model import Contract
from lakehouse.contract.parts import Column, Orphans, Reference
from lakehouse.errors import did_you_mean

Placed = tuple[Place, Reference]


def read_references(
    document: Document, place: Place, table: SchemaObject, columns: Sequence[Column]
) -> tuple[Placed, ...]:
    """Returns the references of a schema object and of its properties, each with its place.

    Raises:
        ContractError: A notation or an own column that cannot be used.
    """
    found = [
        _reference(
            document,
            (*place, "properties", position, "relationships", item),
            entry,
            ((str(prop.name),)),
            str(table.name),
        )
        for position, prop in enumerate(table.properties or ())
        for item, entry in enumerate(prop.relationships or ())
    ]
    for item, entry in enumerate(table.relationships or ()):
        where = (*place, "relationships", item)
        own = _own(document, (*where, "from"), entry, str(table.name), columns)
        found.append(_reference(document, where, entry, own, str(table.name)))
    return tuple(found)


def _reference(
    document: Document, place: Place, entry: Relationship, own: tuple[str, ...], dataset: str
) -> Placed:
    """Returns one reference from the columns `own`."""
    custom = read_custom(document, place, entry.customProperties, ("orphans",))
    orphans = custom.choice("orphans", "report", ("report", "quarantine"))
    where = (*place, "to")
    target, to = _split(document, where, entry.to)
    if target == dataset:
        raise document.refuse(where, f"'{dataset}' refers to itself")
    if len(to) != len(own):
        raise document.refuse(where, f"{len(own)} columns refer to {len(to)}")
    return where, Reference(own, target, to, cast(Orphans, orphans))


def _check_treatment(document: Document, place: Place, mine: Column, there: Column) -> None:
    """Refuses to compare values of which one is no longer what it was."""
    if mine.treatment is None and there.treatment is None:
        return
    if mine.treatment != there.treatment or mine.treatment != "hash":
        said = {"drop": "dropped", "hash": "hashed", "mask": "masked", None: "kept as it is"}
        why = f"'{mine.name}' is {said[mine.treatment]}, the column referred to is "
        hint = " Hash both, then equal values stay equal."
        raise document.refuse(place, why + said[there.treatment], hint)


def _own(
    document: Document,
    place: Place,
    entry: Relationship,
    dataset: str,
    columns: Sequence[Column],
) -> tuple[str, ...]:
    """Returns the columns here that a relationship of the table starts from."""
    source, own = _split(document, place, entry.from_)
    if source != dataset:
        raise document.refuse(place, f"starts from '{source}', this is '{dataset}'")
    names = [column.name for column in columns]
    for name in own:
        if name not in names:
            raise document.refuse(place, f"'{name}' is no column here", did_you_mean(name, names))
    return own


def _split(
    document: Document, place: Place, written: str | list[str] | None
) -> tuple[str, tuple[str, ...]]:
    """Returns dataset and columns of the standard's shorthand `dataset.column`."""
    parts = [
        (one, one.split(".")) for one in ([written] if isinstance(written, str) else written or ())
    ]
    for one, split in parts:
        if len(split) != 2 or "/" in one:
            raise document.refuse(place, f"'{one}' is not written as dataset.column")
    if len({split[0] for _, split in parts}) != 1:
        raise document.refuse(place, "is not about the columns of one dataset")
    return parts[0][1][0], tuple(split[1] for _, split in parts)


def check_reference(
    document: Document,
    placed: Placed,
    contract: Contract,
    contracts: Mapping[str, Contract],
) -> None:
    """Refuses a reference to a dataset or column that is not there, or of another type.

    Raises:
        ContractError: With the nearest known name.
    """
    place, reference = placed
    if reference.dataset not in contracts:
        hint = did_you_mean(reference.dataset, contracts)
        raise document.refuse(place, f"there is no dataset '{reference.dataset}'", hint)
    there = {column.name: column for column in contracts[reference.dataset].columns}
    for own, name in zip(reference.columns, reference.to, strict=True):
        if name not in there:
            why = f"'{reference.dataset}' has no column '{name}'"
            raise document.refuse(place, why, did_you_mean(name, there))
        if there[name].type != (mine := contract.column(own).type):
            why = f"'{own}' is {mine}, '{reference.dataset}.{name}' is {there[name].type}"
            raise document.refuse(place, why)
        _check_treatment(document, place, contract.column(own), there[name])
