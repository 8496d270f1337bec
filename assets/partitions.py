"""One shared partitions object per granularity, start and end."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import cache

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from lakehouse.contract import Partition
from lakehouse.results import WHOLE

_CRON = {"day": "0 0 * * *", "month": "0 0 1 * *", "year": "0 0 1 1 *"}


def of(partition: Partition, now: datetime | None) -> dg.TimeWindowPartitionsDefinition:
    """Returns the partitions of a dataset, named as the engine names them.

    Args:
        partition: How the contract cuts the table.
        now: The lake's clock if it is set: the last partition is the one it has reached. None
            leaves the end open up to the present one.
    """
    until = None if now is None else _end(partition, now)
    return _shared(partition.granularity, partition.pattern, partition.start, until)


def selected(context: dg.AssetExecutionContext) -> tuple[str, ...] | None:
    """Returns the partitions that a run names; None if it names none: all that are stale."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    return tuple(context.partition_keys)


def ranges(cut: dg.TimeWindowPartitionsDefinition, wanted: Collection[str]) -> list[dict[str, str]]:
    """Returns the tags of the runs that cover the wanted partitions and no other.

    Neighbours share a run. No partition, or one that lies beyond the definition, is a run without
    tags: the engine then brings up to date whatever is stale.
    """
    known = cut.get_partition_keys()
    if not wanted or not set(wanted) <= set(known):
        return [{}]
    unbroken: list[list[str]] = []
    for before, partition in zip([None, *known], known, strict=False):
        if partition in wanted and before in wanted:
            unbroken[-1].append(partition)
        elif partition in wanted:
            unbroken.append([partition])
    return [_tags(run[0], run[-1]) for run in unbroken]


def name(partition: str | None) -> str | None:
    """Returns the engine's partition as Dagster's: a table that is one whole has none."""
    return None if partition == WHOLE else partition


def _tags(first: str, last: str) -> dict[str, str]:
    if first == last:
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


@cache
def _shared(
    granularity: str, pattern: str, start: date, until: date | None
) -> dg.TimeWindowPartitionsDefinition:
    if granularity == "month":
        return dg.MonthlyPartitionsDefinition(
            start.strftime(pattern),
            end_date=until.strftime(pattern) if until else None,
            fmt=pattern,
            end_offset=0 if until else 1,
        )
    return dg.TimeWindowPartitionsDefinition(
        start=start.strftime(pattern),
        end=until.strftime(pattern) if until else None,
        fmt=pattern,
        cron_schedule=_CRON[granularity],
        end_offset=0 if until else 1,
    )


def _end(partition: Partition, now: datetime) -> date:
    """Returns the first day after the partition of the clock's last instant."""
    last = now.astimezone(UTC) - timedelta(microseconds=1)
    return partition.bounds(last.strftime(partition.pattern))[1]
