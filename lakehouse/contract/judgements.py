"""All that a contract demands of rows: rules of each, expectations and queries of what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from open_data_contract_standard.model import SchemaObject

from lakehouse.contract.check import Table
from lakehouse.contract.compiling import compile_rules
from lakehouse.contract.document import Document, Place
from lakehouse.contract.expectations import unique_expectations
from lakehouse.contract.parts import Column, Expectation, Query, Rule
from lakehouse.contract.quality import read_quality

_TABLE: Place = ("schema", 0)


@dataclass(frozen=True)
class Judgements:
    """What the properties and the quality checks of a schema object demand.

    Attributes:
        rules: Rules of a row; a rule may be there more than once.
        expectations: The suite.
        queries: Quality checks in SQL.
    """

    rules: tuple[Rule, ...]
    expectations: tuple[Expectation, ...]
    queries: tuple[Query, ...]


def read_judgements(
    document: Document,
    table: SchemaObject,
    published: Sequence[Column],
    columns: Sequence[Column],
    unique: Sequence[str],
) -> Judgements:
    """Returns the rules, expectations and queries of all columns and of the table.

    Args:
        document: The contract.
        table: Its schema object.
        published: The columns of the silver table.
        columns: The declared columns.
        unique: Names of those that are declared unique beside the key.

    Raises:
        ContractError: A check that cannot be honoured, or two of one name.
    """
    names = tuple(column.name for column in columns)
    types = {column.name: column.published_type for column in published}
    about = Table(str(table.name), names, types)
    made: tuple[Rule | Expectation | Query, ...] = ()
    for position, (prop, column) in enumerate(zip(table.properties or (), columns, strict=True)):
        place = (*_TABLE, "properties", position)
        made += compile_rules(document, place, prop, column)
        made += read_quality(document, place, prop.quality, column, about)
    made += read_quality(document, _TABLE, table.quality, None, about)
    found = Judgements(
        tuple(item for item in made if isinstance(item, Rule)),
        unique_expectations(document, columns, unique, published)
        + tuple(item for item in made if isinstance(item, Expectation)),
        tuple(item for item in made if isinstance(item, Query)),
    )
    _check_names(document, [e.name for e in found.expectations] + [q.name for q in found.queries])
    return found


def distinct_rules(document: Document, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Returns the rules, one said twice in the same words once.

    Raises:
        ContractError: Two different rules of one name.
    """
    by_name: dict[str, Rule] = {}
    for rule in rules:
        if by_name.setdefault(rule.name, rule) != rule:
            raise document.refuse((), f"two rules are called '{rule.name}'")
    return tuple(by_name.values())


def _check_names(document: Document, names: Sequence[str]) -> None:
    """Refuses two expectations whose verdicts nobody could tell apart."""
    for name in names:
        if names.count(name) > 1:
            hint = " Give each an `id` of its own."
            raise document.refuse(_TABLE, f"expectation '{name}' is declared twice", hint)
