"""dagster.yaml follows the settings, keeps a person's own sections and never holds a secret."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.instance import executor, home
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings

URI = "postgresql://ann:canary-word@127.0.0.1:5999/dagster"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAKEHOUSE_DAGSTER_URI", "")  # what a lake hands down ends with the test

    def settings(**environment: str) -> Settings:
        return Settings.load({"LAKEHOUSE_HOME": str(tmp_path), **environment})

    return settings


def document(settings: Settings) -> dict:
    return yaml.safe_load((home(settings) / "dagster.yaml").read_text(encoding="utf-8"))


def test_a_changed_setting_changes_the_storage(load) -> None:
    assert document(load())["storage"].keys() == {"sqlite"}
    assert document(load(LAKEHOUSE_DAGSTER_URI=URI))["storage"].keys() == {"postgres"}
    assert document(load())["storage"].keys() == {"sqlite"}


def test_the_url_reaches_dagster_by_the_environment_and_no_file(
    load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    found = document(load(LAKEHOUSE_DAGSTER_URI=URI))

    assert found["storage"]["postgres"]["postgres_url"] == {"env": "LAKEHOUSE_DAGSTER_URI"}
    assert os.environ["LAKEHOUSE_DAGSTER_URI"] == URI.replace("://", "+psycopg2://")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if b"canary-word" in file.read_bytes()] == []


def test_a_section_of_ones_own_takes_the_place_of_the_default(load) -> None:
    folder = home(load())
    (folder / "own.yaml").write_text("# mine\nconcurrency: {runs: {max_concurrent_runs: 2}}\n")

    found = document(load(LAKEHOUSE_DAGSTER_URI=URI))

    assert found["concurrency"] == {"runs": {"max_concurrent_runs": 2}}
    assert found["telemetry"] == {"enabled": False}
    assert found["nux"] == {"enabled": False}
    assert "postgres" in found["storage"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("storage: {sqlite: {base_dir: /elsewhere}}", "LAKEHOUSE_DAGSTER_URI"),
        ("run_storage: {module: mine}", "LAKEHOUSE_DAGSTER_URI"),
        ("concurrency: [", "not valid YAML"),
        ("- a list", "sections"),
    ],
)
def test_what_cannot_be_used_is_refused(load, text: str, why: str) -> None:
    (home(load()) / "own.yaml").write_text(text)
    with pytest.raises(SettingsError, match=why):
        home(load())


def test_what_was_changed_in_an_earlier_dagster_yaml_goes_on(load, tmp_path: Path) -> None:
    folder = tmp_path / "dagster"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(
        "# Written by lakehouse; what is changed here is kept.\n"
        "telemetry: {enabled: false}\n"
        "nux: {enabled: true}\n"
        f"storage: {{sqlite: {{base_dir: {folder}/storage}}}}\n"
        "retention: {sensor: {purge_after_days: 9}}\n"
    )

    found = document(load(LAKEHOUSE_DAGSTER_URI=URI))

    assert found["nux"] == {"enabled": True}
    assert found["retention"] == {"sensor": {"purge_after_days": 9}}
    assert "postgres" in found["storage"]
    assert yaml.safe_load((folder / "own.yaml").read_text()).keys() == {"nux", "retention"}


def test_the_executor_is_a_setting(load) -> None:
    assert executor(load()) is dg.in_process_executor
    other = load(LAKEHOUSE_EXECUTOR="dagster:multiprocess_executor")
    assert executor(other) is dg.multiprocess_executor


@pytest.mark.parametrize("name", ["dagster:no_executor", "no_module:executor", "dagster:op", "x"])
def test_an_executor_that_is_not_there_is_refused(load, name: str) -> None:
    with pytest.raises(SettingsError, match=f"LAKEHOUSE_EXECUTOR='{name}'"):
        executor(load(LAKEHOUSE_EXECUTOR=name))
