"""The fingerprint of a dbt project: what decides its tables changes it, nothing else does."""

from pathlib import Path

import pytest

from lakehouse.dbt_manifest import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text("select 1")
    (tmp_path / "dbt_project.yml").write_text("name: x")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["models/a.sql", "models/b.sql", "macros/m.sql", "seeds/s.csv", "dbt_project.yml"]
)
def test_a_file_that_decides_tables_changes_the_fingerprint(folder: Path, name: str) -> None:
    before = fingerprint(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")
    assert fingerprint(folder) != before


@pytest.mark.parametrize("name", ["target/run.sql", "logs/dbt.yml", "models/a.sql.swp", "x.pyc"])
def test_what_dbt_or_an_editor_writes_changes_nothing(folder: Path, name: str) -> None:
    before = fingerprint(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")
    assert fingerprint(folder) == before


def test_a_renamed_file_changes_the_fingerprint(folder: Path) -> None:
    before = fingerprint(folder)
    (folder / "models" / "a.sql").rename(folder / "models" / "b.sql")
    assert fingerprint(folder) != before


def test_the_fingerprint_does_not_depend_on_where_the_project_is(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "models").mkdir()
    (other / "models" / "a.sql").write_text("select 1")
    (other / "dbt_project.yml").write_text("name: x")
    assert fingerprint(other) == fingerprint(folder)
