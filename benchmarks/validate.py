"""The audit, against one hand-written DuckDB aggregate and against GX's own pandas engine.

The real year is repeated to 10,103,280 rows in 360 monthly Parquet files, as silver keeps them.
The suite is the sample's own: 12 expectations. It judges all rows as one partition, and every
month by itself (4,320 verdicts). The hand-written statement finds the same figures and returns
them without a verdict. The pandas engine judges all rows as one partition. Every side starts from
the files: DuckDB reads the columns as it goes, pandas loads those that the suite names; what its
judgement takes without the loading is told, too. Imports are not counted. Each side runs three
times in its process (pandas once), and the fastest counts.

    python benchmarks/validate.py [--quick] [--years N]
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import Limit, asked, measured, months, report, settings

ROOT = Path(__file__).resolve().parent.parent
AGGREGATE_LIMIT, PANDAS_LIMIT, VERDICT_S = 3.0, 1 / 8, 0.001
ROUNDS = 3

WRITTEN = """
SELECT {label} count(*), count(DISTINCT day),
       count(dep_delay), avg(dep_delay), quantile_disc(dep_delay, [0.5, 0.95]), count(arr_delay),
       bool_or(carrier = 'AA'), bool_or(carrier = 'B6'), bool_or(carrier = 'DL'),
       bool_or(carrier = 'EV'), bool_or(carrier = 'UA'), count(tailnum),
       bool_or(origin = 'EWR'), bool_or(origin = 'JFK'), bool_or(origin = 'LGA'),
       avg(air_time), avg(distance), stddev_samp(distance)
FROM flights {group}
"""
"""What a person would write for the same 12 expectations."""


def main() -> None:
    """Builds the table, measures each side in a process of its own, and reports."""
    options = asked(__doc__, SIDES)
    with tempfile.TemporaryDirectory(prefix="bench-validate-") as folder:
        work = Path(folder)
        rows, files = _build(work, options.years)
        found = {side: measured(__file__, side, work) for side in SIDES}
    second = {side: figures["seconds"] for side, figures in found.items()}
    verdicts = found["months"]["verdicts"]
    grouped = AGGREGATE_LIMIT * second["written_months"] + VERDICT_S * verdicts
    limits = [
        Limit("one partition / aggregate", second["whole"] / second["written"], AGGREGATE_LIMIT),
        Limit("one partition / pandas", second["whole"] / second["pandas"], PANDAS_LIMIT),
        Limit("months / (3 grouped + 1 ms each)", second["months"] / grouped, 1.0),
    ]
    told = {
        "pandas engine": "pandas",
        "lakehouse, one partition": "whole",
        "hand-written aggregate": "written",
        "lakehouse, each month": "months",
        "hand-written, grouped": "written_months",
    }
    report(
        "validate",
        limits,
        max(found["whole"]["peak_mb"], found["months"]["peak_mb"]),
        {label: second[side] for label, side in told.items()}
        | {"pandas engine, without loading": found["pandas"]["judged_s"]},
        {
            "rows": rows,
            "partitions": files,
            "verdicts": verdicts,
            "sides": {side: dict(figures) for side, figures in found.items()},
        },
    )


def _build(work: Path, years: int) -> tuple[int, int]:
    """Writes one Parquet file per month; returns rows and files."""
    import duckdb

    connection = duckdb.connect()
    source, table = work / "year.csv", work / "silver"
    table.mkdir()
    for place, (_, _, header, lines) in enumerate(months(1)):
        with source.open("ab") as stream:
            stream.writelines(lines if place else [header, *lines])
    types = {column.name: column.type for column in _contract().read_columns}
    connection.execute(
        f"CREATE TABLE one AS FROM read_csv('{source}', columns={types}, header=true, nullstr='NA')"
    )
    for year in range(2013, 2013 + years):
        for month in range(1, 13):
            connection.execute(
                f"COPY (SELECT * REPLACE ({year} AS year), make_date({year}, month, day) AS "
                f"flight_date FROM one WHERE month = {month}) "
                f"TO '{table}/{year}-{month:02}.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )
    (counted,) = connection.execute(f"SELECT count(*) FROM '{table}/*.parquet'").fetchall()
    return int(counted[0]), years * 12


def _contract() -> Any:
    """Returns the sample's own contract."""
    from lakehouse.contract import load

    return load(ROOT / "assets" / "contracts" / "flights.odcs.yaml")


def _connected(work: Path) -> Any:
    """Returns a connection with the lake's own limits that sees the table."""
    from lakehouse.connection import connect

    connection = connect(settings(work), tables=False)
    connection.execute(f"CREATE VIEW flights AS FROM read_parquet('{work}/silver/*.parquet')")
    return connection


def _fastest(work: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, Any]:
    """Returns the seconds of the fastest of some rounds, and what the last one returned."""
    seconds, answer = [], None
    for _ in range(rounds):
        gc.collect()
        started = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), answer


def _written(work: Path, label: str, group: str) -> dict[str, Any]:
    with _connected(work) as connection:
        statement = WRITTEN.format(label=label, group=group)
        seconds, answer = _fastest(lambda: connection.execute(statement).fetchall())
    return {"seconds": seconds, "groups": len(answer)}


def written(work: Path) -> dict[str, Any]:
    """One aggregate over all rows."""
    return _written(work, "", "")


def written_months(work: Path) -> dict[str, Any]:
    """The same aggregate for every month."""
    return _written(work, "date_trunc('month', flight_date) AS label,", "GROUP BY label")


def whole(work: Path) -> dict[str, Any]:
    """The suite on all rows as one partition."""
    return _judged(work, replace(_contract(), partition=None), ["all"])


def by_month(work: Path) -> dict[str, Any]:
    """The suite on every month."""
    return _judged(work, _contract(), sorted(file.stem for file in (work / "silver").iterdir()))


def _judged(work: Path, contract: Any, partitions: list[str]) -> dict[str, Any]:
    from lakehouse.validation import validate
    from lakehouse.validation.suite import import_great_expectations

    import_great_expectations()
    with _connected(work) as connection:
        seconds, found = _fastest(lambda: validate(connection, "flights", contract, partitions))
    wrong = [v.sentence() for v in found.verdicts if v.outcome != "PASS" and partitions != ["all"]]
    assert not wrong, wrong
    return {"seconds": seconds, "verdicts": len(found.verdicts)}


def pandas(work: Path) -> dict[str, Any]:
    """The suite on Great Expectations' own pandas engine, over the columns that it names."""
    from lakehouse.validation import suite

    items = suite.build(_contract().expectations)
    import great_expectations as gx
    import pandas as pd

    named = {item.declared.kwargs["column"] for item in items if "column" in item.declared.kwargs}
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("flights")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    wanted = gx.ExpectationSuite("flights", expectations=[item.built for item in items])
    loading, frame = _fastest(lambda: pd.read_parquet(work / "silver", columns=sorted(named)), 1)
    batch = definition.get_batch(batch_parameters={"dataframe": frame})
    judging, result = _fastest(lambda: batch.validate(wanted), 1)
    broken = [r for r in result.results if r.exception_info.get("raised_exception")]
    assert not broken, broken
    return {
        "seconds": loading + judging,
        "judged_s": judging,
        "verdicts": len(result.results),
    }


SIDES = {
    "written": written,
    "whole": whole,
    "written_months": written_months,
    "months": by_month,
    "pandas": pandas,
}

if __name__ == "__main__":
    main()
