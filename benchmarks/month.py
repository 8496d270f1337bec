"""What one more month costs: the last of 30 years against the first of the second year.

A lake is built month by month, each month landed and published by itself, as it happens in use.
Months 13 to 15 and the last three are measured: seconds, bytes read, bytes and files written, and
bytes of metadata written (the table's and the ledger's). Of each three the median counts, so that
a merge of the books, which falls on one month in many, is reported beside it as the largest.

    python benchmarks/month.py [--quick] [--years N]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from common import Figures, Limit, asked, declare, measured, months, report, settings

LIMIT = 1.3
FIRST, LOOKS = 13, 3
COSTS = ("seconds", "bytes_read", "bytes_written", "files_written", "metadata_bytes")


def main() -> None:
    """Builds one lake in a process of its own and compares its early and its late months."""
    options = asked(__doc__, SIDES)
    with tempfile.TemporaryDirectory(prefix="bench-month-") as folder:
        work = Path(folder)
        declare(work)
        (work / "years").write_text(str(options.years), encoding="utf-8")
        found = measured(__file__, "months", work)
    early, late = found["early"], found["late"]
    last = options.years * 12
    report(
        "month",
        [
            Limit(f"{name}: month {last} / month 13", late[name] / early[name], LIMIT)
            for name in COSTS
        ],
        found["peak_mb"],
        {"month 13": early["seconds"], f"month {last}": late["seconds"]},
        found,
    )


def _months(work: Path) -> Figures:
    """Adds every month and measures each."""
    from lakehouse import ingestion, landing
    from lakehouse.lake import Lake
    from lakehouse.validation.suite import import_great_expectations

    import_great_expectations()
    years = int((work / "years").read_text(encoding="utf-8"))
    costs = []
    for year, month, header, body in months(years):
        file = work / f"flights_{year}-{month:02d}.csv"
        file.write_bytes(b"".join([header, *body]))

        def add(file: Path = file) -> None:
            lake = Lake(settings(work))
            landing.land(lake, "flights", [str(file)], run="bench")
            done = ingestion.refresh(lake, "flights", run="bench")
            assert done.refusals() == (), done.refusals()

        # months differ in size by a fifth, so a month is compared with the same one of the year
        costs.append({"month": month, **_cost(work / "lake", add)})
        file.unlink()
    early = costs[FIRST - 1 : FIRST - 1 + LOOKS]
    late = [c for c in costs[-12:] if c["month"] in {e["month"] for e in early}]
    return {
        "early": _median(early),
        "late": _median(late),
        "largest_seconds": max(cost["seconds"] for cost in costs[-24:]),
        "seconds_by_month": [round(cost["seconds"], 3) for cost in costs],
    }


def _cost(lake: Path, work: Callable[[], None]) -> Figures:
    before, read = dict(_files(lake)), _read_so_far()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    added = {name: size for name, size in _files(lake) if before.get(name) != size}
    return {
        "seconds": seconds,
        "bytes_read": _read_so_far() - read,
        "bytes_written": sum(added.values()),
        "files_written": len(added),
        "metadata_bytes": sum(size for name, size in added.items() if "/metadata/" in name),
    }


def _files(lake: Path) -> Iterator[tuple[str, int]]:
    """All files and their sizes; the catalog's database is one of them at every commit."""
    for file in lake.rglob("*"):
        if file.is_file() and file.suffix != ".lock":
            yield str(file), file.stat().st_size


def _read_so_far() -> int:
    """Bytes that this process has read, from the disk or from the page cache."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["rchar"])


def _median(costs: list[Figures]) -> Figures:
    return {name: statistics.median(cost[name] for cost in costs) for name in COSTS}


SIDES = {"months": _months}

if __name__ == "__main__":
    main()
