"""An empty lake of the project's declarations."""

from pathlib import Path

import pytest

from lakehouse.lake import Lake
from lakehouse.settings import Settings
from resources import Session


@pytest.fixture
def session(project: Path, tmp_path: Path) -> Session:
    named = {"LAKEHOUSE_PROJECT": str(project), "LAKEHOUSE_HOME": str(tmp_path)}
    return Session(Lake(Settings.load({**named, "LAKEHOUSE_NOW": "2014-03-01T00:00:00Z"})))
