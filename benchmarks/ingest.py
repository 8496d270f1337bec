"""Bronze to published silver, against DuckDB's typed COPY of the same files to one Parquet file.

The real year is repeated with shifted years: 30 of them are 10,103,280 rows in 360 monthly files.
One file in a hundred carries 20 broken lines; in a second lake every file does. The contract is the
sample's own, without its references: 38 row rules, key, quarantine, 12 expectations and a verdict
for each month. Both sides start from files at rest: the lakehouse's are in bronze, landed under a
contract that lacked a rule, so that each is looked at anew. Imports and the start of the process
are not counted. A third of the years tells whether memory grows with the table.

    python benchmarks/ingest.py [--quick] [--years N]
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from common import Figures, Limit, asked, declare, land, measured, months, refresh, report, settings

LIMIT, PEAK_LIMIT_MB, GROWTH_LIMIT = 3.5, 1000, 1.15
BROKEN_LINES = 20


def main() -> None:
    """Measures each lake in turn, so that only one lies on disk at a time."""
    options = asked(__doc__, SIDES)
    few, floor = _measured(options.years, dirty_every=100, baseline=True)
    all_dirty, _ = _measured(options.years, dirty_every=1)
    third, _ = _measured(max(options.years // 3, 1), dirty_every=100)
    report(
        "ingest",
        [
            Limit("1 % of files dirty / floor", few["seconds"] / floor["seconds"], LIMIT),
            Limit(f"peak / {PEAK_LIMIT_MB} MB", few["peak_mb"] / PEAK_LIMIT_MB, 1.0),
            Limit("peak / peak of a third", few["peak_mb"] / third["peak_mb"], GROWTH_LIMIT),
        ],
        max(few["peak_mb"], all_dirty["peak_mb"]),
        {
            "DuckDB COPY (floor)": floor["seconds"],
            "1 % of files dirty": few["seconds"],
            "every file dirty": all_dirty["seconds"],
        },
        {
            "every_file_dirty_ratio": round(all_dirty["seconds"] / floor["seconds"], 3),
            "floor": floor,
            "few_dirty": few,
            "all_dirty": all_dirty,
            "third": third,
        },
    )


def _measured(years: int, *, dirty_every: int, baseline: bool = False) -> tuple[Figures, Figures]:
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        work = Path(folder)
        rows, files = _build(work, years, dirty_every)
        floor = measured(__file__, "floor", work) if baseline else {}
        measured(__file__, "land", work)
        declare(work, last_rule=True)
        ours = measured(__file__, "lakehouse", work)
    return {**ours, "rows": rows, "files": files}, floor


def _build(work: Path, years: int, dirty_every: int) -> tuple[int, int]:
    """Writes the landed files and the project; returns rows and files."""
    landing = work / "lake" / "landing" / "flights"
    landing.mkdir(parents=True)
    rows = files = 0
    for year, month, header, body in months(years):
        if files % dirty_every == dirty_every // 2:
            body[:BROKEN_LINES] = [line.replace(b",", b"", 1) for line in body[:BROKEN_LINES]]
        (landing / f"flights_{year}-{month:02d}.csv").write_bytes(b"".join([header, *body]))
        rows, files = rows + len(body), files + 1
    declare(work, last_rule=False)
    return rows, files


def _floor(work: Path) -> Figures:
    """DuckDB alone: typed CSV in, one zstd Parquet file out, nothing checked."""
    from lakehouse.connection import connect
    from lakehouse.lake import Lake

    lake = Lake(settings(work))
    columns = lake.contract("flights").read_columns
    types = ", ".join(f"{column.name}: '{column.type}'" for column in columns)
    with connect(lake.settings, tables=False) as connection:
        started = time.perf_counter()
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{work}/lake/landing/flights/*.csv', "
            f"columns={{{types}}}, auto_detect=false, header=true, nullstr='NA', "
            f"store_rejects=true)) TO '{work}/floor.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )
        return {"seconds": time.perf_counter() - started}


SIDES = {"floor": _floor, "land": land, "lakehouse": refresh}

if __name__ == "__main__":
    main()
