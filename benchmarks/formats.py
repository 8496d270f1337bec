"""Gzip CSV, NDJSON and Parquet from bronze to published silver, each against its own floor.

The floor is DuckDB's typed COPY of the same files to one Parquet file. A third of the years of the
other benchmarks is enough to tell: 10 of them are 3,367,760 rows in 120 monthly files of each
format. One file in a hundred carries 20 rows whose distance is too short. The contract is the
sample's own, without its references; both sides start from files at rest, and imports and the
start of the process are not counted.

    python benchmarks/formats.py [--quick] [--years N]
"""

from __future__ import annotations

import gzip
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
from common import Figures, Limit, asked, declare, land, measured, months, refresh, report, settings

LIMIT = 3.5
BROKEN_ROWS, DISTANCE = 20, 15
FORMATS = {"csv": "gzip CSV", "ndjson": "NDJSON", "parquet": "Parquet"}
SUFFIXES = {"csv": "csv.gz", "ndjson": "ndjson", "parquet": "parquet"}


def main() -> None:
    """Measures each format in turn, so that only one lake lies on disk at a time."""
    options = asked(__doc__, SIDES)
    found = {format: _measured(format, max(options.years // 3, 1)) for format in FORMATS}
    report(
        "formats",
        [
            Limit(f"{FORMATS[format]} / floor", ours["seconds"] / floor["seconds"], LIMIT)
            for format, (ours, floor) in found.items()
        ],
        max(ours["peak_mb"] for ours, _ in found.values()),
        {
            f"{FORMATS[format]}: {side}": figures["seconds"]
            for format, (ours, floor) in found.items()
            for side, figures in (("DuckDB COPY (floor)", floor), ("lakehouse", ours))
        },
        {format: {"lakehouse": ours, "floor": floor} for format, (ours, floor) in found.items()},
    )


def _measured(format: str, years: int) -> tuple[Figures, Figures]:
    with tempfile.TemporaryDirectory(prefix="bench-formats-") as folder:
        work = Path(folder)
        rows, files = _build(work, format, years)
        floor = measured(__file__, "floor", work)
        measured(__file__, "land", work)
        declare(work, format=format, last_rule=True)
        ours = measured(__file__, "lakehouse", work)
    return {**ours, "rows": rows, "files": files}, floor


def _build(work: Path, format: str, years: int) -> tuple[int, int]:
    """Writes the landed files and the project; returns rows and files."""
    landing = work / "lake" / "landing" / "flights"
    landing.mkdir(parents=True)
    rows = files = 0
    for name, count, content in _contents(years):
        target = landing / f"{name}.{SUFFIXES[format]}"
        if format == "csv":
            target.write_bytes(gzip.compress(content, compresslevel=6, mtime=0))
        else:
            _convert(content, work / "month.csv", target, format)
        rows, files = rows + count, files + 1
    declare(work, format=format, last_rule=False)
    return rows, files


def _contents(years: int) -> Iterator[tuple[str, int, bytes]]:
    """Yields name, rows and CSV of each month."""
    for number, (year, month, header, body) in enumerate(months(years)):
        if number % 100 == 5:
            for place in range(BROKEN_ROWS):
                cells = body[place].split(b",")
                cells[DISTANCE] = b"1"
                body[place] = b",".join(cells)
        yield f"flights_{year}-{month:02d}", len(body), b"".join([header, *body])


def _convert(content: bytes, source: Path, target: Path, format: str) -> None:
    """Writes a month in another format, as its producer would."""
    source.write_bytes(content)
    moment = "strftime(time_hour AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
    cells = f"* REPLACE ({moment} AS time_hour)" if format == "ndjson" else "*"
    kind = {"ndjson": "json", "parquet": "parquet"}[format]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(
            f"COPY (SELECT {cells} FROM read_csv('{source}', nullstr='NA', "
            f"types={{'time_hour': 'TIMESTAMPTZ'}})) TO '{target}' (FORMAT {kind})"
        )


def _floor(work: Path) -> Figures:
    """DuckDB alone: typed files in, one zstd Parquet file out, nothing checked."""
    from lakehouse.connection import connect
    from lakehouse.lake import Lake

    lake = Lake(settings(work))
    contract = lake.contract("flights")
    types = ", ".join(f"{column.name}: '{column.type}'" for column in contract.read_columns)
    files = f"'{work}/lake/landing/flights/*'"
    read = {
        "csv": f"read_csv({files}, columns={{{types}}}, auto_detect=false, header=true, "
        "nullstr='NA', compression='gzip')",
        "ndjson": f"read_json({files}, columns={{{types}}}, format='newline_delimited')",
        "parquet": f"read_parquet({files})",
    }[contract.read.format]
    with connect(lake.settings, tables=False) as connection:
        started = time.perf_counter()
        connection.execute(
            f"COPY (SELECT * FROM {read}) TO '{work}/floor.parquet' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        return {"seconds": time.perf_counter() - started}


SIDES = {"floor": _floor, "land": land, "lakehouse": refresh}

if __name__ == "__main__":
    main()
