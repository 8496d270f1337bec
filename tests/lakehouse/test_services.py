"""`lakehouse services`: two real servers for one person; they outlive the shell, tell no secret."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from lakehouse import services
from lakehouse.errors import ServiceFailed
from lakehouse.services import Services, objects
from lakehouse.settings import Settings


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """A lake whose folders PostgreSQL's user can enter, also where root runs the tests."""
    home = Path(tempfile.mkdtemp(prefix="lake-"))
    home.chmod(0o755)
    found = Settings.load({"LAKEHOUSE_HOME": str(home)})
    yield found
    services.stop(found)
    shutil.rmtree(home)


@pytest.fixture
def running(settings: Settings) -> Services:
    return services.start(settings)


def lakehouse(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Calls the command line from a shell of its own, which ends at once."""
    command = [sys.executable, "-c", "from lakehouse.cli import main; main()", "services", *words]
    environment = {"LAKEHOUSE_HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def secrets(settings: Settings) -> list[str]:
    """The secret access key and the password, from the files that hold them."""
    folder = settings.home / "services"
    key = (folder / "aws-credentials").read_text().split("aws_secret_access_key = ")[1].strip()
    return [key, (folder / "pgpass").read_text().strip().rsplit(":", 1)[1]]


def reached(settings: Services, shell: str) -> str:
    """Runs a program with the printed settings alone, as the person's shell would."""
    script = f"{settings.exports()}\n{shell}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # an activated environment
    environment = {"PATH": path, "PGPASSWORD": "of another server"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_starts_both_and_they_outlive_it(settings: Settings) -> None:
    said = lakehouse(settings.home, "start").stdout
    assert said.startswith("unset AWS_ACCESS_KEY_ID")
    assert "export LAKEHOUSE_WAREHOUSE=s3://lakehouse/warehouse" in said
    assert lakehouse(settings.home, "status").stdout.count("running at 127.0.0.1:") == 2
    facts = json.loads(lakehouse(settings.home, "status", "--json").stdout)["facts"]
    assert facts["running"] is True
    assert said == services.status(settings).exports() + "\n"


def test_the_printed_settings_reach_both_servers(running: Services) -> None:
    objects = """python - <<'END'
import os, s3fs
files = s3fs.S3FileSystem(endpoint_url=os.environ["LAKEHOUSE_S3_ENDPOINT"])
files.pipe(os.environ["LAKEHOUSE_LANDING"] + "/flights/a.csv", b"1")
print(files.ls("lakehouse/landing"))
END"""
    books = """python - <<'END'
import os, psycopg2
for name in ("CATALOG", "DAGSTER", "TRACKING"):
    with psycopg2.connect(os.environ[f"LAKEHOUSE_{name}_URI"]) as connection:
        cursor = connection.cursor()
        cursor.execute("select current_database()")
        print(*cursor.fetchone())
END"""
    assert reached(running, objects) == "['lakehouse/landing/flights']\n"
    assert reached(running, books).split() == ["catalog", "dagster", "mlflow"]


def test_a_lake_publishes_and_reads_with_the_printed_settings_alone(running: Services) -> None:
    publish = """python - <<'END'
import pyarrow as pa
from lakehouse import publishing
from lakehouse.lake import Lake
publishing.replace(Lake(), "gold.things", pa.table({"n": [1, 2, 39]}), run="first")
END
lakehouse sql "select sum(n) as n from gold.things" --format csv"""
    assert reached(running, publish).split() == ["n", "42"]
    stored = Path(running.settings["PGPASSFILE"]).parent / "objects" / "lakehouse" / "warehouse"
    assert [file for file in stored.rglob("*.parquet") if file.is_file()]


def test_starting_again_changes_nothing(settings: Settings, running: Services) -> None:
    again = services.start(settings)
    assert again.changed == ()
    assert (again.servers, again.settings) == (running.servers, running.settings)


def test_no_secret_is_on_a_command_line_or_in_what_is_printed(
    settings: Settings, running: Services
) -> None:
    known = secrets(settings)
    assert all(len(secret) == 40 for secret in known)
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert [line for line in lines if any(secret in line for secret in known)] == []
    told = json.dumps(running.facts()) + running.exports() + running.summary()
    assert [secret for secret in known if secret in told] == []


def test_secrets_are_in_files_that_only_their_owner_reads(
    settings: Settings, running: Services
) -> None:
    known = [secret.encode() for secret in secrets(settings)]
    holding = [
        file
        for file in settings.home.rglob("*")
        if file.is_file() and any(secret in file.read_bytes() for secret in known)
    ]
    assert {file.name for file in holding} == {"aws-credentials", "pgpass"}
    open_to_others = stat.S_IRWXG | stat.S_IRWXO
    assert [file for file in holding if file.stat().st_mode & open_to_others] == []


def test_they_listen_on_this_machine_only_and_ask_for_the_password(running: Services) -> None:
    ours = {server.pid: server.port for server in running.servers}
    for pid, port in ours.items():
        listening = psutil.Process(pid).net_connections("inet")
        heard = {(c.laddr.ip, c.laddr.port) for c in listening if c.status == "LISTEN"}
        assert heard == {("127.0.0.1", port)}
    uri = running.settings["LAKEHOUSE_CATALOG_URI"].replace("@", ":guessed@")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(uri)


def test_a_server_that_was_killed_is_started_again_with_its_data(
    settings: Settings, running: Services
) -> None:
    objects, books = running.servers
    marker = settings.home / "services" / "objects" / "lakehouse" / "kept.txt"
    marker.write_text("kept")
    psutil.Process(objects.pid).kill()
    left = [s for s in _until(settings, lambda found: not found.running).servers if s.running]
    assert left == [books]

    again = services.start(settings)

    assert again.changed == ("S3",)
    assert again.servers[0].port == objects.port  # remembered
    script = "import os, s3fs; print(s3fs.S3FileSystem(endpoint_url=os.environ["
    script += '"LAKEHOUSE_S3_ENDPOINT"]).cat("lakehouse/kept.txt"))'
    assert reached(again, f"python -c '{script}'") == "b'kept'\n"


def test_a_number_that_belongs_to_another_program_by_now_is_left_alone(
    settings: Settings, running: Services
) -> None:
    services.stop(settings)
    folder = settings.home / "services"
    (folder / "s3.pid").write_text(f"{os.getpid()}\n")
    (folder / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n/\n0\n1\n")

    assert [server.running for server in services.status(settings).servers] == [False, False]
    assert services.stop(settings).changed == ()
    assert services.start(settings).running


def test_a_start_that_breaks_off_leaves_no_number_of_another_program_to_stop(
    settings: Settings, running: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.stop(settings)
    number = settings.home / "services" / "s3.pid"
    before = set(psutil.pids())
    with subprocess.Popen(["sleep", "60"]) as another:
        number.write_text(f"{another.pid}\n")  # as of a server before the machine was restarted
        _break_off(monkeypatch, number)
        with pytest.raises(OSError, match="disk is full"):
            services.start(settings)
        monkeypatch.undo()
        lost = [psutil.Process(pid) for pid in set(psutil.pids()) - before - {another.pid}]
        lost = [process for process in lost if str(number.parent / "objects") in process.cmdline()]
        assert len(lost) == 1  # it runs, and holds the lock
        try:
            assert not services.stop(settings).running
            assert another.poll() is None
        finally:
            lost[0].kill()
            another.kill()
    _until(settings, lambda found: not found.servers[0].running)


def _break_off(monkeypatch: pytest.MonkeyPatch, number: Path) -> None:
    """Lets writing the server's number fail."""
    write = objects.private

    def fail(file: Path, text: str) -> None:
        if file == number:
            raise OSError("the disk is full")
        write(file, text)

    monkeypatch.setattr(objects, "private", fail)


def test_a_port_that_was_taken_meanwhile_is_given_up(settings: Settings, running: Services) -> None:
    services.stop(settings)
    with socket.create_server(("127.0.0.1", running.servers[1].port)):
        moved = services.start(settings)
    assert moved.servers[1].port != running.servers[1].port
    assert str(moved.servers[1].port) in moved.settings["LAKEHOUSE_CATALOG_URI"]
    assert moved.exports() in (settings.home / "services" / "env").read_text()


def test_stopping_ends_every_process_and_the_second_time_nothing(
    settings: Settings, running: Services
) -> None:
    started = [psutil.Process(server.pid) for server in running.servers]
    family = [p for one in started for p in (one, *one.children(recursive=True))]

    stopped = services.stop(settings)

    assert stopped.changed == ("S3", "PostgreSQL")
    assert stopped.settings == {}
    left = psutil.wait_procs(family, timeout=10)[1]
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []
    assert services.stop(settings).changed == ()


def test_where_nothing_was_started_looking_makes_nothing(tmp_path: Path) -> None:
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path / "lake")})
    assert not services.status(settings).running
    assert services.stop(settings).changed == ()
    assert not settings.home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
def test_root_is_told_which_folder_postgresql_cannot_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path / "lake")})
    with pytest.raises(ServiceFailed, match=r"nobody, who must be able to enter .*LAKEHOUSE_HOME"):
        services.start(settings)
    services.stop(settings)
    assert not services.status(settings).servers[0].running


def _until(settings: Settings, holds) -> Services:
    for _ in range(500):
        found = services.status(settings)
        if holds(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found.summary())
