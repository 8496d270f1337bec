"""A measurement beyond its threshold asks for one retraining, and not during the cooldown."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pytest

from lakehouse import publishing, registry
from lakehouse.monitoring import tables
from lakehouse.registry import Standing
from resources import Session
from sensors.retraining import answer, retraining

MODEL = "late_arrival"
LONG_AGO = datetime(2014, 1, 1, tzinfo=UTC)
YESTERDAY = datetime(2014, 2, 28, tzinfo=UTC)


def note(session: Session, table: str, properties: dict[str, str]) -> None:
    publishing.replace(session.lake, table, pa.table({"n": [1]}), run="test", properties=properties)


@pytest.fixture
def measured(session: Session):
    """Leaves what a training and a measurement leave for the sensor."""

    def leave(alarm: str, trained_at: datetime = LONG_AGO, reason: str = "label moved") -> None:
        left = Standing(1, trained_at)
        note(session, registry.history_table(MODEL), left.properties())
        drift = tables.table_name(tables.DRIFT, MODEL)
        note(session, drift, {tables.ALARM: alarm, tables.REASON: reason})

    return leave


def look(session: Session) -> dg.RunRequest | dg.SkipReason:
    return answer(session.lake, session.lake.model(MODEL))


def test_nothing_is_asked_before_the_first_measurement(session: Session) -> None:
    assert look(session) == dg.SkipReason("late_arrival has not been measured yet.")


def test_no_alarm_asks_nothing(session: Session, measured) -> None:
    measured("false", reason="within limits")
    assert look(session) == dg.SkipReason("within limits")


def test_an_alarm_asks_for_model_predictions_and_monitor(session: Session, measured) -> None:
    measured("true")
    request = look(session)
    assert [key.to_user_string() for key in request.asset_selection] == [
        "models/late_arrival",
        "gold/predictions_late_arrival",
        "monitoring/late_arrival",
    ]
    assert request.tags["lakehouse/why"] == "label moved"


def test_one_measurement_has_one_run_key_and_the_next_another(session: Session, measured) -> None:
    measured("true")
    keys = [look(session).run_key for _ in range(2)]
    assert keys[0] == keys[1], "Dagster starts one run for one key"
    measured("true", reason="label moved further")
    assert look(session).run_key != keys[0]


def test_the_cooldown_holds_the_request_back(session: Session, measured) -> None:
    measured("true", trained_at=YESTERDAY)
    assert "not again before" in look(session).skip_message


def test_a_person_switches_retraining_on(session: Session) -> None:
    sensor = retraining(session.lake.model(MODEL))
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
