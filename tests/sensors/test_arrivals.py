"""Each landed file starts one refresh, and none that is still being written does."""

import os
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from lakehouse import landing
from lakehouse.contract import Totals
from resources import Session
from sensors.arrivals import landed_files

AGO = 60


@pytest.fixture
def drop(session: Session):
    def write(
        name: str, content: str = "carrier,name\n9E,Endeavor Air Inc.\n", ago: int = AGO
    ) -> Path:
        file = Path(session.lake.settings.landing.removeprefix("file://")) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        moment = time.time() - ago
        os.utime(file, (moment, moment))
        return file

    return write


def look(session: Session, cursor: str | None = None) -> tuple[list[dg.RunRequest], str]:
    """One tick: what it asks for, and the cursor that it leaves."""
    with dg.build_sensor_context(cursor=cursor, resources={"session": session}) as context:
        ticked = landed_files.evaluate_tick(context)
    return list(ticked.run_requests), ticked.cursor or cursor or ""


def test_new_files_are_one_request(session: Session, drop) -> None:
    drop("airlines/airlines.csv")
    drop("planes/planes.csv")
    requests, _ = look(session)
    assert [request.tags["lakehouse/files"] for request in requests] == ["2"]


def test_a_file_is_noticed_once(session: Session, drop) -> None:
    drop("airlines/airlines.csv")
    _, cursor = look(session)
    assert look(session, cursor)[0] == []


def test_a_file_that_arrives_late_with_an_old_time_is_noticed(session: Session, drop) -> None:
    drop("airlines/airlines.csv", ago=AGO)
    _, cursor = look(session)
    drop("planes/planes.csv", ago=10 * AGO)
    requests, _ = look(session, cursor)
    assert [request.tags["lakehouse/first_file"] for request in requests] == ["planes.csv"]


def test_new_content_under_the_same_name_is_new(session: Session, drop) -> None:
    drop("airlines/airlines.csv")
    first, cursor = look(session)
    drop("airlines/airlines.csv", "carrier,name\nAA,American Airlines Inc.\n", ago=AGO - 20)
    again, _ = look(session, cursor)
    assert len(again) == 1
    assert again[0].run_key != first[0].run_key


@pytest.mark.parametrize("name", ["airlines.csv.part", ".airlines.csv", "_airlines.csv"])
def test_a_file_with_a_temporary_name_is_no_arrival(session: Session, drop, name: str) -> None:
    drop(f"airlines/{name}")
    assert look(session)[0] == []


def test_a_file_that_has_just_changed_waits(session: Session, drop) -> None:
    file = drop("airlines/airlines.csv", ago=0)
    requests, cursor = look(session)
    assert requests == []
    os.utime(file, (time.time() - AGO,) * 2)
    assert len(look(session, cursor)[0]) == 1


def test_a_file_that_waits_for_its_control_totals_is_no_arrival(session: Session, drop) -> None:
    known = session.lake.contracts
    totals = Totals(side_file="{name}.json", rows="rows")
    session.lake.__dict__["contracts"] = {
        **known,
        "airlines": replace(known["airlines"], totals=totals),
    }
    drop("airlines/airlines.csv")
    requests, cursor = look(session)
    assert requests == []
    drop("airlines/airlines.csv.json", '{"rows": 1}')
    requests, _ = look(session, cursor)
    assert [request.tags["lakehouse/files"] for request in requests] == ["1"]


def test_what_has_been_landed_is_no_arrival(session: Session, drop) -> None:
    drop("airlines/airlines.csv")
    landing.land(session.lake, "airlines", run="test")
    assert look(session)[0] == []


def test_the_sensor_is_on_from_the_start() -> None:
    assert landed_files.default_status == dg.DefaultSensorStatus.RUNNING
