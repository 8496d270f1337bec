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
import yaml
from common import ROOT, Figures, Limit, asked, measured, months, report, settings

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
        _declare(work, format, last_rule=True)
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
    _declare(work, format, last_rule=False)
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


def _declare(work: Path, format: str, *, last_rule: bool) -> None:
    """Writes the contract for files of one format, with its last row rule or without."""
    text = (ROOT / "assets/contracts/flights.odcs.yaml").read_text(encoding="utf-8")
    contract = yaml.safe_load(text)
    for column in contract["schema"][0]["properties"]:
        column.pop("relationships", None)
    for custom in contract["customProperties"]:
        if custom["property"] == "read" and format != "csv":
            custom["value"] = {"format": format}
        if custom["property"] == "rowRules" and not last_rule:
            custom["value"].pop()
    target = work / "assets" / "contracts" / "flights.odcs.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(contract), encoding="utf-8")


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


def _land(work: Path) -> Figures:
    from lakehouse import landing
    from lakehouse.lake import Lake

    started = time.perf_counter()
    landing.land(Lake(settings(work)), "flights", run="bench")
    return {"seconds": time.perf_counter() - started}


def _lakehouse(work: Path) -> Figures:
    """Inspect, conform, write, audit and publish."""
    from lakehouse import ingestion
    from lakehouse.lake import Lake
    from lakehouse.validation.suite import import_great_expectations

    lake = Lake(settings(work))
    import_great_expectations()
    started, cpu = time.perf_counter(), time.process_time()
    done = ingestion.refresh(lake, "flights", run="bench")
    seconds = time.perf_counter() - started
    assert done.refusals() == (), done.refusals()
    return {
        "seconds": seconds,
        "cpu_s": time.process_time() - cpu,
        "published": done.rows,
        "quarantined": done.quarantined,
        "verdicts": len(done.judgements),
    }


SIDES = {"floor": _floor, "land": _land, "lakehouse": _lakehouse}

if __name__ == "__main__":
    main()
