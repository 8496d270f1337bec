"""What was made from a dataset's rows: gold tables, models, predictions and measurements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lakehouse import dbt_manifest, publishing, registry, training
from lakehouse.erasing.person import Person
from lakehouse.lake import Lake
from lakehouse.model_spec import ModelSpec

_MADE = ("gold.", "models.", "monitoring.", "predictions.")
"""Where the names of tables begin that only dbt and models make."""
_MEASURED = ("profiles", "drift", "performance")


@dataclass(frozen=True)
class Derived:
    """What was made from a dataset's rows, as far as it is there.

    Attributes:
        gold: Tables that dbt makes.
        models: Models that learn from them.
        tables: Tables that the models made.
        strays: Tables of any origin that neither dbt nor a model makes any more.
    """

    gold: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    tables: tuple[str, ...]
    strays: tuple[str, ...] = ()


def derived(lake: Lake, dataset: str) -> Derived:
    """Returns what was made from a dataset's rows; dbt is not asked where no gold table is."""
    there = set(lake.catalog.names())
    found = {f"silver.{dataset}"}
    declared = {name for spec in lake.models.values() for name in _made(spec)}
    if any(name.startswith("gold.") for name in there):
        for model in dbt_manifest.load(lake.settings).models:  # upstream ones first
            declared.add(model.table)
            if found & set(model.upstream):
                found.add(model.table)
    gold = tuple(sorted(name for name in found if name.startswith("gold.") and name in there))
    models = tuple(spec for spec in lake.models.values() if spec.table in gold)
    made = [name for spec in models for name in _made(spec)]
    strays = sorted(name for name in there - declared if name.startswith(_MADE))
    return Derived(gold, models, tuple(name for name in made if name in there), tuple(strays))


def retire(lake: Lake, found: Derived, person: Person) -> Mapping[str, tuple[int, ...]]:
    """Deletes the versions of models whose files name the person; returns them by model.

    Models that nothing declares any more are looked through, too, and what others learned from
    tables of which nothing is known any more.
    """
    if not lake.storage.list(registry.artifacts(lake.settings)):
        return {}  # there is no model, and MLflow takes seconds to open
    others = set(lake.catalog.names()) - {*found.gold, *found.strays}
    retired = {
        name: registry.retire(lake, name, person.told_by, lambda table: table not in others)
        for name in sorted({*registry.models(lake), *(spec.name for spec in found.models)})
        if _may_name(lake.models.get(name), person)
    }
    return {model: versions for model, versions in retired.items() if versions}


def remake(lake: Lake, found: Derived, person: Person, run: str) -> None:
    """Scores anew what has a champion, and empties what has none or names the person."""
    for spec in found.models:
        made = [name for name in _made(spec) if name in found.tables]
        predictions = [name for name in made if name == spec.predictions.table]
        measured = [name for name in made if name.startswith("monitoring.")]
        if registry.champion(lake, spec.name) is None:
            empty(lake, [*predictions, *measured], run)
            continue
        if predictions:
            training.predict(lake, spec.name, run=run)
        if any(names(lake, name, person) for name in measured):
            empty(lake, measured, run)


def _made(spec: ModelSpec) -> Collection[str]:
    """Returns the names of the tables that a model makes."""
    measured = (f"monitoring.{kind}_{spec.name}" for kind in _MEASURED)
    return (spec.predictions.table, registry.history_table(spec.name), *measured)


def _may_name(spec: ModelSpec | None, person: Person) -> bool:
    """Whether the files of a model may have the person's values as categories.

    A short value is a part of many others, and looked for only where the model learned from it.
    """
    learned = set(spec.feature_names) if spec else set()
    return bool(person.words) or bool(person.values.keys() & learned)


def names(lake: Lake, table: str, person: Person) -> bool:
    """Returns whether readers of a table see the person."""
    rows = lake.catalog.table(table).scan().to_arrow().to_pylist()
    return any(person.is_in(row) for row in rows)


def empty(lake: Lake, tables: Collection[str], run: str) -> None:
    """Takes all rows from tables; the next run finds them stale and fills them."""
    if tables:
        there = lake.catalog.refs(tables).tables
        rows = {name: table.schema().as_arrow().empty_table() for name, table in there.items()}
        publishing.replace_many(lake, rows, run=run, properties={"lakehouse.emptied": run})
