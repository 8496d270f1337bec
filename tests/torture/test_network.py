"""Faults of S3: what passes is outlasted, what stays is told with exit code 3, and is made up for.

The server behind the proxy is a real one. Readers look on through a way of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lakes
import pytest
import seeing
from harness import Nursery
from proxy import Proxy, Rule
from servers import S3Server
from tallying import Tally

from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long


@dataclass
class Remote:
    """A lake on S3 behind a network that fails; each fault meets a new file of its own."""

    nursery: Nursery
    tally: Tally
    proxy: Proxy
    server: S3Server
    root: Path
    bucket: str
    count: int = 0
    shown: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What the runs are told, which go through the proxy."""
        return {
            **lakes.environment(self.root),
            **self.server.environment,
            "LAKEHOUSE_WAREHOUSE": f"s3://{self.bucket}/tables",
            "LAKEHOUSE_LANDING": f"s3://{self.bucket}/landing",
            "LAKEHOUSE_S3_ENDPOINT": f"http://127.0.0.1:{self.proxy.port}",
            "LAKEHOUSE_TIMEOUT": "2",
            "LAKEHOUSE_RETRIES": "2",
        }

    @property
    def lake(self) -> Lake:
        """The lake, by the way without faults."""
        direct = {**self.environment, "LAKEHOUSE_S3_ENDPOINT": self.server.endpoint}
        return Lake(Settings.load(direct))

    def deliver(self) -> None:
        """A producer replaces the cities."""
        self.count += 1
        text = f"name,people\nBonn,{self.count}\nEssen,{1000 - self.count}\n"
        self.text = text.encode()
        url = f"{self.bucket}/landing/cities/cities-{self.count:03}.csv"
        self.server.files.pipe(url, self.text)

    def run(self, job: str = "silver", **more: Any) -> tuple[int, str, float]:
        """Exit code, words and seconds of a run."""
        started = time.monotonic()
        if job == "silver":
            more = {"datasets": ["cities"], **more}
        child = self.nursery.start(job, self.environment, **more)
        return child.wait(), child.told(), time.monotonic() - started

    def rows(self) -> list[tuple[str, int]]:
        """What readers see."""
        refs = self.lake.catalog.refs(["silver.cities"])
        found = refs.tables["silver.cities"].scan().to_arrow().to_pylist()
        return sorted((row["name"], row["people"]) for row in found)

    def expected(self, count: int) -> list[tuple[str, int]]:
        """The rows of the n-th delivery."""
        return [("Bonn", count), ("Essen", 1000 - count)]

    def hold(self, *counts: int) -> None:
        """Readers see exactly one of some deliveries; bronze holds what was delivered."""
        rows = self.rows()
        wrong = rows not in [self.expected(count) for count in counts]
        self.tally.wrong_reads += wrong
        assert not wrong, rows
        lake = self.lake
        books = lake.ledger.read()
        for delivery in books.deliveries:
            url = seeing.absolute(lake, delivery.object)
            assert lake.storage.digest(url)[0] == delivery.sha256

    def mend(self) -> None:
        """After the fault a run brings the newest delivery, without hands."""
        self.proxy.spoil()
        code, told, _ = self.run()
        assert code == 0, told
        self.hold(self.count)
        self.shown = self.count


@pytest.fixture(scope="module")
def remote(
    tmp_path_factory: pytest.TempPathFactory,
    nursery: Nursery,
    tally: Tally,
    s3_server: S3Server,
) -> Iterator[Remote]:
    root = tmp_path_factory.mktemp("remote")
    lakes.declare(root / "project")
    proxy = Proxy(s3_server.port)
    made = Remote(nursery, tally, proxy, s3_server, root, "torture")
    s3_server.files.mkdir(made.bucket)
    made.deliver()
    made.mend()
    yield made
    proxy.stop()


PASSING = [
    Rule("503", times=2),
    Rule("503", method="PUT", times=2),
    Rule("reset", method="GET", times=2),
    Rule("reset", method="GET", path="bronze", times=1),
    Rule("cut", method="GET", path="bronze", times=1),
    Rule("cut", method="GET", path="metadata", times=1),
    Rule("break", method="PUT", path="data/", times=1),
    Rule("break", method="PUT", path="metadata", times=1),
    Rule("lose", method="PUT", path="data/", times=1),
    Rule("lose", method="PUT", path="metadata", times=1),
    Rule("hang", method="GET", times=1),
    Rule("slow"),
    Rule("garble", method="GET", path="bronze", times=1),
    Rule("garble", method="GET", path="landing/cities/", times=1),
    Rule("garble", method="GET", path="metadata", times=1),
    Rule("garble", method="GET", path="ledger/.*data/", times=1),
]
LASTING = [
    Rule("503"),
    Rule("403"),
    Rule("403", method="PUT", path="metadata"),
    Rule("404", method="GET", path="landing/cities/"),
    Rule("404", method="GET", path="bronze"),
    Rule("reset", method="GET"),
    Rule("cut", method="GET", path="bronze"),
    Rule("break", method="PUT"),
    Rule("hang"),
    Rule("garble", method="GET", path="bronze"),
    Rule("garble", method="GET", path="landing/cities/"),
    Rule("garble", method="GET", path="metadata"),
    Rule("garble", method="GET", path="ledger/.*data/"),
    Rule("lose", method="PUT", path="data/"),
]
BRIEF = {("503", "", ""), ("lose", "PUT", "metadata"), ("garble", "GET", "bronze"), ("403", "", "")}
"""Faults of the short suite."""


def _named(rule: Rule) -> str:
    return "-".join(part for part in (rule.fault, rule.method, rule.path.strip("/")) if part)


def _short(rule: Rule, long: bool) -> None:
    if not long and (rule.fault, rule.method, rule.path) not in BRIEF:
        pytest.skip("only in `make torture`")


@pytest.mark.parametrize("rule", PASSING, ids=_named)
def test_what_passes_is_outlasted(rule: Rule, remote: Remote, long: bool) -> None:
    _short(rule, long)
    remote.deliver()
    remote.proxy.spoil(rule)
    code, told, _ = remote.run()
    assert rule.met, "the fault met no request"
    remote.tally.injected(f"S3 {rule.fault}")
    remote.proxy.spoil()
    assert code == 0, told
    remote.hold(remote.count)
    remote.shown = remote.count


@pytest.mark.parametrize("rule", LASTING, ids=_named)
def test_what_stays_is_told(rule: Rule, remote: Remote, long: bool) -> None:
    _short(rule, long)
    remote.deliver()
    remote.proxy.spoil(rule)
    code, told, seconds = remote.run()
    assert rule.met, "the fault met no request"
    remote.tally.injected(f"S3 {rule.fault}")
    assert code == 3, told
    assert "ServiceFailed" in told
    assert "Published tables are unchanged" in told
    assert seconds < 90, f"gave up after {seconds:.0f} s"
    remote.hold(remote.shown)
    remote.mend()


def test_a_server_that_is_away(remote: Remote) -> None:
    remote.deliver()
    remote.proxy.down()
    try:
        answers = [
            remote.run("command", words=words)
            for words in (["land", "cities"], ["sql", "select count(*) from silver.cities"])
        ]
    finally:
        remote.proxy.up()
    for code, told, _ in answers:
        assert code == 3, told
        assert "lakehouse doctor" in told
        assert "Traceback" not in told
    remote.tally.injected("S3 refused")
    remote.hold(remote.shown)
    remote.mend()


def test_a_reader_is_told_what_it_cannot_have(remote: Remote) -> None:
    for fault in ("503", "403", "reset"):
        remote.proxy.spoil(Rule(fault, path="tables/"))
        words = ["sql", "select count(*) from silver.cities"]
        code, told, _ = remote.run("command", words=words)
        remote.tally.injected(f"S3 {fault}")
        assert code == 3, told
    remote.proxy.spoil()
    code, told, _ = remote.run("command", words=["sql", "--json", *words[1:]])
    assert (code, '": 2' in told) == (0, True), told
