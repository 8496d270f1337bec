"""Audits what the lock files install; each part says so in a line where it cannot be done.

    installed    is what the lock names installed, and nothing else in its place (needs nothing)
    withdrawn    has its maker or the index taken a release back (needs the package index)
    advisories   is a vulnerability of a release known (needs osv.dev, or a mirror in OSV_URL)

The exit code is 1 if something was found, 0 if not, whether or not everything could be asked.
Advisories that do not apply here stand, with the reason, in pyproject.toml under `[tool.audit]`.

    python .ci/audit.py [LOCK …]
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-gpu.lock")
OSV = os.environ.get("OSV_URL", "https://api.osv.dev")
_SECONDS = 20


class NotAskedError(Exception):
    """A service that is needed does not answer."""


def main(files: list[Path]) -> int:
    """Prints a line for each part and each finding, and returns the exit code."""
    pins = {name: version for file in files for name, version in pinned(file).items()}
    found = 0
    for part, look in (("installed", installed), ("withdrawn", withdrawn), ("advisories", known)):
        findings: list[str] = []
        try:
            findings.extend(look(pins))  # what was found before a service fell silent stays
            print(f"  {part:<11} {len(findings) or 'none'} of {len(pins)} releases")
        except NotAskedError as error:
            print(f"  {part:<11} not {'all ' if findings else ''}looked at: {error}")
        found += len(findings)
        for line in findings:
            print(f"    {line}")
    return 1 if found else 0


def pinned(lock: Path) -> dict[str, str]:
    """Returns the releases of a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", lock.read_text(encoding="utf-8"), re.M))


def installed(pins: Mapping[str, str]) -> list[str]:
    """Returns the packages that are here in another release than the lock's."""
    here = {name: version(name) for name in pins}
    wrong = {name: found for name, found in here.items() if found not in ("", pins[name])}
    return [f"{name} is {found}, the lock says {pins[name]}" for name, found in wrong.items()]


def version(name: str) -> str:
    """Returns the release that is installed, without its local part; empty if there is none."""
    try:
        return importlib.metadata.version(name).split("+", 1)[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def withdrawn(pins: Mapping[str, str]) -> list[str]:
    """Returns the releases that were taken back, with the reason that was given.

    Raises:
        NotAskedError: The index does not answer.
    """
    uv = Path(sys.executable).with_name("uv")
    wanted = "".join(f"{name}=={release}\n" for name, release in pins.items())
    command = [uv, "pip", "compile", "-", "--no-deps", "--no-header", "--refresh"]
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAskedError("the package index does not answer, or does not have all of them")
    told = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    return re.findall(r"`([^`]+` is yanked.*)$", told, re.M)


def known(pins: Mapping[str, str]) -> Iterator[str]:
    """Yields the advisories about the releases, other than those accepted.

    Raises:
        NotAskedError: The service does not answer.
    """
    accepted = set(settings().get("accepted", {}))
    queries: list[dict[str, Any]] = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": release}
        for name, release in pins.items()
    ]
    while queries:
        answers = asked("/v1/querybatch", {"queries": queries})["results"]
        told = list(zip(queries, answers, strict=True))
        for query, answer in told:
            release = f"{query['package']['name']} {query['version']}"
            for found in (advisory["id"] for advisory in answer.get("vulns", ())):
                if found not in accepted:
                    yield f"{release}: {found}  https://osv.dev/vulnerability/{found}"
        # a long answer is cut, and its rest is asked for by the token in it
        queries = [
            {**query, "page_token": answer["next_page_token"]}
            for query, answer in told
            if answer.get("next_page_token")
        ]


def asked(path: str, question: object) -> dict[str, list[dict[str, Any]]]:
    """Returns what the advisory service answers.

    Raises:
        NotAskedError: It does not.
    """
    host = OSV.split("://", 1)[-1]
    body = json.dumps(question).encode()
    request = urllib.request.Request(OSV + path, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            said: dict[str, list[dict[str, Any]]] = json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotAskedError(
            f"{host} does not answer ({reason}); ask again where it does"
        ) from error
    return said


def settings() -> Mapping[str, Mapping[str, str]]:
    """Returns what pyproject.toml says of the audit."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, str]] = said.get("tool", {}).get("audit", {})
    return found


if __name__ == "__main__":
    sys.exit(main([Path(word) for word in sys.argv[1:]] or list(LOCKS)))
