"""The audit of the lock: what it finds, and that it says what it could not look at."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parent.parent / ".ci" / "audit.py"
NOBODY = "http://127.0.0.1:9"
Audit = Callable[..., tuple[int, str]]


class _Advisories(http.server.BaseHTTPRequestHandler):
    """Answers as OSV does: version 1.0 of `left` has two advisories, of `long` pages of them.

    The last page of `torn` is not given.
    """

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        body = json.dumps({"results": [self._told(query) for query in asked]}).encode()
        torn = any(q["package"]["name"] == "torn" and q.get("page_token") == "3" for q in asked)
        self.send_response(503 if torn else 200)
        self.end_headers()
        self.wfile.write(body)

    def _told(self, query: dict[str, Any]) -> dict[str, Any]:
        name, page = query["package"]["name"], int(query.get("page_token", "1"))
        if query["version"] != "1.0" or name == "right":
            return {}
        if name == "left":
            return {"vulns": [{"id": "GHSA-test-0001"}, {"id": "PYSEC-2026-1"}]}
        more = {"next_page_token": str(page + 1)} if page < 3 else {}
        return {"vulns": [{"id": f"GHSA-page-{page}"}], **more}

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Advisories) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package index in a folder: `left` 1.0 is offered, `right` 1.0 was taken back."""
    root = tmp_path_factory.mktemp("index")
    for name, yanked in (("left", ""), ("right", ' data-yanked="lost its key"')):
        folder = root / name
        folder.mkdir()
        wheel = folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            info = f"{name}-1.0.dist-info"
            archive.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
            )
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<a href="{wheel.name}#sha256={digest}"{yanked}>{wheel.name}</a>'
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    return root


@pytest.fixture
def audit(tmp_path: Path, index: Path) -> Audit:
    def run(*pins: str, osv: str = NOBODY, index: str = f"file://{index}") -> tuple[int, str]:
        lock = tmp_path / "some.lock"
        lock.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
        environment = {
            **kept,
            "OSV_URL": osv,
            "UV_DEFAULT_INDEX": index,
            "UV_NO_CONFIG": "1",
            "UV_HTTP_RETRIES": "0",
        }
        done = subprocess.run(
            [sys.executable, AUDIT, lock],
            env={**environment, "UV_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run


def test_what_is_well_passes(audit: Audit) -> None:
    code, out = audit("left==1.0")
    assert code == 0
    assert "installed   none of 1 releases" in out
    assert "withdrawn   none of 1 releases" in out


def test_known_vulnerabilities_are_listed_and_fail(audit: Audit, service: str) -> None:
    code, out = audit("left==1.0", osv=service)
    assert code == 1
    assert "advisories  2 of 1 releases" in out
    assert "left 1.0: GHSA-test-0001  https://osv.dev/vulnerability/GHSA-test-0001" in out


def test_an_answer_of_several_pages_is_asked_for_to_its_end(audit: Audit, service: str) -> None:
    code, out = audit("right==1.0", "long==1.0", "left==1.0", osv=service, index=NOBODY)
    assert code == 1
    assert "advisories  5 of 3 releases" in out
    told = [line.split("  http")[0].strip() for line in out.splitlines() if "osv.dev/" in line]
    assert told == [
        "long 1.0: GHSA-page-1",
        "left 1.0: GHSA-test-0001",
        "left 1.0: PYSEC-2026-1",
        "long 1.0: GHSA-page-2",
        "long 1.0: GHSA-page-3",
    ]


def test_what_was_told_before_the_service_fell_silent_fails(audit: Audit, service: str) -> None:
    code, out = audit("torn==1.0", osv=service, index=NOBODY)
    assert code == 1
    assert "advisories  not all looked at: 127.0.0.1:" in out
    assert ("GHSA-page-2" in out, "GHSA-page-3" in out) == (True, False)


def test_a_release_without_advisory_passes(audit: Audit, service: str) -> None:
    code, out = audit("right==1.1", osv=service)
    assert (code, "advisories  none of 1 releases" in out) == (0, True)


def test_a_release_that_was_taken_back_fails(audit: Audit) -> None:
    code, out = audit("right==1.0")
    assert code == 1
    assert 'right==1.0` is yanked (reason: "lost its key")' in out


def test_another_release_than_the_locked_one_fails(audit: Audit) -> None:
    code, out = audit("duckdb==0.0.1")
    assert code == 1
    assert "the lock says 0.0.1" in out


def test_what_cannot_be_asked_is_said_in_a_line_and_does_not_fail(audit: Audit) -> None:
    code, out = audit("left==1.0", index=NOBODY)
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("  withdrawn   not looked at: the package index does not answer")
    assert lines[2].startswith("  advisories  not looked at: 127.0.0.1:9 does not answer")
