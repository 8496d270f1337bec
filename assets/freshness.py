"""Whether the data is as young as the contract promises, by the data's own clock."""

from datetime import datetime

import dagster as dg

from assets import adapter, checks, names
from lakehouse.connection import quote_name, quote_table
from lakehouse.contract import Contract, Freshness
from lakehouse.lake import Lake
from lakehouse.query import query
from lakehouse.results import Check
from resources import Session


def freshness(contract: Contract, promise: Freshness) -> dg.AssetChecksDefinition:
    """Returns the check that compares the newest row with the lake's clock whenever it is run."""
    key = names.key(f"silver/{contract.dataset}")

    @dg.asset_check(
        asset=key,
        name=checks.FRESH,
        description=f"The newest `{promise.column}` is at most {promise.limit} old.",
        metadata={"severity": "warning", "limit": str(promise.limit)},
    )
    def fresh(session: dg.ResourceParam[Session]) -> dg.AssetCheckResult:
        return adapter.verdict(key, judge(session.lake, contract, promise))

    return fresh


def judge(lake: Lake, contract: Contract, promise: Freshness) -> Check:
    """Returns whether the newest published row is young enough; no row is not."""
    now, newest = lake.settings.clock(), _newest(lake, contract.table, promise.column)
    if newest is None:
        return Check(checks.FRESH, False, "warning", f"{contract.table} has no row yet")
    age = now - newest
    return Check(
        checks.FRESH,
        age <= promise.limit,
        "warning",
        f"newest {promise.column} is {newest:%Y-%m-%d %H:%M} UTC, {age.days} days before "
        f"{now:%Y-%m-%d %H:%M} UTC; the contract allows {promise.limit}",
        {"newest": newest.isoformat(), "clock": now.isoformat(), "limit": str(promise.limit)},
    )


def _newest(lake: Lake, table: str, column: str) -> datetime | None:
    if table not in lake.catalog.names():
        return None
    sql = f"select max({quote_name(column)})::timestamptz as newest from {quote_table(table)}"
    found: datetime | None = query(lake, sql).table["newest"][0].as_py()
    return found
