import os
from datetime import UTC, datetime

import numpy as np
import pytest

from lakehouse import features, registry
from lakehouse.errors import TamperedModel
from lakehouse.registry import ScoringState, TrainingState


def model_files(model_lake):
    root = model_lake.folder / ".lake" / "mlartifacts" / "late"
    manifests = root.glob("*/artifacts/model/reference.json")
    return next(manifests).parent  # only the registered candidate keeps a reference


def test_there_is_no_champion_before_the_first_training(model_lake):
    assert registry.champion(model_lake.lake, "late") is None
    assert registry.standing(model_lake.lake, "late") is None


def test_the_champion_is_what_was_trained(shared_lake):
    lake = shared_lake.lake
    champion = registry.champion(lake, "late")
    frame = features.assemble(lake, "late")

    assert champion.version == 1
    assert champion.manifest.features == lake.model("late").features
    assert champion.manifest.frame == frame.source.snapshot
    assert champion.manifest.spec == lake.model("late").fingerprint
    scores = champion.estimator.predict(frame.test.inputs(champion.manifest.features))
    assert scores.shape == (frame.test.rows.height,)
    assert np.unique(scores).size > 100


def test_every_file_is_listed_with_its_hash(shared_lake):
    folder = model_files(shared_lake)
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}

    listed = registry.champion(shared_lake.lake, "late").manifest.files

    assert present == {*listed, "model.json"}
    assert all(len(digest) == 64 for digest in listed.values())


def test_no_model_is_stored_as_pickle(shared_lake):
    files = (shared_lake.folder / ".lake" / "mlartifacts").rglob("*")

    suffixes = {path.suffix for path in files if path.is_file()}

    assert suffixes <= {".json", ".skops", ".safetensors"}


def test_a_changed_model_file_is_refused(trained_lake):
    file = next((model_files(trained_lake) / "estimator").glob("*.skops"))
    file.write_bytes(file.read_bytes() + b"\0")

    with pytest.raises(
        TamperedModel, match=rf"late version 1 .* estimator/{file.name} is not the file"
    ):
        registry.champion(trained_lake.lake, "late")


def test_a_changed_manifest_is_refused(trained_lake):
    file = model_files(trained_lake) / "model.json"
    file.write_text(file.read_text().replace("late", "soon"))

    with pytest.raises(TamperedModel, match=r"model\.json is not the file"):
        registry.champion(trained_lake.lake, "late")


def test_a_missing_file_is_refused(trained_lake):
    (model_files(trained_lake) / "reference.json").unlink()

    with pytest.raises(TamperedModel, match=r"reference\.json is missing"):
        registry.champion(trained_lake.lake, "late")


def test_a_file_that_was_added_is_never_read(trained_lake):
    (model_files(trained_lake) / "estimator" / "extra.skops").write_bytes(b"not a model")

    assert registry.champion(trained_lake.lake, "late").version == 1


def test_every_candidate_is_a_run_with_params_metrics_and_tags(shared_lake):
    from mlflow import MlflowClient

    uri = shared_lake.lake.settings.tracking_uri
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.get_experiment_by_name("late")

    runs = {
        run.data.params["algorithm"]: run for run in client.search_runs([experiment.experiment_id])
    }

    assert set(runs) == {"logistic", "boosted_trees"}
    assert runs["boosted_trees"].data.params["max_trees"] == "20"
    metrics = runs["logistic"].data.metrics
    assert {"train_auc", "validation_log_loss", "test_brier", "test_calibration_error"} <= set(
        metrics
    )
    assert (
        runs["logistic"].data.tags["lakehouse.spec"] == shared_lake.lake.model("late").fingerprint
    )
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_mlflow_reports_to_nobody(shared_lake):
    registry.champion(shared_lake.lake, "late")

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_is_noted_on_a_table_says_what_it_was_made_from(shared_lake):
    lake = shared_lake.lake
    frame = features.pin(lake, "gold.departures").snapshot
    state = TrainingState(frame, lake.model("late").fingerprint, "1")

    assert registry.is_current(lake, "models.late", state)
    assert not registry.is_current(lake, "models.late", TrainingState(frame, "other", "1"))
    assert not registry.is_current(lake, "gold.predictions_late", ScoringState(frame, "x", 1))


def test_the_standing_names_champion_and_time(shared_lake):
    standing = registry.standing(shared_lake.lake, "late")

    assert (standing.champion, standing.trained_at) == (1, datetime(2014, 1, 1, tzinfo=UTC))
