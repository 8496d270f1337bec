"""What the dbt project declares, read from dbt's own manifest.

dbt takes seconds to parse, so the manifest is kept in the lake's home and made again only when a
file of the project changes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lakehouse.errors import DbtFailed
from lakehouse.results import Severity
from lakehouse.settings import Settings, machine_environment

_KEPT = (".sql", ".yml", ".yaml", ".csv", ".md")
_CLI = "from dbt.cli.main import cli; cli()"


@dataclass(frozen=True)
class GoldTest:
    """A dbt test of a gold model.

    Attributes:
        id: dbt's unique id.
        name: Short name, unique within the model.
        description: For people.
        severity: `error` refuses the build.
    """

    id: str
    name: str
    description: str
    severity: Severity


@dataclass(frozen=True)
class GoldModel:
    """A gold table as declared.

    Attributes:
        id: dbt's unique id.
        name: Table name in namespace gold.
        description: For people.
        columns: Description by column name.
        owner: Who answers for it.
        tags: From the project.
        upstream: Tables it reads, e.g. `silver.flights`, `gold.daily_operations`.
        sql: Its source, for the web UI.
        tests: Its audit.
    """

    id: str
    name: str
    description: str
    columns: Mapping[str, str]
    owner: str
    tags: tuple[str, ...]
    upstream: tuple[str, ...]
    sql: str
    tests: tuple[GoldTest, ...]

    @property
    def table(self) -> str:
        """Name of the published table."""
        return f"gold.{self.name}"


@dataclass(frozen=True)
class DbtProject:
    """The dbt project of a lake.

    Attributes:
        folder: Where its files are.
        fingerprint: sha256 of all files that decide the tables.
        models: Gold models, upstream ones first.
    """

    folder: Path
    fingerprint: str
    models: tuple[GoldModel, ...]

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """All silver tables that any model reads."""
        read = {name for model in self.models for name in model.upstream}
        return tuple(sorted(name for name in read if name.startswith("silver.")))


def load(settings: Settings) -> DbtProject:
    """Returns the project, parsing it with dbt only if a file has changed.

    Raises:
        DbtFailed: dbt cannot parse the project.
    """
    folder = settings.project / "dbt_project"
    print_of_files = fingerprint(folder)
    kept = settings.home / "dbt" / f"manifest-{print_of_files}.json"
    if not kept.is_file():
        _parse(settings, folder, kept)
    manifest = json.loads(kept.read_text(encoding="utf-8"))
    return DbtProject(folder, print_of_files, _models(manifest))


def fingerprint(folder: Path) -> str:
    """Returns a short sha256 over the names and bytes of the project's files."""
    sha = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.suffix in _KEPT and inside.parts[0] not in ("target", "logs"):
            sha.update(f"{inside}\0".encode() + file.read_bytes() + b"\0")
    return sha.hexdigest()[:16]


def run_dbt(
    settings: Settings, arguments: list[str], target: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs dbt in a process of its own, so that its memory and global state go with it."""
    folder = str(settings.project / "dbt_project")
    places = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(target)]
    return subprocess.run(
        [
            sys.executable,
            "-c",
            _CLI,
            *arguments,
            *places,
            "--log-path",
            str(target),
            "--no-use-colors",
        ],
        env=machine_environment({"DO_NOT_TRACK": "1", **environment}),
        capture_output=True,
        text=True,
        check=False,
    )


def _parse(settings: Settings, folder: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        done = run_dbt(settings, ["parse", "--quiet"], Path(scratch), {})
        made = Path(scratch) / "manifest.json"
        if done.returncode or not made.is_file():
            raise DbtFailed("parse", str(folder), (done.stdout + done.stderr).strip()[-2000:])
        for old in kept.parent.glob("manifest-*.json"):
            old.unlink(missing_ok=True)
        made.replace(kept)


def _models(manifest: Mapping[str, Any]) -> tuple[GoldModel, ...]:
    nodes: dict[str, Any] = manifest["nodes"]
    gold = {i: n for i, n in nodes.items() if n["resource_type"] == "model" and _is_table(n)}
    tests: dict[str, list[GoldTest]] = {}
    for unique_id, node in sorted(nodes.items()):
        if node["resource_type"] == "test":
            # a test about several models (a comparison) belongs to the one it is declared on
            about = node.get("attached_node") or next(
                iter(set(node["depends_on"]["nodes"]) & set(gold)), ""
            )
            tests.setdefault(about, []).append(_test(unique_id, node))
    found = {i: _model(i, node, manifest, tuple(tests.get(i, ()))) for i, node in gold.items()}
    return tuple(_sorted(found))


def _is_table(node: Mapping[str, Any]) -> bool:
    return bool(node["config"]["materialized"] != "ephemeral" and node["schema"] == "gold")


def _test(unique_id: str, node: Mapping[str, Any]) -> GoldTest:
    severity: Severity = "warning" if node["config"]["severity"].lower() == "warn" else "error"
    return GoldTest(unique_id, node["name"], node.get("description") or "", severity)


def _model(
    unique_id: str,
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    tests: tuple[GoldTest, ...],
) -> GoldModel:
    meta = {**node.get("meta", {}), **node["config"].get("meta", {})}
    return GoldModel(
        id=unique_id,
        name=node["name"],
        description=node["description"],
        columns={name: column["description"] for name, column in node["columns"].items()},
        owner=str(meta.get("owner", "")),
        tags=tuple(node["tags"]),
        upstream=tuple(sorted(_upstream(node, manifest))),
        sql=node["raw_code"],
        tests=tests,
    )


def _upstream(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> set[str]:
    """Tables that a node reads, through ephemeral models too."""
    found: set[str] = set()
    for parent in node["depends_on"]["nodes"]:
        if parent in manifest["sources"]:
            source = manifest["sources"][parent]
            found.add(f"{source['source_name']}.{source['name']}")
        elif _is_table(manifest["nodes"][parent]):
            found.add(f"gold.{manifest['nodes'][parent]['name']}")
        else:
            found |= _upstream(manifest["nodes"][parent], manifest)
    return found


def _sorted(models: Mapping[str, GoldModel]) -> list[GoldModel]:
    placed: list[GoldModel] = []
    waiting = sorted(models.values(), key=lambda model: model.name)
    while waiting:
        tables = {model.table for model in waiting}
        ready = next(model for model in waiting if not tables & set(model.upstream) - {model.table})
        placed.append(ready)
        waiting.remove(ready)
    return placed
