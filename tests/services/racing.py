"""Jobs that a test runs at the same moment, each in a process of its own."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

import pyarrow as pa

from lakehouse import ingestion, landing, publishing, training
from lakehouse.errors import LakehouseError
from lakehouse.lake import Lake
from lakehouse.query import Session
from lakehouse.settings import Settings

_PATIENCE = 900
_HEAVY = [
    "racing",
    "great_expectations",
    "lakehouse.validation.suite",
    "mlflow",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.fsspec",
    "pyiceberg.io.pyarrow",
    "s3fs",
    "sklearn.linear_model",
    "skops.io",
]
"""What takes seconds to import is imported once; nothing of it starts a thread."""
Job = tuple[Callable[..., Any], tuple[Any, ...]]


def race(jobs: Sequence[Job]) -> list[Any]:
    """Runs the jobs, all beginning at once, and returns what each of them returned."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_HEAVY)
    ready, answers = context.Barrier(len(jobs)), context.SimpleQueue()
    cloud = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    runners = [
        context.Process(target=_run, args=(place, job, cloud, ready, answers))
        for place, job in enumerate(jobs)
    ]
    for runner in runners:
        runner.start()
    found = dict(answers.get() for _ in runners)
    for runner in runners:
        runner.join(_PATIENCE)
    failed = [
        answer for answer in found.values() if isinstance(answer, str) and "Traceback" in answer
    ]
    assert not failed, "\n".join(failed)
    return [found[place] for place in range(len(jobs))]


def _run(place: int, job: Job, cloud: Mapping[str, str], ready: Barrier, answers: Any) -> None:
    os.environ.update(cloud)
    function, arguments = job
    try:
        ready.wait(_PATIENCE)
        answers.put((place, function(*arguments)))
    except BaseException:  # noqa: BLE001 - the test shows it
        answers.put((place, traceback.format_exc()))


def lake(environment: Mapping[str, str]) -> Lake:
    """Opens a lake as a new process does."""
    return Lake(Settings.load(dict(environment)))


def take(environment: Mapping[str, str], dataset: str) -> str:
    """Lands what lies there and brings the dataset up to date."""
    opened = lake(environment)
    landing.land(opened, dataset, run=f"land-{os.getpid()}")
    return ingestion.refresh(opened, dataset, run=f"run-{os.getpid()}").summary()


def refresh(environment: Mapping[str, str], dataset: str, partition: str) -> str:
    """Brings one partition up to date."""
    run = f"{partition}-{os.getpid()}"
    return ingestion.refresh(lake(environment), dataset, [partition], run=run).summary()


def train(environment: Mapping[str, str], model: str) -> str:
    """Trains a model."""
    return training.train(lake(environment), model, run=f"run-{os.getpid()}").summary()


def write_pairs(environment: Mapping[str, str], times: int) -> int:
    """Publishes two tables together, many times; both hold the number of the publish."""
    opened = lake(environment)
    for number in range(1, times + 1):
        rows = pa.table({"n": [number] * 3})
        publishing.replace_many(opened, {"x.left": rows, "x.right": rows}, run=f"run-{number}")
    return times


def read_pairs(environment: Mapping[str, str], last: int) -> list[tuple[int, int, int, int]]:
    """Asks for both tables, again and again, until the last publish is there."""
    opened, answers = lake(environment), []
    started = time.monotonic()
    sql = """
        SELECT (SELECT count(*) FROM x.left), (SELECT count(*) FROM x.right),
               (SELECT coalesce(max(n), 0) FROM x.left), (SELECT coalesce(max(n), 0) FROM x.right)
    """
    while not answers or answers[-1][2] < last:
        assert time.monotonic() - started < _PATIENCE
        try:
            with Session(opened) as session:
                table = session.query(sql).table
        except LakehouseError:
            if answers:
                raise
            continue  # the tables are not there yet
        answers.append(tuple(column[0].as_py() for column in table.columns))
    return answers
