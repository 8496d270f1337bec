"""Everything that is stale now, and what will follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lakehouse import estimators, registry
from lakehouse.dbt_manifest import DbtProject, load
from lakehouse.lake import Lake
from lakehouse.ledger import Books
from lakehouse.model_spec import ModelSpec
from lakehouse.planning.arrivals import Arrival, survey
from lakehouse.planning.erasures import unfinished
from lakehouse.planning.gold import gold_reason
from lakehouse.planning.holds import held_back
from lakehouse.planning.silver import SilverState
from lakehouse.planning.totals import lacking
from lakehouse.privacy import key_id
from lakehouse.registry import ScoringState, TrainingState
from lakehouse.results import UNASSIGNED, WHOLE, Result, counted


@dataclass(frozen=True)
class Step:
    """One asset that is stale.

    Attributes:
        asset: Its path, e.g. `silver/flights`.
        partitions: The stale partitions; empty for an asset that is one whole.
        reason: Why, for a person.
    """

    asset: str
    partitions: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Plan(Result):
    """What a run would do.

    Attributes:
        steps: The stale assets in build order.
        follows: Assets downstream of them, looked at again once those are done.
        waits: What cannot be done yet, as full sentences.
        aside: Refused deliveries that stay out until a person or a new file decides, by name.
        missing: Partitions with fewer files than their producer is to send, in words.
        holds: What would be stale if no rollback held it, as full sentences.
    """

    steps: tuple[Step, ...]
    follows: tuple[str, ...]
    waits: tuple[str, ...]
    aside: tuple[str, ...]
    missing: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()

    def summary(self) -> str:
        """Counts stale assets."""
        if not self.steps:
            return "Everything is up to date."
        ending = f"; then {', '.join(self.follows)}" if self.follows else ""
        return f"{len(self.steps)} stale: {', '.join(s.asset for s in self.steps)}{ending}."

    def facts(self) -> Mapping[str, object]:
        """Returns the steps with their reasons."""
        steps = [
            {"asset": s.asset, "partitions": list(s.partitions), "reason": s.reason}
            for s in self.steps
        ]
        return {
            "steps": steps,
            "follows": list(self.follows),
            "waits": list(self.waits),
            "aside": list(self.aside),
            "missing": list(self.missing),
            "holds": list(self.holds),
        }


def plan(lake: Lake, settle: timedelta = timedelta(0)) -> Plan:
    """Returns what is stale, from one consistent look at the lake; nothing is written.

    Args:
        lake: The lake.
        settle: Landed files modified more recently are left out.
    """
    project = load(lake.settings)
    models = lake.models.values()
    books = lake.ledger.read(_tables(lake, project))
    now = lake.settings.clock()
    states = {
        name: SilverState(books, contract, now, key_id(contract, lake.settings))
        for name, contract in lake.contracts.items()
    }
    landed = {name: survey(lake, name, books, settle) for name in lake.contracts}
    steps: list[Step] = []
    for name in lake.contracts:
        steps += _bronze(name, books, states[name], landed[name])
    for name in lake.contracts:
        steps += _silver(lake, name, states[name])
    if reason := gold_reason(books, project):
        steps += [Step(f"gold/{model.name}", (), reason) for model in project.models]
    for spec in models:
        steps += _model(lake, books, spec)
    chain = _chain(lake, project)
    follows = _following({step.asset for step in steps}, chain)
    late = tuple(arrival.waits for found in landed.values() for arrival in found if arrival.waits)
    waits = (
        unfinished(books)
        + late
        + tuple(
            f"silver/{name} waits for silver/{', silver/'.join(state.waits)} to be published."
            for name, state in states.items()
            if state.waits and state.wanted
        )
    )
    aside = tuple(f"{name}: {told}" for name in states for told in _aside(states[name], books))
    holds = held_back(books, states.values(), project)
    return Plan(tuple(steps), follows, waits, aside, lacking(lake, books), holds)


def _aside(state: SilverState, books: Books) -> list[str]:
    numbers = {decision.delivery for decision in state.refused}
    return [d.label for d in books.delivered(state.dataset) if d.number in numbers]


def _tables(lake: Lake, project: DbtProject) -> list[str]:
    silver = [contract.table for contract in lake.contracts.values()]
    gold = [model.table for model in project.models]
    models = [spec.table for spec in lake.models.values()]
    return [*silver, *project.sources, *gold, *models]


def _bronze(name: str, books: Books, state: SilverState, landed: Sequence[Arrival]) -> list[Step]:
    ready = [arrival for arrival in landed if not arrival.waits]
    if ready:
        return [Step(f"bronze/{name}", (), f"{counted(len(ready), 'new file')} landed")]
    known = {entry.sha256 for entry in books.inspections if entry.dataset == name}
    unread = [delivery for delivery in state.unread if delivery.sha256 not in known]
    if unread:
        return [Step(f"bronze/{name}", (), f"never read: {counted(len(unread), 'delivery')}")]
    return []


def _silver(lake: Lake, name: str, state: SilverState) -> list[Step]:
    contract = lake.contracts[name]
    if not state.stale:
        return []
    reasons = list(dict.fromkeys(state.stale.values()))
    more = f"; {counted(len(reasons) - 1, 'more reason')}" if len(reasons) > 1 else ""
    reason = f"{reasons[0]}{more}"
    if contract.partition is None:
        return [Step(f"silver/{name}", (), reason)]
    named = tuple(p for p in state.stale if p not in (UNASSIGNED, WHOLE))
    # rows without a partition are mended together with any partition
    return [
        Step(
            f"silver/{name}", named or (contract.partition.name(contract.partition.start),), reason
        )
    ]


def _model(lake: Lake, books: Books, spec: ModelSpec) -> list[Step]:
    frame = books.refs.content(spec.table)
    if frame is None:
        return []
    wanted = TrainingState(frame, spec.fingerprint, estimators.VERSION)
    table = registry.history_table(spec.name)
    if not registry.is_current(lake, table, wanted):
        return [Step(f"models/{spec.name}", (), _moved(lake, table, wanted.properties()))]
    left = registry.standing(lake, spec.name)
    if left is None or left.champion is None:
        return []
    scored = ScoringState(frame, spec.fingerprint, left.champion)
    steps = []
    predictions = spec.predictions.table
    if not registry.is_current(lake, predictions, scored):
        reason = _moved(lake, predictions, scored.properties())
        steps.append(Step(predictions.replace(".", "/", 1), (), reason))
    measured = f"monitoring.drift_{spec.name}"
    if not registry.is_current(lake, measured, scored):
        reason = _moved(lake, measured, scored.properties())
        steps.append(Step(f"monitoring/{spec.name}", (), reason))
    return steps


def _moved(lake: Lake, table: str, wanted: Mapping[str, str]) -> str:
    found = registry.noted(lake, table)
    if not any(key in found for key in wanted):
        return "never made"
    moved = [key.removeprefix("lakehouse.") for key in wanted if found.get(key) != wanted[key]]
    return f"{', '.join(moved)} changed"


def _chain(lake: Lake, project: DbtProject) -> dict[str, set[str]]:
    """What each asset is made from."""
    chain: dict[str, set[str]] = {}
    for name, contract in lake.contracts.items():
        pinned = {f"silver/{ref.dataset}" for ref in contract.pinned}
        chain[f"silver/{name}"] = {f"bronze/{name}", *pinned}
    for model in project.models:
        chain[f"gold/{model.name}"] = {name.replace(".", "/", 1) for name in model.upstream}
    for spec in lake.models.values():
        trained = f"models/{spec.name}"
        chain[trained] = {spec.table.replace(".", "/", 1)}
        chain[spec.predictions.table.replace(".", "/", 1)] = {trained}
        chain[f"monitoring/{spec.name}"] = {trained}
    return chain


def _following(stale: set[str], chain: Mapping[str, set[str]]) -> tuple[str, ...]:
    found = set(stale)
    for asset, upstream in chain.items():
        if upstream & found:
            found.add(asset)
    return tuple(asset for asset in chain if asset in found - stale)
