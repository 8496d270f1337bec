"""Files by URL: listed without what is not finished, copied whole, renamed in one step."""

import hashlib
from pathlib import Path

import pytest

from lakehouse.settings import Settings
from lakehouse.storage import Storage, StoredFile, local_path


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)}))


def write(file: Path, content: bytes = b"x") -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return f"file://{file}"


def test_a_folder_that_is_not_there_lists_nothing(storage: Storage, tmp_path: Path) -> None:
    assert storage.list(f"file://{tmp_path}/nowhere") == []


def test_files_are_listed_by_url_through_all_folders(storage: Storage, tmp_path: Path) -> None:
    urls = [write(tmp_path / "in" / name) for name in ("b.csv", "a.csv", "c/d.csv")]
    assert [file.url for file in storage.list(f"file://{tmp_path}/in")] == sorted(urls)


@pytest.mark.parametrize("target", ["elsewhere", "landing/b"])
def test_a_link_in_the_place_of_a_landing_folder_is_not_followed(
    storage: Storage, tmp_path: Path, target: str
) -> None:
    write(tmp_path / target / "a.csv")
    own = write(tmp_path / "landing" / "c" / "own.csv")
    (tmp_path / "landing" / "a").symlink_to(tmp_path / target)
    (tmp_path / "landing" / "c" / "out").symlink_to(tmp_path / target)
    assert storage.list(f"file://{tmp_path}/landing/a") == []
    assert [file.url for file in storage.list(f"file://{tmp_path}/landing/c")] == [own]


@pytest.mark.parametrize("where", ["landing", "warehouse", "backups"])
def test_a_folder_of_the_operator_may_be_a_link(
    storage: Storage, tmp_path: Path, where: str
) -> None:
    real = write(tmp_path / "disk" / "a" / "x.csv")
    (tmp_path / where).symlink_to(tmp_path / "disk")
    for folder in (where, f"{where}/a"):
        assert [file.url for file in storage.list(f"file://{tmp_path}/{folder}")] == [real]


@pytest.mark.parametrize(
    "name", [".hidden", "_SUCCESS", "a.csv.part", "a.tmp", "a.crdownload", "a.partial"]
)
def test_hidden_and_unfinished_files_are_not_listed(
    storage: Storage, tmp_path: Path, name: str
) -> None:
    write(tmp_path / "in" / name)
    assert storage.list(f"file://{tmp_path}/in") == []


def test_a_change_of_content_changes_the_etag(storage: Storage, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", b"1")
    before = StoredFile.local(tmp_path / "a.csv").etag
    write(tmp_path / "a.csv", b"22")
    assert StoredFile.local(tmp_path / "a.csv").etag != before


def test_a_digest_is_sha256_and_size(storage: Storage, tmp_path: Path) -> None:
    content = b"abc" * 3_000_000
    url = write(tmp_path / "a.csv", content)
    assert storage.digest(url) == (hashlib.sha256(content).hexdigest(), len(content))


def test_a_copy_has_the_same_bytes_and_makes_its_folder(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    source, target = write(tmp_path / "a", content), tmp_path / "new" / "folder" / "b"
    storage.copy(source, f"file://{target}")
    assert target.read_bytes() == content


def test_a_rename_takes_the_place_of_what_is_there(storage: Storage, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a", b"new"), write(tmp_path / "b", b"old")
    storage.rename(source, target)
    assert (tmp_path / "b").read_bytes() == b"new"
    assert not storage.exists(source)


def test_a_removed_file_is_gone(storage: Storage, tmp_path: Path) -> None:
    url = write(tmp_path / "a")
    storage.remove(url)
    assert not storage.exists(url)


def test_a_stream_gives_the_bytes(storage: Storage, tmp_path: Path) -> None:
    with storage.open(write(tmp_path / "a", b"\r\n\0")) as stream:
        assert stream.read() == b"\r\n\0"


@pytest.mark.parametrize(
    ("url", "path"), [("file:///a/b", "/a/b"), ("s3://bucket/a", "s3://bucket/a")]
)
def test_a_local_path_is_what_duckdb_opens(url: str, path: str) -> None:
    assert local_path(url) == path


def test_a_name_with_a_percent_sign_or_space_is_itself(storage: Storage, tmp_path: Path) -> None:
    url = write(tmp_path / "in" / "a b%20c#1.csv", b"z")
    assert [file.url for file in storage.list(f"file://{tmp_path}/in")] == [url]
    assert storage.digest(url)[1] == 1
