"""How long a query may take and how much it may answer."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lakehouse.results import counted

GRACE = 5.0
"""Seconds that an interrupted query has to end; a few functions, once begun, never look up."""
_BATCH = 10_240
_AGAIN = 0.05
"""Seconds; an interruption between two steps of a query is lost, so it is repeated."""
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class Limits:
    """What one query may use beside the memory and the disk of its session.

    Attributes:
        seconds: How long it may take; 0 is for ever.
        rows: How many rows it may answer; 0 is any number.
    """

    seconds: float = 0
    rows: int = 0


@contextmanager
def watched(
    connection: duckdb.DuckDBPyConnection, seconds: float, ignored: Callable[[], object]
) -> Iterator[threading.Event]:
    """Interrupts what `connection` does once the time is over; the event then is set.

    Args:
        connection: Runs the query.
        seconds: How long it may; 0 is for ever.
        ignored: Called once, in another thread, where it goes on for `GRACE` seconds nonetheless.
    """
    late, done = threading.Event(), threading.Event()
    if not seconds:
        yield late
        return

    def watch() -> None:
        wait, end = seconds, time.monotonic() + seconds + GRACE
        while not done.wait(wait):
            late.set()
            connection.interrupt()
            wait = _AGAIN
            if time.monotonic() > end:
                end = math.inf
                ignored()

    watcher = threading.Thread(target=watch, name="query limit", daemon=True)
    watcher.start()
    try:
        yield late
    finally:
        done.set()
        watcher.join()


def fetch(connection: duckdb.DuckDBPyConnection, sql: str, rows: int) -> tuple[pa.Table, str]:
    """Runs a query and returns its rows, with why the last ones are missing where they are.

    Rows are taken from the running query, so what is cut was never made. An answer larger than
    the memory limit is cut too: the rows are kept outside the memory that DuckDB counts.
    """
    largest = memory(connection)
    reader = connection.execute(sql).to_arrow_reader(_BATCH)
    batches, count, size, cut = [], 0, 0, ""
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if rows and count > rows:
            cut = f"only the first {counted(rows, 'row')} were taken, there are more"
            break
        if size > largest:
            cut = f"only the first {counted(count, 'row')} were taken: more fill the memory limit"
            break
    table = pa.Table.from_batches(batches, schema=reader.schema)
    return table.slice(0, rows) if rows else table, cut


def memory(connection: duckdb.DuckDBPyConnection) -> int:
    """Returns the memory limit of a connection in bytes."""
    found = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    amount, unit = str(found[0] if found else "0 bytes").split()
    return int(float(amount) * _UNITS[unit])
