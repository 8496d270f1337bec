"""A full disk, and a clock that goes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lakes
import pytest
import seeing
from harness import Nursery
from tallying import Tally

from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long

Small = Callable[[int], Path]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """Makes a disk of some MiB; it takes root."""
    mounted: list[Path] = []

    def make(size: int) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Single:
    """A lake of cities alone."""

    def __init__(self, root: Path, nursery: Nursery, **more: str) -> None:
        self.root, self.nursery, self.count = root, nursery, 0
        lakes.declare(root / "project")
        self.environment = lakes.environment(root, more.items())
        (root / "lake" / "landing").mkdir(parents=True)

    @property
    def lake(self) -> Lake:
        """A new handle."""
        return Lake(Settings.load(self.environment))

    def deliver(self, rows: int = 1) -> None:
        """A producer replaces the cities."""
        self.count += 1
        lines = "".join(
            f"City {number} of {self.count},{number}\n" for number in range(1, rows + 1)
        )
        text = f"name,people\n{lines}".encode()
        landing = self.environment.get("LAKEHOUSE_LANDING", str(self.root / "lake" / "landing"))
        lakes.deliver(Path(landing), {"cities": {f"{self.count:03}.csv": text}})
        self.rows = rows

    def run(self) -> tuple[int, str]:
        """Exit code and words of a run."""
        child = self.nursery.start("silver", self.environment, datasets=["cities"])
        return child.wait(), child.told()

    def shown(self) -> list[str]:
        """What readers see."""
        refs = self.lake.catalog.refs(["silver.cities"])
        return sorted(refs.tables["silver.cities"].scan().to_arrow()["name"].to_pylist())

    def hold(self) -> None:
        """Readers see the newest file."""
        names = [f"City {number} of {self.count}" for number in range(1, self.rows + 1)]
        assert self.shown() == sorted(names)
        books = seeing.booked(self.lake)["cities"]
        assert (books["stale"], books["unread"]) == ({}, [])


@pytest.mark.parametrize("what", ["warehouse", "home"])
def test_a_full_disk_is_told_and_made_up_for(
    what: str, small: Small, tmp_path: Path, nursery: Nursery, tally: Tally, long: bool
) -> None:
    """The landing folder is on another disk; the small one is filled to the last block."""
    if not long and what == "home":
        pytest.skip("only in `make torture`")
    disk = small(24)
    more = {"LAKEHOUSE_LANDING": str(tmp_path / "landing")}
    more |= {"LAKEHOUSE_WAREHOUSE": str(disk)} if what == "warehouse" else {}
    root = tmp_path / "root"
    root.mkdir()
    if what == "home":
        (disk / "lake").mkdir()
        (root / "lake").symlink_to(disk / "lake")
    lake = Single(root, nursery, **more)
    lake.deliver()
    assert lake.run() == (0, "")
    before = lake.shown()
    lake.deliver(rows=40_000)
    for free in (0, 40, 400, 1200, 2000):
        _fill(disk, free)
        code, told = lake.run()
        tally.injected("disk full")
        (disk / "filled").unlink()
        assert code in (0, 3), told
        if code == 0:
            assert free, "a run needs some room"
            break
        assert "ServiceFailed: The disk failed while writing" in told, told
        assert lake.shown() == before
    assert lake.run()[0] == 0
    lake.hold()


def _fill(disk: Path, free: int) -> None:
    """Fills a disk but for some KiB."""
    left = shutil.disk_usage(disk).free - free * 1024
    with (disk / "filled").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(left, 1))


def test_a_query_that_spills_to_a_full_disk_is_told(
    small: Small, tmp_path: Path, nursery: Nursery, tally: Tally
) -> None:
    lake = Single(tmp_path / "root", nursery, LAKEHOUSE_MEMORY="100MB")
    lake.deliver()
    assert lake.run() == (0, "")
    spill = lake.root / "lake" / "tmp"
    shutil.rmtree(spill, ignore_errors=True)
    spill.symlink_to(small(4))
    wide = "select count(*) from (select range::varchar || 'x' as a from range(6000000) order by a)"
    child = nursery.start("command", lake.environment, words=["sql", wide])
    code, told = child.wait(), child.told()
    tally.injected("disk full")
    assert code in (1, 2, 3), told
    assert "Traceback" not in told
    assert lake.run()[0] == 0
    lake.hold()


def test_a_clock_that_goes_back_changes_nothing(
    tmp_path: Path, nursery: Nursery, tally: Tally
) -> None:
    """What came later wins, whatever time it says it is; files may be of the future."""
    lake = Single(tmp_path / "root", nursery)
    lake.deliver()
    assert lake.run() == (0, "")
    lake.environment["LAKEHOUSE_NOW"] = "2012-06-01T00:00:00Z"
    lake.deliver()
    for file in (lake.root / "lake").rglob("*"):
        if file.is_file():
            os.utime(file, (time.time() + 86_400, time.time() + 86_400))
    tally.injected("clock back")
    assert lake.run() == (0, "")
    lake.hold()
    lake.deliver()
    assert lake.run() == (0, "")
    lake.hold()
