"""Maintenance: one asset for each of its steps, so that Dagster shows what each has done."""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from assets import adapter, names
from lakehouse.maintenance import compact, expire, sweep
from lakehouse.results import Result
from resources import Session

GROUP = "maintenance"
_STEPS: dict[str, tuple[Callable[..., Result], str]] = {
    "compaction": (compact, "Small data files become large ones; no row is another afterwards."),
    "expiry": (expire, "Tables forget the snapshots that their contracts do not ask to be kept."),
    "sweep": (sweep, "Files that nothing has referred to for the grace period are deleted."),
}


def maintenance() -> Sequence[dg.AssetsDefinition]:
    """Returns the steps, each after the one before."""
    before = [None, *list(_STEPS)[:-1]]
    steps = zip(_STEPS.items(), before, strict=True)
    return [_step(name, *step, upstream) for (name, step), upstream in steps]


def _step(
    name: str, verb: Callable[..., Result], prose: str, upstream: str | None
) -> dg.AssetsDefinition:
    key = names.key(f"{GROUP}/{name}")
    spec = dg.AssetSpec(
        key,
        deps=[names.key(f"{GROUP}/{upstream}")] if upstream else [],
        group_name=GROUP,
        description=prose,
        kinds={"iceberg"},
        skippable=True,
    )

    @dg.multi_asset(name=f"{GROUP}_{name}", specs=[spec])
    def step(
        context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
    ) -> Iterator[adapter.Event]:
        done = adapter.call(context, session, verb, progress=session.progress(context))
        yield from adapter.whole(context, session, key, done)

    return step
