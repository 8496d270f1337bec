"""Brings a lake up to date: what is stale, stage by stage, as Dagster runs.

Planning alone decides what is stale. A stage can make the next one stale, or spare it, so the plan
is asked again after each. What was refused does not stop what does not depend on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import dagster as dg

from assets import names, partitions
from assets.graph import graph
from lakehouse import planning
from lakehouse.errors import LakehouseError
from lakehouse.planning import Step
from lakehouse.results import Check, Result, counted
from resources import Session

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_EXPECTED = ("DagsterAssetCheckFailedError",)
"""What Dagster itself raises where a blocking check failed."""
_STAGES = ("bronze", "silver", "gold", "models", "predictions", "monitoring")


@dataclass(frozen=True)
class Refreshed(Result):
    """What one refresh did.

    Attributes:
        results: The engine's results in the order in which they came.
        errors: What turned a run red beside refused data.
        runs: Ids of the Dagster runs.
    """

    results: tuple[Result, ...]
    errors: tuple[LakehouseError, ...]
    runs: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything was stale."""
        return bool(self.runs)

    def summary(self) -> str:
        """Says whether something was stale, and how much was done."""
        if not self.runs:
            return "Everything is up to date: nothing was done."
        refused = len(self.refusals())
        ending = f"; {refused} refused, see below" if refused else ""
        return f"Brought up to date in {counted(len(self.runs), 'run')}{ending}."

    def facts(self) -> Mapping[str, object]:
        """Returns the sentences of all steps."""
        return {
            "runs": list(self.runs),
            "steps": [result.summary() for result in self.results],
            "refused": len(self.refusals()),
        }

    def checks(self) -> tuple[Check, ...]:
        """Returns all judgements."""
        return tuple(check for result in self.results for check in result.checks())

    def refusals(self) -> tuple[str, ...]:
        """Returns what was refused, and the errors that stopped a run."""
        refused = (sentence for result in self.results for sentence in result.refusals())
        return (*refused, *(str(error) for error in self.errors))


def refresh(
    session: Session, instance: dg.DagsterInstance, tags: Mapping[str, str] | None = None
) -> Refreshed:
    """Materializes exactly what is stale until nothing is, or only what was refused.

    Args:
        session: The lake; collects the engine's results.
        instance: Keeps the runs, so that the web UI shows them.
        tags: Tags of the runs.

    Raises:
        RuntimeError: A run ended red for a reason that the engine did not give.
    """
    before = len(session.results), len(session.errors)
    assets = graph(session.lake)
    job = dg.Definitions(
        assets=assets, resources={"session": session}
    ).resolve_implicit_global_asset_job_def()
    runs: list[str] = []
    tried: set[tuple[str, tuple[str, ...]]] = set()
    while steps := _next(session, tried):
        tried |= {(step.asset, step.partitions) for step in steps}
        for keys, asked in _batches(session, steps):
            runs.append(_run(job, instance, keys, {**(tags or {}), **asked}))
    return Refreshed(
        tuple(session.results[before[0] :]), tuple(session.errors[before[1] :]), tuple(runs)
    )


def _next(session: Session, tried: set[tuple[str, tuple[str, ...]]]) -> list[Step]:
    """Returns the stale steps of the first stage that has any; each is tried once."""
    plan = planning.plan(session.lake, session.settle)
    left = [step for step in plan.steps if (step.asset, step.partitions) not in tried]
    first = min((_stage(session, step) for step in left), default=0)
    return [step for step in left if _stage(session, step) == first]


def _stage(session: Session, step: Step) -> int:
    layer, name = step.asset.split("/", 1)
    made = {spec.predictions.table for spec in session.lake.models.values()}
    return _STAGES.index("predictions" if f"{layer}.{name}" in made else layer)


def _batches(
    session: Session, steps: Sequence[Step]
) -> Iterator[tuple[list[dg.AssetKey], dict[str, str]]]:
    """Yields the asset keys and the partition tags of each run, in the plan's order.

    Neighbours without partitions share a run. Partitions make one run per unbroken range.
    """
    for cut, group in groupby(steps, lambda step: _cut(session, step)):
        if cut is None:
            yield [names.key(step.asset) for step in group], {}
            continue
        for step in group:
            for tags in partitions.ranges(cut, step.partitions):
                yield [names.key(step.asset)], tags


def _cut(session: Session, step: Step) -> dg.TimeWindowPartitionsDefinition | None:
    """Returns the partitions of the step's asset, None if it is one whole."""
    layer, name = step.asset.split("/", 1)
    partition = session.lake.contract(name).partition if layer == "silver" else None
    return partitions.of(partition, session.lake.settings.now) if partition else None


def _run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    keys: list[dg.AssetKey],
    tags: Mapping[str, str],
) -> str:
    """Executes one run in this process and returns its id; a red run is a result, not an error."""
    done = job.execute_in_process(
        instance=instance,
        asset_selection=keys,
        tags=dict(tags),
        run_config=_QUIET,
        raise_on_error=False,
    )
    for event in done.filter_events(lambda event: event.is_step_failure):
        broken = event.step_failure_data
        cause = broken.error.cls_name if broken.error else None
        if broken.user_failure_data is None and cause not in _EXPECTED:
            raise RuntimeError(broken.error_display_string)
    return done.run_id
