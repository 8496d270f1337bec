"""Trained models in MLflow: runs, files, versions, and which version is the champion.

MLflow keeps the books; the files go through the lake's own storage, so that one set of settings
reaches both. A version is trusted only as far as its hashes: the registry's database holds the
hash of `model.json`, and `model.json` holds the hash of every other file.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse import estimators, faults
from lakehouse.errors import ServiceFailed, TamperedModel
from lakehouse.estimators import Estimator
from lakehouse.lake import Lake
from lakehouse.locking import exclusive
from lakehouse.registry.manifest import MANIFEST, Manifest
from lakehouse.settings import Settings, without_telemetry

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
_FOLDER = "model"
_HASH = "lakehouse.manifest"
TABLE = "lakehouse.table"
"""The tag of a run that names the table it learned from."""


@dataclass(frozen=True, eq=False)
class Champion:
    """The version in use.

    Attributes:
        version: Its number in the registry.
        manifest: What it was made from.
        estimator: Ready to predict.
        texts: Further files of the model, by name.
    """

    version: int
    manifest: Manifest
    estimator: Estimator
    texts: Mapping[str, str]


@contextmanager
def alone(lake: Lake, model: str) -> Iterator[None]:
    """Waits until nobody else adds to or takes from what is kept of a model."""
    asked = lake.settings
    with exclusive(asked.home / f"verdict-{model}.lock", asked.tracking_uri, asked.retries):
        yield


def record(
    lake: Lake,
    manifest: Manifest,
    estimator: Estimator,
    *,
    metrics: Mapping[str, float],
    texts: Mapping[str, str],
) -> str:
    """Keeps a fitted candidate as an MLflow run of the model's experiment.

    Args:
        lake: The lake.
        manifest: What the candidate was made from; its `files` are filled in here.
        estimator: The fitted candidate.
        metrics: Numbers by name, e.g. `validation_auc`.
        texts: Further files to keep with the model, by name.

    Returns:
        The id of the MLflow run.
    """
    from mlflow.entities import Metric, RunTag
    from mlflow.entities import Param as RunParam

    client = _client(lake.settings.tracking_uri, lake.settings.home)
    now = int(lake.settings.clock().timestamp() * 1000)
    with _answering(f"recording a candidate of {manifest.model}"):
        experiment = _experiment(lake, client, manifest.model)
        run = client.create_run(experiment, start_time=now, run_name=manifest.algorithm)
        faults.reach("registry.opened")
        digest = _store(lake, f"{run.info.artifact_uri}/{_FOLDER}", manifest, estimator, texts)
        faults.reach("registry.stored")
        params = {"algorithm": manifest.algorithm, **manifest.params}
        tags = _tags(manifest) | {_HASH: digest}
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
            params=[RunParam(name, str(value)) for name, value in params.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def register(lake: Lake, model: str, run_id: str, description: str) -> int:
    """Makes a recorded candidate the next version of the model and returns its number."""
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    with _answering(f"registering {model}"):
        if not client.search_registered_models(f"name='{model}'"):
            client.create_registered_model(model, description=description)
        run = client.get_run(run_id)
        source = f"{run.info.artifact_uri}/{_FOLDER}"
        tags = {_HASH: run.data.tags[_HASH]}
        return int(client.create_model_version(model, source, run_id, tags=tags).version)


def promote(lake: Lake, model: str, version: int) -> None:
    """Makes a version the champion."""
    with _answering(f"promoting {model} version {version}"):
        client = _client(lake.settings.tracking_uri, lake.settings.home)
        client.set_registered_model_alias(model, CHAMPION, str(version))


def champion(lake: Lake, model: str) -> Champion | None:
    """Returns the champion, its files verified by hash, or None if there is none.

    Raises:
        TamperedModel: A file is missing or is not what was registered; nothing of it is loaded.
        ServiceFailed: MLflow did not answer.
    """
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    with _answering(f"looking for the champion of {model}"):
        found = client.search_registered_models(f"name='{model}'")
        if not found or CHAMPION not in found[0].aliases:
            return None
        version = client.get_model_version_by_alias(model, CHAMPION)
    with _workplace(lake) as folder:
        fetch = _Fetch(lake, model, int(version.version), str(version.source), folder)
        manifest = Manifest.loads(fetch.text(MANIFEST, version.tags[_HASH]))
        for name, sha256 in manifest.files.items():
            fetch.file(name, sha256)
        estimator = estimators.load(manifest.algorithm, folder / "estimator")
        names = (name for name in manifest.files if "/" not in name)
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    return Champion(int(version.version), manifest, estimator, texts)


def artifacts(settings: Settings) -> str:
    """Returns the URL of the folder with the files of all models."""
    remote = settings.warehouse.startswith("s3://")
    return f"{settings.warehouse if remote else f'file://{settings.home}'}/mlartifacts"


def prepare(lake: Lake) -> None:
    """Makes the tables of MLflow's store where they are not there yet."""
    _client(lake.settings.tracking_uri, lake.settings.home)


@dataclass(frozen=True)
class _Fetch:
    """Copies files of a version into a folder of our own and refuses what was changed."""

    lake: Lake
    model: str
    version: int
    source: str
    folder: Path

    def text(self, name: str, sha256: str) -> str:
        """Returns a verified file's text."""
        self.file(name, sha256)
        return (self.folder / name).read_text(encoding="utf-8")

    def file(self, name: str, sha256: str) -> None:
        """Copies a file; what is verified is the copy, which is also what gets loaded."""
        if not (self.folder / name).resolve().is_relative_to(self.folder.resolve()):
            raise TamperedModel(self.model, self.version, name, "names a file out of its folder")
        storage, target = self.lake.storage, f"file://{self.folder / name}"
        try:
            storage.copy(f"{self.source}/{name}", target)
        except FileNotFoundError as error:
            raise TamperedModel(self.model, self.version, name, "is missing") from error
        if storage.digest(target)[0] != sha256:
            why = "is not the file that was registered (its sha256 differs)"
            raise TamperedModel(self.model, self.version, name, why)


def _store(
    lake: Lake, url: str, manifest: Manifest, estimator: Estimator, texts: Mapping[str, str]
) -> str:
    """Copies a candidate's files to `url`, the manifest last, and returns the manifest's hash."""
    with _workplace(lake) as folder:
        (folder / "estimator").mkdir()
        estimator.save(folder / "estimator")
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}
        listed = replace(manifest, files=files)
        (folder / MANIFEST).write_text(listed.dumps(), encoding="utf-8")
        for name in (*files, MANIFEST):
            lake.storage.copy(f"file://{folder / name}", f"{url}/{name}")
        return _sha256(folder / MANIFEST)


def _experiment(lake: Lake, client: MlflowClient, model: str) -> str:
    found = client.get_experiment_by_name(model)
    if found is not None:
        return str(found.experiment_id)
    location = f"{artifacts(lake.settings)}/{model}"
    return str(client.create_experiment(model, artifact_location=location))


def _tags(manifest: Manifest) -> dict[str, str]:
    return {
        TABLE: manifest.table,
        "lakehouse.frame": str(manifest.frame),
        "lakehouse.spec": manifest.spec,
        "lakehouse.estimators": manifest.estimators,
        "lakehouse.run": manifest.run,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _workplace(lake: Lake) -> Iterator[Path]:
    parent = lake.settings.home / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="model-") as name:
        yield Path(name)


@contextmanager
def _answering(doing: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise ServiceFailed("MLflow", doing, str(error)) from error


@cache
def _client(uri: str, home: Path) -> MlflowClient:
    """Returns a client; the first one on a new store makes its tables, which takes about 2 s.

    Two processes that make them at the same moment would trip over each other.
    """
    without_telemetry()
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # every migration would be a line on the terminal
        logging.getLogger(name).setLevel(logging.WARNING)
    with _answering("opening its store"), exclusive(home / "mlflow.lock", uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
