"""MLflow's store in a real PostgreSQL, its artifacts on a real S3 server."""

import threading
from pathlib import Path

import psycopg2
import pytest
from servers import Postgres, Services, free_port

from lakehouse import features, registry, training
from lakehouse.errors import ServiceFailed, TamperedModel
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long


def test_a_champion_is_kept_in_postgresql_and_on_s3_and_verified(
    service_model_lake, services: Services
) -> None:
    service_model_lake.declare(candidates=[{"algorithm": "logistic"}])
    lake = service_model_lake.lake
    assert registry.champion(lake, "late") is None

    training.train(lake, "late", run="first")

    champion = registry.champion(service_model_lake.lake, "late")
    assert champion.version == 1
    frame = features.assemble(lake, "late")
    scores = champion.estimator.predict(frame.test.inputs(champion.manifest.features))
    assert scores.shape == (frame.test.rows.height,)
    uri = service_model_lake.environment["LAKEHOUSE_TRACKING_URI"]
    with psycopg2.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("select source from model_versions")
        (source,) = cursor.fetchone()
    assert source.startswith(lake.settings.warehouse + "/mlartifacts/late/")
    assert not list(Path(lake.settings.home).rglob("*.skops"))

    file = next(f for f in services.s3.files.find(source) if f.endswith(".skops"))
    services.s3.files.pipe(file, services.s3.files.cat(file) + b"\0")
    with pytest.raises(TamperedModel, match=r"late version 1 .* is not the file"):
        registry.champion(service_model_lake.lake, "late")


def test_two_machines_that_open_a_new_store_at_once_do_not_trip(
    postgres: Postgres, tmp_path: Path
) -> None:
    uri = postgres.create("mlflow-of-two")
    found: list[object] = []

    def open_store(name: str) -> None:
        settings = {"LAKEHOUSE_HOME": str(tmp_path / name), "LAKEHOUSE_TRACKING_URI": uri}
        found.append(registry.champion(Lake(Settings.load(settings)), "none"))

    machines = [threading.Thread(target=open_store, args=(name,)) for name in ("one", "two")]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(timeout=120)
    assert found == [None, None]


def test_a_store_that_does_not_answer_is_told_at_once_and_without_its_password(
    tmp_path: Path,
) -> None:
    uri = f"postgresql://ann:canary@127.0.0.1:{free_port()}/mlflow"
    settings = {"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_TRACKING_URI": uri}
    with pytest.raises(ServiceFailed, match="refused") as failed:
        registry.champion(Lake(Settings.load(settings)), "none")
    assert "canary" not in str(failed.value)
