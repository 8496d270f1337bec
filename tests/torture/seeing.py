"""What readers of the lake see, what its books say, and which of its files nothing needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lakehouse.catalog import Refs
from lakehouse.lake import Lake
from lakehouse.storage import local_path

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "trips": ("silver.trips", "quarantine.trips"),
    "cities": ("silver.cities", "quarantine.cities"),
    "visits": ("silver.visits", "quarantine.visits"),
    "gold": ("gold.daily", "gold.rides"),
    "predictions": ("gold.predictions_dear",),
    "monitoring": (
        "monitoring.profiles_dear",
        "monitoring.drift_dear",
        "monitoring.performance_dear",
    ),
}
"""Tables that readers see together or not at all."""
_OF_A_RUN = {"run", "run_id", "model_version"}
"""Columns that tell of the run; two runs that do the same differ in them."""

Seen = dict[str, str]
"""A digest of the rows of each group of tables."""


def rows(refs: Refs, table: str) -> list[str]:
    """Every row of a table as text, sorted; one word for a table that is not there."""
    found = refs.tables.get(table)
    if found is None:
        return ["absent"]
    told = found.scan().to_arrow().to_pylist()
    kept = ({k: v for k, v in row.items() if k not in _OF_A_RUN} for row in told)
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)


def seen(lake: Lake, groups: Iterable[str] = TOGETHER) -> Seen:
    """What a reader sees who resolves all tables in one read of the catalog."""
    wanted = {group: TOGETHER[group] for group in groups}
    refs = lake.catalog.refs([name for names in wanted.values() for name in names])
    return {group: digest(rows(refs, name) for name in names) for group, names in wanted.items()}


def digest(parts: Iterable[list[str]]) -> str:
    """One word for the rows of several tables."""
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:16]


def booked(lake: Lake) -> dict[str, Any]:
    """What the books say of every delivery, whatever runs it took to say it."""
    from lakehouse.admitting import look

    found: dict[str, Any] = {}
    for dataset in lake.contracts:
        view = look(lake, lake.contract(dataset))
        state = view.state
        found[dataset] = {
            "deliveries": [
                (d.number, d.source_key, d.sha256, d.size) for d in view.books.delivered(dataset)
            ],
            "refused": sorted({(d.delivery, d.partition, d.rows) for d in state.refused}),
            "held": {
                name: sorted(
                    (a.delivery, a.rows, a.published, a.quarantined, a.duplicates, a.superseded)
                    for a in holding.accounts
                )
                for name, holding in state.held.items()
            },
            "stale": dict(state.stale),
            "unread": [d.number for d in state.unread],
        }
    return found


def raw(lake: Lake) -> dict[str, str]:
    """The objects in bronze whose bytes are what their names say, and those that are not."""
    bronze = Path(local_path(lake.settings.warehouse)) / "bronze"
    found = {}
    for file in sorted(bronze.rglob("*")):
        if file.is_file() and file.suffix != ".part":
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            found[str(file)] = "whole" if content == file.name.split(".")[0] else "wrong"
    return found


def orphans(lake: Lake) -> list[str]:
    """Files below the warehouse that no table, delivery or backup refers to.

    Backups and what maintenance writes down for its next call are nobody's orphans.
    """
    warehouse = Path(local_path(lake.settings.warehouse))
    apart = [warehouse / "maintenance", warehouse / "backups"]
    files = (file for file in warehouse.rglob("*") if file.is_file())
    there = {str(f) for f in files if not any(f.is_relative_to(folder) for folder in apart)}
    logged = {
        entry.metadata_file
        for table in lake.catalog.refs().tables.values()
        for entry in table.metadata.metadata_log
    }
    return sorted(there - {local_path(url) for url in _referred(lake) | logged})


def missing(lake: Lake) -> list[str]:
    """Files that a reader of a table or a delivery needs and that are not there.

    Former metadata is no such file: who erases a person deletes it at once.
    """
    return sorted(url for url in _referred(lake) if not Path(local_path(url)).exists())


def _referred(lake: Lake) -> set[str]:
    books = lake.ledger.read()
    found = {absolute(lake, entry.object) for entry in (*books.deliveries, *books.claims)}
    for table in lake.catalog.refs().tables.values():
        found.add(table.metadata_location)
        for snapshot in table.metadata.snapshots:
            found.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                found.add(manifest.manifest_path)
                entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
                found |= {entry.data_file.file_path for entry in entries}
    return found


def absolute(lake: Lake, url: str) -> str:
    """Books name objects by their place in the warehouse, or did so in full."""
    return url if "://" in url else f"{lake.settings.warehouse}/{url}"


def left_in_home(lake: Lake) -> list[str]:
    """What runs left in the folders for passing files."""
    home = lake.settings.home
    folders = [home / "tmp", home / "dbt"]
    found = (path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return sorted(str(path) for path in found if not path.name.startswith("manifest-"))
