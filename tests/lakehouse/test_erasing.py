"""A person is forgotten: what was theirs is in no file of the lake, and the rest is as it was."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from lakehouse import erasing, landing
from lakehouse.errors import UnknownName, UsageError

WHO, NAME, NOTE = "MRN-000777", "Zyxwanda", "Qwertzel"
CANARIES = (WHO, NAME, NOTE)
COLUMNS: list[dict[str, Any]] = [
    {"name": "tag", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "called", "logicalType": "string"},
    {
        "name": "day",
        "logicalType": "date",
        "partitioned": True,
        "primaryKey": True,
        "primaryKeyPosition": 2,
    },
    {"name": "score", "logicalType": "integer", "logicalTypeOptions": {"maximum": 100}},
]
HEADER = "tag,called,day,score\n"
OTHERS = "M2,Al,2013-01-06,9\nM3,Bo,2013-02-07,8\n"
THEIRS = f"{WHO},{NAME},2013-01-05,7\n"
BROKEN = f"{WHO},{NAME},2013-01-07,700\n{WHO},{NOTE}\nM4,Cy,2013-01-08,900\n"


def declare(lake: Any, **more: Any) -> None:
    more = {"columns": COLUMNS, "limit": 1, **more}
    lake.declare("patients", delivery="incremental", month="2013-01", **more)


@pytest.fixture
def patients(make_data_lake: Callable[..., Any]) -> Any:
    lake = make_data_lake()
    declare(lake)
    return lake


def forget(lake: Any, *keys: str, dataset: str = "patients") -> erasing.Erased:
    person = erasing.Person.parse(lake.lake.contract(dataset), keys or (f"tag={WHO}",))
    return erasing.forget(lake.lake, person, by="dpo", note="request 12", run="forget")


def test_a_person_is_in_no_file_any_more(patients: Any, traces: Callable[..., Any]) -> None:
    patients.put("patients", HEADER + OTHERS + THEIRS, "a.csv")
    patients.put("patients", HEADER + BROKEN, "b.csv")
    assert {hit[1] for hit in traces(patients.folder, CANARIES)} == set(CANARIES)
    done = forget(patients)
    assert done.refusals() == ()
    assert (done.records, done.partitions) == (3, ("2013-01",))
    assert traces(patients.folder, CANARIES) == []
    assert patients.rows("silver.patients", "tag") == [("M2",), ("M3",)]
    assert patients.rows("quarantine.patients", "raw") == [("M4,Cy,2013-01-08,900",)]
    assert patients.state("patients").stale == {}
    landed = patients.folder / ".lake" / "landing" / "patients"
    assert (landed / "a.csv").read_text() == HEADER + OTHERS
    assert landing.land(patients.open(), "patients", run="again").deliveries == ()
