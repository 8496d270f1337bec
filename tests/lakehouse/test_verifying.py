"""What PyIceberg reads over a network that changes bytes is what was stored, or an error."""

from collections.abc import Iterator

import fsspec
import pytest
from proxy import Proxy, Rule
from pyiceberg.io.fsspec import FsspecInputFile
from servers import S3Server

from lakehouse import s3
from lakehouse.catalog.verifying import VerifiedFileIO, _Verified
from lakehouse.cli.health import _unsafe
from lakehouse.errors import ServiceFailed
from lakehouse.settings import Settings

CONTENT = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def network(s3_server: S3Server) -> Iterator[Proxy]:
    proxy = Proxy(s3_server.port)
    s3_server.files.mkdir("verified")
    s3_server.files.pipe("verified/metadata/a.json", CONTENT)
    yield proxy
    proxy.stop()


@pytest.fixture
def files(
    network: Proxy, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VerifiedFileIO]:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load(
        {
            "LAKEHOUSE_WAREHOUSE": "s3://verified",
            "LAKEHOUSE_S3_ENDPOINT": f"http://127.0.0.1:{network.port}",
            "LAKEHOUSE_RETRIES": "2",
        }
    )
    yield VerifiedFileIO(s3.properties(settings))
    network.spoil()


def test_a_table_of_the_lake_is_read_so() -> None:
    assert s3.properties(Settings.load({}))["py-io-impl"].endswith("verifying.VerifiedFileIO")


def test_what_came_wrong_is_read_again(files: VerifiedFileIO, network: Proxy) -> None:
    rule = Rule("garble", method="GET", path="a.json", times=2)
    network.spoil(rule)
    with files.new_input("s3://verified/metadata/a.json").open() as stream:
        assert stream.read() == CONTENT
    assert rule.met == 2


def test_what_comes_wrong_each_time_is_an_error(files: VerifiedFileIO, network: Proxy) -> None:
    rule = Rule("garble", method="GET", path="a.json")
    network.spoil(rule)
    with pytest.raises(ServiceFailed, match=r"s3://verified/metadata/a.json.*other bytes came"):
        files.new_input("s3://verified/metadata/a.json").open()
    assert rule.met == 3


def test_a_file_that_is_gone_is_told_as_before(files: VerifiedFileIO) -> None:
    with pytest.raises(FileNotFoundError, match=r"b\.json"):
        files.new_input("s3://verified/metadata/b.json").open()


@pytest.mark.parametrize("retries", [0, 1])
def test_where_the_store_names_no_md5_two_equal_reads_will_do(retries: int) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/verified/c.json", CONTENT)
    file = _Verified(FsspecInputFile("/verified/c.json", memory), retries)
    assert file.open().read() == CONTENT


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("http://minio.example:9000", True),
        ("https://minio.example:9000", False),
        ("http://127.0.0.1:9000", False),
        ("http://localhost:9000", False),
    ],
)
def test_doctor_says_what_an_unencrypted_connection_lacks(endpoint: str, told: bool) -> None:
    said = {"LAKEHOUSE_WAREHOUSE": "s3://lake", "LAKEHOUSE_S3_ENDPOINT": endpoint}
    assert ("is not encrypted" in _unsafe(Settings.load(said))) == told
