"""What was made from a dataset's rows: gold tables, models, predictions and measurements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lakehouse import dbt_manifest, publishing, registry, training
from lakehouse.erasing.person import Person
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec

_MEASURED = ("profiles", "drift", "performance")


@dataclass(frozen=True)
class Derived:
    """What was made from a dataset's rows, as far as it is there.

    Attributes:
        gold: Tables that dbt makes.
        models: Models that learn from them.
        tables: Tables that the models made.
    """

    gold: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    tables: tuple[str, ...]


def derived(lake: Lake, dataset: str) -> Derived:
    """Returns what was made from a dataset's rows; dbt is not asked where no gold table is."""
    there = set(lake.catalog.names())
    found = {f"silver.{dataset}"}
    if any(name.startswith("gold.") for name in there):
        for model in dbt_manifest.load(lake.settings).models:  # upstream ones first
            if found & set(model.upstream):
                found.add(model.table)
    gold = tuple(sorted(name for name in found if name.startswith("gold.") and name in there))
    models = tuple(spec for spec in lake.models.values() if spec.table in gold)
    made = [name for spec in models for name in _made(spec)]
    return Derived(gold, models, tuple(name for name in made if name in there))


def retire(lake: Lake, found: Derived, person: Person) -> Mapping[str, tuple[int, ...]]:
    """Deletes the versions of models whose files name the person; returns them by model."""

    def tells(content: bytes) -> bool:
        return person.mentioned(content)

    named = [spec for spec in found.models if _may_name(spec, person)]
    retired = {spec.name: registry.retire(lake, spec.name, tells) for spec in named}
    return {model: versions for model, versions in retired.items() if versions}


def remake(lake: Lake, found: Derived, person: Person, run: str) -> None:
    """Scores anew what has a champion, and empties what has none or names the person."""
    for spec in found.models:
        predictions = spec.predictions.table
        if predictions in found.tables:
            if registry.champion(lake, spec.name) is None:
                _empty(lake, [predictions], run)
            else:
                training.predict(lake, spec.name, run=run)
        measured = [f"monitoring.{kind}_{spec.name}" for kind in _MEASURED]
        if any(_names(lake, name, person) for name in measured if name in found.tables):
            _empty(lake, measured, run)


def _made(spec: ModelSpec) -> Collection[str]:
    """Returns the names of the tables that a model makes."""
    measured = (f"monitoring.{kind}_{spec.name}" for kind in _MEASURED)
    return (spec.predictions.table, registry.history_table(spec.name), *measured)


def _may_name(spec: ModelSpec, person: Person) -> bool:
    """Whether the files of a model may have the person's values as categories.

    A short value is a part of many others, and looked for only where the model learned from it.
    """
    return bool(person.words) or bool(person.values.keys() & set(spec.feature_names))


def _names(lake: Lake, table: str, person: Person) -> bool:
    rows = lake.catalog.table(table).scan().to_arrow().to_pylist()
    return any(person.is_in(row) for row in rows)


def _empty(lake: Lake, tables: Collection[str], run: str) -> None:
    """Takes all rows from tables; the next run finds them stale and fills them."""
    there = lake.catalog.refs(tables).tables
    rows = {name: table.schema().as_arrow().empty_table() for name, table in there.items()}
    publishing.replace_many(lake, rows, run=run, properties={"lakehouse.emptied": run})
