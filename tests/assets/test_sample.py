from pathlib import Path
from zipfile import ZipFile

import pytest

from assets.sample import deliver, source

MONTHS = [f"2013-{month:02d}" for month in range(1, 13)]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    deliver(folder)
    return folder


def whole(dataset: str) -> list[bytes]:
    if dataset == "flights":
        with ZipFile(source("flights.csv.zip")) as archive:
            return archive.read("flights.csv").splitlines(keepends=True)
    return source(f"{dataset}.csv").read_bytes().splitlines(keepends=True)


def body(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines(keepends=True)[1:]


@pytest.mark.parametrize(("dataset", "rows"), [("flights", 336_776), ("weather", 26_115)])
def test_months_hold_every_row_once(landing: Path, dataset: str, rows: int) -> None:
    files = sorted((landing / dataset).iterdir())
    assert [file.name for file in files] == [f"{dataset}_{month}.csv" for month in MONTHS]
    assert sum(len(body(file)) for file in files) == rows


@pytest.mark.parametrize(("dataset", "column"), [("flights", 1), ("weather", 2)])
def test_a_month_is_the_sources_own_lines_in_order(
    landing: Path, dataset: str, column: int
) -> None:
    header, *lines = whole(dataset)
    for month in MONTHS:
        number = str(int(month[-2:])).encode()
        expected = [line for line in lines if line.split(b",")[column] == number]
        found = (landing / dataset / f"{dataset}_{month}.csv").read_bytes()
        assert found == header + b"".join(expected)


@pytest.mark.parametrize(
    ("dataset", "rows"), [("planes", 3_322), ("airports", 1_458), ("airlines", 16)]
)
def test_a_dimension_is_one_file_byte_for_byte(landing: Path, dataset: str, rows: int) -> None:
    file = landing / dataset / f"{dataset}.csv"
    assert file.read_bytes() == source(f"{dataset}.csv").read_bytes()
    assert len(body(file)) == rows


def test_delivering_again_touches_no_file(landing: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in landing.rglob("*.csv")}
    files = deliver(landing.as_uri())
    assert {file: file.stat().st_mtime_ns for file in landing.rglob("*.csv")} == before
    assert files == tuple(sorted(file.as_uri() for file in before))


def test_a_damaged_file_is_written_again(landing: Path) -> None:
    file = landing / "airlines" / "airlines.csv"
    file.write_bytes(b"half a fi")
    deliver(landing)
    assert file.read_bytes() == source("airlines.csv").read_bytes()
