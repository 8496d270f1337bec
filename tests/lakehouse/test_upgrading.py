"""A lake of every released format: it is refused by name, upgraded at once, and then as it was.

The archives in tests/golden/lakes were made by the code that wrote the format, with what it told
of them in `expected.json`. Iceberg's metadata holds full paths, so each has a folder of its own.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from filelock import FileLock

from lakehouse import landing, migration, registry
from lakehouse.catalog import FORMAT_VERSION
from lakehouse.cli import standing
from lakehouse.errors import LakeFormatError, UsageError

LAKES = Path(__file__).parents[1] / "golden" / "lakes"
BOOKS = ("ledger.deliveries", "ledger.claims")


@pytest.fixture(params=sorted(range(1, int(FORMAT_VERSION))))
def older(request: Any, open_data_lake: Callable[[Path], Any]) -> Iterator[Any]:
    """A lake as the code of an earlier format left it."""
    folder = Path(f"/tmp/lakehouse-format-{request.param}")
    with FileLock(f"{folder}.lock"):
        rmtree(folder, ignore_errors=True)
        with tarfile.open(LAKES / f"format-{request.param}.tar.gz") as archive:
            archive.extractall(folder.parent, filter="data")
        yield open_data_lake(folder)
        rmtree(folder)


def expected(lake: Any) -> Any:
    """What the code of the time told of the lake."""
    return json.loads((lake.folder / "expected.json").read_text(encoding="utf-8"))


def read(lake: Any) -> dict[str, list[Any]]:
    """How many rows each table has, and what they are; the books of objects apart."""
    rows = {name: lake.rows(name) for name in lake.lake.catalog.names() if name not in BOOKS}
    return {
        name: [len(found), hashlib.sha256(repr(found).encode()).hexdigest()]
        for name, found in rows.items()
    }


def formats(lake: Any) -> set[str]:
    tables = lake.lake.catalog.refs(older=True).tables.values()
    return {table.properties["lakehouse.format"] for table in tables}


def killed_at(lake: Any, point: str) -> int:
    """Upgrades the lake in a process that ends at a point; returns how it ended."""
    environment = {
        "LAKEHOUSE_PROJECT": str(lake.folder),
        "LAKEHOUSE_HOME": str(lake.folder / ".lake"),
        "LAKEHOUSE_FAULT": point,
    }
    code = "from lakehouse.cli import main; main(['upgrade'])"
    return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_every_reader_and_writer_is_told_how_to_upgrade(older: Any) -> None:
    for verb in (lambda: older.rows and older.plan(), lambda: older.put("cities", "name,people\n")):
        with pytest.raises(LakeFormatError, match="`lakehouse upgrade` brings all of it"):
            verb()
    assert read(older) == expected(older)["rows"]


def test_an_upgraded_lake_is_as_it_was(older: Any) -> None:
    told = expected(older)
    done = migration.upgrade(older.lake)
    assert done.summary().endswith(f"to {FORMAT_VERSION}, all at once.")
    assert formats(older) == {FORMAT_VERSION}
    assert read(older) == told["rows"]
    assert older.plan().facts() == {**told["plan"], "holds": []}
    status = json.loads(json.dumps(standing.read(older.lake).document(), default=str))
    for table in [*status["tables"], *told["status"]["tables"]]:
        table.pop("snapshot"), table.pop("snapshots")  # the books have one more
    assert status == {**told["status"], "holds": []}
    champion = registry.champion(older.lake, "late")
    assert champion is not None
    assert champion.version == 1


def test_an_upgraded_lake_names_its_objects_by_path_and_reads_them_again(older: Any) -> None:
    migration.upgrade(older.lake)
    books = older.lake.ledger.read()
    names = [entry.object for entry in (*books.deliveries, *books.claims)]
    assert sorted(names) == expected(older)["objects"]
    assert all(older.lake.storage.exists(older.lake.object_url(name)) for name in names)
    landing.decide(older.lake, "accepted", [3], by="ada", note="it is right")
    older.refresh("trips")
    assert [row[0] for row in older.rows("silver.trips")] == [1, 2, 4, 5]


def test_upgrading_again_changes_nothing(older: Any) -> None:
    migration.upgrade(older.lake)
    before = older.lake.catalog.locations()
    assert migration.upgrade(older.lake).facts()["tables"] == 0
    assert older.lake.catalog.locations() == before


@pytest.mark.parametrize("point", ["upgrade.staged", "commit.staged", "commit.moved:3"])
def test_an_upgrade_that_is_killed_has_not_begun(older: Any, point: str) -> None:
    before = older.lake.catalog.locations()
    assert killed_at(older, point) == -9
    assert older.lake.catalog.locations() == before
    migration.upgrade(older.lake)
    assert read(older) == expected(older)["rows"]


def test_a_warehouse_that_lacks_the_objects_is_no_lake_to_upgrade(older: Any) -> None:
    older.environment = {"LAKEHOUSE_WAREHOUSE": str(older.folder / "elsewhere")}
    older._lake = None
    before = older.lake.catalog.locations()
    with pytest.raises(UsageError, match="Set LAKEHOUSE_WAREHOUSE"):
        migration.upgrade(older.lake)
    assert older.lake.catalog.locations() == before
