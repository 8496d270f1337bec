import hashlib
import json
import os
import pickle
import re
import sqlite3
import zipfile
from datetime import UTC, datetime
from functools import partialmethod
from pathlib import Path

import numpy as np
import pytest

from lakehouse import features, registry, training
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


MAGIC = {".json": (b"{",), ".skops": (b"PK\x03\x04",), ".safetensors": ()}
"""What the files of a model begin with: text, a zip archive, a length and text."""


def test_the_content_of_every_model_file_is_what_its_name_says(shared_lake):
    """A name proves nothing: a pickle begins with \\x80 and a protocol number, in any file."""
    root = shared_lake.folder / ".lake" / "mlartifacts"
    files = [path for path in root.rglob("*") if path.is_file()]
    assert files
    for file in files:
        content = file.read_bytes()
        assert not re.match(rb"\x80[\x02-\x05]", content), file
        if file.suffix == ".safetensors":
            size = int.from_bytes(content[:8], "little")
            assert json.loads(content[8 : 8 + size]), file
        else:
            assert content.startswith(MAGIC[file.suffix]), file
        if file.suffix == ".skops":
            with zipfile.ZipFile(file) as archive:
                kinds = {Path(name).suffix for name in archive.namelist()}
            assert kinds <= {".json", ".npy", ".npz", ""}, file
            arrays = [name for name in zipfile.ZipFile(file).namelist() if name.endswith(".npy")]
            assert all(b"'descr': '|O'" not in zipfile.ZipFile(file).read(n)[:200] for n in arrays)


@pytest.mark.parametrize("change", ["a byte more", "another byte", "empty", "a pickle"])
def test_each_file_of_a_model_is_refused_once_it_is_changed(trained_lake, change):
    folder = model_files(trained_lake)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) >= 3
    for file in files:
        before = file.read_bytes()
        other = {
            "a byte more": before + b"\0",
            "another byte": before[:-1] + bytes([before[-1] ^ 1]),
            "empty": b"",
            "a pickle": pickle.dumps(Unpickled()),
        }[change]
        file.write_bytes(other)
        name = file.relative_to(folder).as_posix()
        with pytest.raises(TamperedModel, match=rf"{re.escape(name)} is not the file"):
            registry.champion(trained_lake.lake, "late")
        file.write_bytes(before)
    assert registry.champion(trained_lake.lake, "late").version == 1


def test_a_swapped_manifest_with_right_hashes_is_refused(trained_lake):
    """Whoever can write the files, but not the registry's database, changes nothing."""
    folder = model_files(trained_lake)
    file = next((folder / "estimator").glob("*.skops"))
    file.write_bytes(file.read_bytes() + b"\0")
    manifest = json.loads((folder / "model.json").read_text())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest["files"][file.relative_to(folder).as_posix()] = digest
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))

    with pytest.raises(TamperedModel, match=r"model\.json is not the file"):
        registry.champion(trained_lake.lake, "late")


@pytest.mark.parametrize("name", ["../../out.skops", "/tmp/out.skops", "estimator/../../x"])
def test_a_manifest_with_a_path_out_of_its_folder_is_refused(trained_lake, name, tmp_path):
    """Even where the database was changed with it."""
    folder = model_files(trained_lake)
    manifest = json.loads((folder / "model.json").read_text())
    manifest["files"][name] = "0" * 64
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))
    digest = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    store = sqlite3.connect(trained_lake.folder / ".lake" / "mlflow.db")
    with store:
        store.execute(
            "UPDATE model_version_tags SET value = ? WHERE key = 'lakehouse.manifest'", (digest,)
        )
    store.close()

    with pytest.raises(TamperedModel, match="names a file out of its folder"):
        registry.champion(trained_lake.lake, "late")


class Unpickled:
    """Fails the test as soon as anybody unpickles it."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def one_at_a_time(monkeypatch, *searches):
    """Has MLflow answer in pages of one, as it does in pages of thousands where there are more."""
    from mlflow import MlflowClient

    for search in searches:
        whole = getattr(MlflowClient, search)
        monkeypatch.setattr(MlflowClient, search, partialmethod(whole, max_results=1))


def test_the_runs_of_all_experiments_are_known(trained_lake, monkeypatch):
    from mlflow import MlflowClient

    client = MlflowClient(trained_lake.lake.settings.tracking_uri)
    others = {
        client.create_run(client.create_experiment(name)).info.run_id for name in ("a", "b", "c")
    }
    known = registry.runs(trained_lake.lake)
    assert known > others

    one_at_a_time(monkeypatch, "search_experiments", "search_runs")

    assert registry.runs(trained_lake.lake) == known


def test_the_frames_of_all_versions_are_known(trained_lake, monkeypatch):
    lake = trained_lake.lake
    trained_lake.declare(features=[{"name": "distance", "kind": "numeric"}])
    training.train(trained_lake.lake, "late", run="more")
    known = registry.frames(lake)
    assert len(known) == 2

    one_at_a_time(monkeypatch, "search_model_versions")

    assert registry.frames(lake) == known
