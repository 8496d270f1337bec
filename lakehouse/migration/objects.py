"""Copies whole files from one lake to another, each verified by its sha256."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lakehouse import faults
from lakehouse.errors import ServiceFailed
from lakehouse.migration.place import Route

_AT_A_TIME = 8
_TOLD = 500


@dataclass(frozen=True)
class Copied:
    """How many files are in the target.

    Attributes:
        files: All of them.
        new: Those that were not there, or not whole.
        size: Bytes of all.
    """

    files: int = 0
    new: int = 0
    size: int = 0

    def __add__(self, other: Copied) -> Copied:
        return Copied(self.files + other.files, self.new + other.new, self.size + other.size)


def copy_all(
    route: Route, files: Mapping[str, str], scratch: Path, progress: Callable[[str], None]
) -> Copied:
    """Copies every file that is not in the target with the same content already.

    Args:
        route: From where to where.
        files: URL in the target by the URL in the source, or of a local file.
        scratch: A local folder for what goes from one S3 service to another.
        progress: Told now and then.

    Raises:
        ServiceFailed: The target has other bytes than it was given.
    """
    done = Copied()
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for one in pool.map(lambda pair: _copy(route, pair[0], pair[1], scratch), files.items()):
            done += one
            if done.files % _TOLD == 0:
                progress(f"{done.files:,} of {len(files):,} files")
    return done


def _copy(route: Route, source: str, target: str, scratch: Path) -> Copied:
    digest = route.source.storage.digest(source)
    there = route.target.storage.exists(target)
    if there and route.target.storage.digest(target) == digest:
        return Copied(1, 0, digest[1])
    if target.startswith("s3://") and source.startswith("s3://"):
        passing = scratch / f"{digest[0]}-{abs(hash(target))}"
        route.source.storage.copy(source, f"file://{passing}")
        route.target.storage.copy(f"file://{passing}", target)
        passing.unlink()
    elif target.startswith("s3://"):
        route.target.storage.copy(source, target)
    else:
        route.source.storage.copy(source, target)
    faults.reach("migration.copied")
    if route.target.storage.digest(target) != digest:
        why = f"{target} has other bytes than {source}"
        raise ServiceFailed("Storage", "migrating", why)
    return Copied(1, 1, digest[1])
