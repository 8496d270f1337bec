"""Contracts from ODCS files: all that is written is honoured or refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import cast

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject

from lakehouse.contract import standard
from lakehouse.contract.columns import NAME, read_columns
from lakehouse.contract.compiling import starts
from lakehouse.contract.custom import read_custom
from lakehouse.contract.document import Document, Place
from lakehouse.contract.file_columns import check_file_columns
from lakehouse.contract.files import read_options
from lakehouse.contract.history import check_validity, read_history
from lakehouse.contract.judgements import distinct_rules, read_judgements
from lakehouse.contract.keeping import read_keeping
from lakehouse.contract.keys import check_partition, read_key
from lakehouse.contract.model import Contract, published
from lakehouse.contract.options import (
    PROPERTIES,
    read_delivery,
    read_partition,
    read_row_rules,
)
from lakehouse.contract.parts import Column, Delivery
from lakehouse.contract.privacy import check_treatments
from lakehouse.contract.references import Placed, check_reference, read_references
from lakehouse.contract.service_levels import read_levels
from lakehouse.contract.totals import read_totals
from lakehouse.errors import ContractError

SUFFIX = ".odcs.yaml"
_TABLE: Place = ("schema", 0)


@dataclass(frozen=True)
class _Read:
    """A contract with what is needed to point back into its file."""

    contract: Contract
    document: Document
    references: tuple[Placed, ...]


def load(file: Path, *, named: bool = True) -> Contract:
    """Returns the contract in `file`; what it says about other datasets is not checked.

    Args:
        file: The ODCS file.
        named: Whether the file must have the name of its dataset.

    Raises:
        ContractError: Whatever cannot be honoured in full, with file, line and key.
    """
    return _read(file, named=named).contract


def faults(folder: Path) -> tuple[ContractError, ...]:
    """Returns the first fault of each contract of a folder; if none has one, of all together."""
    found = []
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            load(file)
        except ContractError as error:
            found.append(error)
    try:
        if not found:
            load_all(folder)
    except ContractError as error:
        found.append(error)
    return tuple(found)


def load_all(folder: Path) -> Mapping[str, Contract]:
    """Returns every `*.odcs.yaml` of a folder by dataset, sorted, with all references checked.

    Raises:
        ContractError: A contract that cannot be honoured, a reference to an unknown dataset or
            column, or references that form a circle.
    """
    read = [_read(file) for file in sorted(folder.glob(f"*{SUFFIX}"))]
    contracts = {one.contract.dataset: one.contract for one in read}
    for one in read:
        for placed in one.references:
            check_reference(one.document, placed, one.contract, contracts)
    _check_circles(read, contracts)
    return MappingProxyType(dict(sorted(contracts.items())))


def order(contracts: Mapping[str, Contract]) -> tuple[str, ...]:
    """Returns the datasets so that each stands after all it refers to; else by name.

    Raises:
        graphlib.CycleError: References form a circle, which `load_all` refuses.
    """
    sorter = _graph(contracts)
    sorter.prepare()
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return tuple(ordered)


def _graph(contracts: Mapping[str, Contract]) -> TopologicalSorter[str]:
    """Returns the graph of references among the given datasets."""
    return TopologicalSorter(
        {
            dataset: sorted({ref.dataset for ref in contract.references} & contracts.keys())
            for dataset, contract in sorted(contracts.items())
        }
    )


def _check_circles(read: Sequence[_Read], contracts: Mapping[str, Contract]) -> None:
    """Refuses references that lead back to where they started."""
    try:
        _graph(contracts).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        one = next(one for one in read if one.contract.dataset == circle[0])
        place = next(place for place, ref in one.references if ref.dataset == circle[1])
        why = f"the references form a circle: {' → '.join(circle)}"
        raise one.document.refuse(place, why) from None


def _read(file: Path, *, named: bool = True) -> _Read:
    """Returns the contract in `file` with its places."""
    document = Document.read(file)
    said = standard.read(document)
    table = _table(document, said, file if named else None)
    properties = table.properties or []
    key, unique = read_key(document, properties)
    columns = read_columns(document, properties, key)
    custom = read_custom(document, (), said.customProperties, PROPERTIES)
    partition = read_partition(document, custom, properties, columns)
    check_partition(document, key, columns, partition)
    check_treatments(document, columns, key, partition)
    delivery = read_delivery(custom, partition, key)
    history = read_history(custom, delivery, key, partition)
    check_validity(document, columns, history)
    extra = read_row_rules(custom, columns)
    if partition is not None:
        extra = (starts(_named(columns, partition.column), partition), *extra)
    read = read_options(custom)
    check_file_columns(document, columns, read)
    judged = read_judgements(document, table, published(columns, history), columns, unique)
    levels = read_levels(document, said, str(table.name), columns, partition)
    references = read_references(document, _TABLE, table, columns)
    contract = Contract(
        dataset=str(table.name),
        version=str(said.version),
        description=_description(said, table),
        owner=_owner(document, said),
        domain=said.domain or "",
        tags=tuple(dict.fromkeys((*(said.tags or ()), *(table.tags or ())))),
        columns=columns,
        key=key,
        partition=partition,
        delivery=cast(Delivery, delivery),
        limit=custom.number("quarantineLimit", 0.05, 0, 1),
        read=read,
        rules=distinct_rules(document, judged.rules + extra),
        expectations=judged.expectations,
        references=tuple(reference for _, reference in references),
        freshness=levels.freshness,
        queries=judged.queries,
        retention=levels.retention,
        history=history,
        totals=read_totals(custom, columns),
        keeping=read_keeping(custom, levels.retention),
        file=str(file),
    )
    return _Read(contract, document, references)


def _table(document: Document, said: OpenDataContractStandard, file: Path | None) -> SchemaObject:
    """Returns the one schema object, whose name is the dataset."""
    objects = said.schema_ or []
    if len(objects) != 1:
        why = f"has {len(objects)} objects; a contract is about one dataset"
        raise document.refuse(("schema",), why)
    table = objects[0]
    if not NAME.fullmatch(str(table.name)):
        raise document.refuse(
            (*_TABLE, "name"), f"{table.name!r} is not a name of letters, digits and _"
        )
    if file is not None and file.name != f"{table.name}{SUFFIX}":
        why = f"'{table.name}' stands in {file.name}; the file is named {table.name}{SUFFIX}"
        raise document.refuse((*_TABLE, "name"), why)
    if not table.properties:
        raise document.refuse((*_TABLE, "properties"), "a dataset has at least one column")
    return table


def _named(columns: Sequence[Column], name: str) -> Column:
    """Returns the column of that name."""
    return next(column for column in columns if column.name == name)


def _description(said: OpenDataContractStandard, table: SchemaObject) -> str:
    """Returns what the dataset is, what it is for and where it ends, a paragraph each."""
    about = said.description
    parts = [table.description]
    parts += [about.purpose, about.limitations, about.usage] if about else []
    return "\n\n".join(part.strip() for part in parts if part and part.strip())


def _owner(document: Document, said: OpenDataContractStandard) -> str:
    """Returns the team that answers for the data."""
    team = said.team
    if isinstance(team, list):
        why = "is a list of members, which the standard deprecates; write a `name:` and `members:`"
        raise document.refuse(("team",), why)
    if team is None or not team.name:
        why = "names nobody who answers for the data; write `team:` with a `name:`"
        raise document.refuse(("team",), why)
    return team.name
