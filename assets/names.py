"""How the lake's names become Dagster's."""

import re
from collections.abc import Iterable, Mapping

import dagster as dg

from lakehouse.contract import Column

_EXPECTATION = re.compile(
    r"expect_(column_values_|column_|table_)?(?P<verb>.+?)(__(?P<column>.+))?"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def key(asset: str) -> dg.AssetKey:
    """Returns the key of an asset as planning names it, e.g. `silver/flights`."""
    return dg.AssetKey(asset.split("/"))


def table_key(table: str) -> dg.AssetKey:
    """Returns the key of the asset that makes a table, e.g. `gold.flight_features`."""
    return dg.AssetKey(table.split(".", 1))


def identifier(text: str) -> str:
    """Returns `text` as Dagster admits names of checks and ops.

    >>> identifier("tailnum is in planes")
    'tailnum_is_in_planes'
    """
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")


def check(asset: dg.AssetKey, name: str) -> str:
    """Returns the name of a check of an asset: what it is about first, then how it is judged.

    The page of an asset lists checks by name and cuts long ones in the middle.

    >>> check(dg.AssetKey(["silver", "flights"]), "expect_column_mean_to_be_between__dep_delay")
    'dep_delay__mean_between'
    >>> check(dg.AssetKey(["gold", "daily"]), "not_null_daily_carrier")
    'carrier__not_null'
    """
    if found := _EXPECTATION.fullmatch(name):
        words = (word for word in found["verb"].split("_") if word not in ("to", "be"))
        return identifier("__".join(filter(None, (found["column"], "_".join(words)))))
    test, table, about = name.partition(f"_{asset.path[-1]}_")
    return identifier(f"{about.strip('_')}__{test}" if table else name)


def owners(owner: str) -> list[str]:
    """Returns the owner as Dagster admits it: an address, or else a team.

    >>> owners("Flight Operations")
    ['team:flight-operations']
    """
    if not owner:
        return []
    if _EMAIL.fullmatch(owner) or owner.startswith("team:"):
        return [owner]
    return ["team:" + re.sub(r"[^a-z0-9]+", "-", owner.lower()).strip("-")]


def tags(names: Iterable[str]) -> dict[str, str]:
    """Returns a contract's tags as Dagster's, which are pairs."""
    return {re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:63].strip("-._"): "" for name in names}


def schema(columns: Iterable[Column], key_columns: Iterable[str]) -> dg.TableSchema:
    """Returns a contract's columns for the page of the asset."""
    keys = set(key_columns)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=_described(column),
                constraints=dg.TableColumnConstraints(
                    nullable=not column.required and column.name not in keys,
                    other=["part of the key"] if column.name in keys else [],
                ),
                tags=_facts(column),
            )
            for column in columns
        ]
    )


def types(columns: Mapping[str, str], prose: Mapping[str, str]) -> dg.TableSchema:
    """Returns columns with their types, and their descriptions where there are any."""
    return dg.TableSchema(
        [dg.TableColumn(name, type, prose.get(name)) for name, type in columns.items()]
    )


def _described(column: Column) -> str:
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def _facts(column: Column) -> Mapping[str, str]:
    return {"classification": column.classification} if column.classification else {}
