"""What 1,000 small commits cost, and what is left of that after `lakehouse maintain`.

The real year's flights are published at once by the engine, and a second time, the same rows, by
1,000 commits of a few hundred rows each. Then the second lake is maintained, with no grace, under a
contract that keeps one snapshot. Its files, its bytes on disk and the time to plan a query are
compared with those of the first; the same figures under the default, which keeps the newest 20
snapshots and so the small files that they read, are beside them.

    python benchmarks/maintain.py [--quick]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import yaml
from common import Figures, Limit, asked, declare, land, measured, months, refresh, report, settings

TABLE = "silver.flights"
COMMITS, QUICK = 1_000, 100
LOOKS = 25


def main() -> None:
    """Makes both lakes, maintains the second and compares the two."""
    options = asked(__doc__, SIDES)
    commits = QUICK if options.quick else COMMITS
    with tempfile.TemporaryDirectory(prefix="bench-maintain-") as folder:
        work = Path(folder)
        fresh, small = work / "fresh", work / "small"
        for lake in (fresh, small):
            lake.mkdir()
            declare(lake)
        (small / "commits").write_text(str(commits), encoding="utf-8")
        first = measured(__file__, "fresh", fresh)
        grown = measured(__file__, "grown", small)
        default = measured(__file__, "maintained", small)
        keep_one(small)
        done = measured(__file__, "maintained", small)
        plans = measured(__file__, "plans", work)
    found = {
        "fresh": first,
        "grown": grown,
        "maintained, 20 snapshots": default,
        "maintained": done,
    }
    report(
        "maintain",
        [
            Limit(
                f"data files of {commits:,} commits / ideal", done["files"] / first["files"], 1.5
            ),
            Limit("bytes on disk / fresh table", done["bytes"] / first["bytes"], 1.3),
            *(Limit(f"time to plan, {by} / fresh table", plans[by], 1.3) for by in PLANNERS),
        ],
        done["peak_mb"],
        {"commits": grown["seconds"], "maintain": default["seconds"]},
        {"figures": found},
    )


PLANNERS = ("PyIceberg", "DuckDB")


def keep_one(work: Path) -> None:
    """Has the contract keep one snapshot."""
    file = work / "assets" / "contracts" / "flights.odcs.yaml"
    contract = yaml.safe_load(file.read_text(encoding="utf-8"))
    contract["customProperties"].append({"property": "snapshots", "value": {"keep": 1}})
    file.write_text(yaml.safe_dump(contract), encoding="utf-8")


def _fresh(work: Path) -> Figures:
    """The rows as the engine publishes them at once."""
    landing = work / "lake" / "landing" / "flights"
    landing.mkdir(parents=True)
    for year, month, header, body in months(1):
        (landing / f"flights_{year}-{month:02d}.csv").write_bytes(b"".join([header, *body]))
    land(work)
    refresh(work)
    return _looked_at(work)


def _grown(work: Path) -> Figures:
    """The same rows, a few hundred at a time."""
    from lakehouse import catalog, tables
    from lakehouse.lake import Lake

    lake, source = Lake(settings(work)), Lake(settings(work.parent / "fresh"))
    contract = lake.contract("flights")
    rows = source.catalog.table(TABLE).scan().to_arrow().sort_by(contract.partition.column)
    lake.catalog.ensure(TABLE, tables.silver_schema(contract), tables.silver_spec(contract))
    commits = int((work / "commits").read_text(encoding="utf-8"))
    started = time.perf_counter()
    for number in range(commits):
        first, after = (rows.num_rows * n // commits for n in (number, number + 1))
        _append(lake, catalog, rows.slice(first, after - first))
    return {"seconds": time.perf_counter() - started, **_looked_at(work)}


def _append(lake: object, catalog: object, rows: pa.Table) -> None:
    table = lake.catalog.table(TABLE)
    transaction = table.transaction()
    transaction.append(rows)
    lake.catalog.commit([catalog.staged(transaction, table)])


def _maintained(work: Path) -> Figures:
    """After maintenance."""
    from lakehouse import maintenance
    from lakehouse.lake import Lake

    started = time.perf_counter()
    done = maintenance.maintain(Lake(settings(work)), run="bench", grace=timedelta(0))
    seconds = time.perf_counter() - started
    freed = done.swept.facts()["bytes_freed"]
    return {"seconds": seconds, "freed": freed, **_looked_at(work)}


def _looked_at(work: Path) -> Figures:
    """Files, bytes, and the time to plan a query in a table that was just opened."""
    from lakehouse.lake import Lake
    from lakehouse.storage import local_path

    lake = Lake(settings(work))
    table = lake.catalog.table(TABLE)
    folder = Path(local_path(table.location()))
    looks = _planners(work)
    return {
        "files": len(list(table.scan().plan_files())),
        "rows": table.scan().count(),
        "bytes": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
        "plan_s": {by: min(_seconds(look) for _ in range(3)) for by, look in looks.items()},
    }


def _plans(work: Path) -> Figures:
    """Both tables in turn, so that whatever else the machine does slows down both alike."""
    fresh, small = _planners(work / "fresh"), _planners(work / "small")
    ratios = {}
    for by in PLANNERS:
        looks = [(_seconds(small[by]), _seconds(fresh[by])) for _ in range(LOOKS)]
        ratios[by] = min(after for after, _ in looks) / min(before for _, before in looks)
    return ratios


def _planners(work: Path) -> dict[str, Callable[[], object]]:
    from lakehouse.lake import Lake
    from lakehouse.storage import local_path

    lake = Lake(settings(work))
    connection = lake.connect()
    location = local_path(lake.catalog.table(TABLE).metadata_location)
    query = f"EXPLAIN SELECT count(*) FROM iceberg_scan('{location}') WHERE month = 7"
    return {
        "PyIceberg": lambda: list(lake.catalog.table(TABLE).scan().plan_files()),
        "DuckDB": lambda: connection.execute(query).fetchall(),
    }


def _seconds(look: Callable[[], object]) -> float:
    started = time.perf_counter()
    look()
    return time.perf_counter() - started


SIDES = {"fresh": _fresh, "grown": _grown, "maintained": _maintained, "plans": _plans}

if __name__ == "__main__":
    main()
