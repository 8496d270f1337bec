"""The web UI as a person uses it: a real browser, a real server, a small lake of real data."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from assets import sample
from lakehouse import landing
from lakehouse.lake import Lake
from lakehouse.settings import Settings

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_START_S, _RUN_S = 60, 60
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(_BROWSER is None, reason="there is no chromium on this machine"),
]


@pytest.fixture(scope="module")
def lake(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake whose airlines have landed and wait for someone to materialize them."""
    home = tmp_path_factory.mktemp("browsed")
    named = {"LAKEHOUSE_PROJECT": str(project), "LAKEHOUSE_HOME": str(home)}
    small = Lake(Settings.load({**named, "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z"}))
    landing.land(small, "airlines", [str(sample.source("airlines.csv"))], run="test")
    return small


@pytest.fixture(scope="module")
def url(project: Path, lake: Lake) -> Iterator[str]:
    """The address of `lakehouse ui`; at the end nothing that it started is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = {"LAKEHOUSE_HOME": str(lake.settings.home), "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z"}
    log = lake.settings.home / "ui.log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            [str(Path(sys.executable).parent / "lakehouse"), "ui", "--port", str(port)],
            cwd=project,
            env={**os.environ, **chosen},
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/server_info", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        started = psutil.Process(server.pid).children(recursive=True)
        os.killpg(server.pid, signal.SIGINT)
        server.wait(timeout=30)
        _, left = psutil.wait_procs(started, timeout=30)
        for process in left:
            process.kill()
    assert left == []


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a new browser, which complained about nothing when it is closed."""
    troubles: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_BROWSER, args=_ARGUMENTS)
        opened = browser.new_page(viewport={"width": 1600, "height": 1000})
        opened.on("console", note)
        opened.on("pageerror", lambda error: troubles.append(str(error)))
        yield opened
        browser.close()
    assert troubles == []


def test_the_asset_graph_shows_every_asset_and_no_error(url: str, page: Page) -> None:
    page.goto(f"{url}/asset-groups")
    group = page.get_by_text("bronze", exact=True).last
    expect(group).to_be_visible(timeout=30_000)
    page.keyboard.press("Alt+e")
    for name in ("airlines", "weather", "flights", "late_arrival"):
        expect(page.get_by_text(name, exact=True)).to_have_count(2)  # in two layers each
    for name in ("daily_operations", "flight_features", re.compile("^predictio.+arrival$")):
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_asset_is_materialized_by_clicking(url: str, page: Page, lake: Lake) -> None:
    assert "silver.airlines" not in lake.catalog.names()
    page.goto(f"{url}/assets/silver/airlines")

    page.get_by_role("button", name=re.compile("Materialize$")).click(timeout=30_000)
    # Dagster did not see the file land: that was done on the command line
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("View", exact=True).click()  # in the note that a run was launched

    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN_S * 1000)
    assert lake.catalog.table("silver.airlines").scan().to_arrow().num_rows == 16
    page.goto(f"{url}/assets/silver/airlines")
    expect(page.get_by_text("Row count")).to_be_visible()
    expect(page.get_by_text("16", exact=True).first).to_be_visible()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the server answers."""
    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    pytest.fail(f"`lakehouse ui` did not answer:\n{log.read_text(errors='replace')}")
