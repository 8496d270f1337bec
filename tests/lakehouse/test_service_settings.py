"""Each way to say where the services are, with real ones: what is said is what happens."""

import datetime
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from servers import Postgres, S3Server, Services, free_port

from lakehouse import landing
from lakehouse.connection import connect
from lakehouse.errors import ServiceFailed, SettingsError
from lakehouse.lake import Lake
from lakehouse.settings import Settings

pytestmark = pytest.mark.long

CITIES = "name,people\nUtrecht,5\n"
ROWS = [("Utrecht", 5)]


def call(lake: Any, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Calls the command line as a person does, with nothing but the lake's own environment."""
    command = [sys.executable, "-c", "from lakehouse.cli import main; main()", *arguments]
    variables = {
        "PATH": os.environ["PATH"],
        "LAKEHOUSE_PROJECT": str(lake.folder),
        "LAKEHOUSE_HOME": str(lake.folder / ".lake"),
        **lake.environment,
        **environment,
    }
    return subprocess.run(
        command, env=variables, cwd=lake.folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def own_s3(s3_server: S3Server, tmp_path: Path) -> Iterator[Callable[..., S3Server]]:
    """Starts servers of this test's own, which know the same credentials."""
    started = []

    def start(*options: str, scheme: str = "http", host: str = "127.0.0.1") -> S3Server:
        folder, port = tmp_path / f"s3-{len(started)}" / "buckets", free_port()
        (folder / "lake").mkdir(parents=True)
        url = f"{scheme}://{host}:{port}"
        server = S3Server(folder, port, s3_server.key, s3_server.secret, options, url)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def on(server: S3Server, **more: str) -> dict[str, str]:
    """The settings of a lake whose files are on a server."""
    return {
        "LAKEHOUSE_S3_ENDPOINT": server.endpoint,
        "LAKEHOUSE_WAREHOUSE": "s3://lake/tables",
        "LAKEHOUSE_LANDING": "s3://lake/in",
        **more,
    }


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that no authority of this machine knows, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "key.pem").write_bytes(private)
    return tmp_path / "cert.pem"


@pytest.mark.parametrize("part", ["LAKEHOUSE_WAREHOUSE", "LAKEHOUSE_LANDING"])
def test_warehouse_and_landing_may_be_in_different_places(
    make_data_lake: Callable[..., Any], services: Services, part: str
) -> None:
    lake = make_data_lake("cities")
    outside = services.environment()
    lake.environment |= {part: outside[part], "LAKEHOUSE_S3_ENDPOINT": services.s3.endpoint}
    lake.put("cities", CITIES)
    assert lake.rows("silver.cities", "name", "people") == ROWS
    on_disk = (lake.folder / ".lake" / "warehouse").exists()
    assert on_disk == (part != "LAKEHOUSE_WAREHOUSE")


def test_an_authority_of_ones_own_is_trusted_and_no_other(
    make_data_lake: Callable[..., Any],
    own_s3: Callable[..., S3Server],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = own_s3(
        f"--cert={certificate}", f"--key={certificate.with_name('key.pem')}", scheme="https"
    )
    lake = make_data_lake("cities")
    lake.environment |= on(server) | server.environment
    told = call(lake, "doctor", LAKEHOUSE_RETRIES="0")
    assert told.returncode == 3
    assert "certificate verify failed" in told.stdout.replace("\n", " ")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    lake.put("cities", CITIES)
    assert lake.rows("silver.cities", "name", "people") == ROWS
    with lake.lake.connect() as connection:
        location = lake.lake.catalog.locations()["silver.cities"]
        assert connection.execute("SELECT count(*) FROM iceberg_scan(?)", [location]).fetchone()


def test_the_bucket_may_stand_in_the_name_of_the_host(
    make_data_lake: Callable[..., Any],
    own_s3: Callable[..., S3Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve, asked = socket.getaddrinfo, set()

    def local(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.add(host)
        name = "127.0.0.1" if str(host).endswith(".localhost") else host
        return resolve(name, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)
    server = own_s3("--force-path-style=false", host="localhost")
    lake = make_data_lake("cities")
    lake.environment |= on(server, LAKEHOUSE_S3_URL_STYLE="virtual")
    lake.drop("cities", CITIES)
    assert [f.url for f in lake.lake.storage.list("s3://lake/in")] == ["s3://lake/in/cities/a.csv"]
    made = lake.lake.catalog.ensure("silver.probe", pa.schema([("id", pa.int64())]))
    assert made.current_snapshot() is not None
    assert {host for host in asked if "lake" in str(host)} == {"lake.localhost"}
    # DuckDB has a resolver of its own, which knows no such names; it is asked what it was told
    assert "url_style=vhost" in secret(lake.lake.settings)


def secret(settings: Settings) -> str:
    """What a DuckDB connection was told of S3."""
    with connect(settings) as connection:
        found = connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchall()
    return str(found[0][0])


def test_aws_itself_is_asked_as_it_wants_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "passing")
    told = secret(
        Settings.load(
            {"LAKEHOUSE_WAREHOUSE": "s3://lake/tables", "LAKEHOUSE_S3_REGION": "eu-central-1"}
        )
    )
    assert "region=eu-central-1" in told
    assert "url_style=vhost" in told
    assert "session_token=redacted" in told
    assert "endpoint=" not in told
    assert "canary" not in told


def test_credentials_and_password_may_come_from_files(
    make_service_lake: Callable[..., Any], services: Services, tmp_path: Path
) -> None:
    lake = make_service_lake("cities")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        lake.environment.pop(name)
    keys = tmp_path / "credentials"
    keys.write_text(
        f"[default]\naws_access_key_id = {services.s3.key}\n"
        f"aws_secret_access_key = {services.s3.secret}\n"
    )
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:*:*:lakehouse:{services.postgres.password}\n")
    passwords.chmod(0o600)
    lake.environment |= {
        "AWS_SHARED_CREDENTIALS_FILE": str(keys),
        "PGPASSFILE": str(passwords),
        **{
            name: value.replace(f":{services.postgres.password}@", "@")
            for name, value in lake.environment.items()
            if name.endswith("_URI")
        },
    }
    file = tmp_path / "a.csv"
    file.write_text(CITIES)
    done = call(lake, "land", "cities", str(file))
    assert done.returncode == 0, done.stderr
    done = call(lake, "doctor", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["sources"]["warehouse"] == "environment"


def test_settings_may_stand_in_a_file(
    make_data_lake: Callable[..., Any], services: Services
) -> None:
    lake = make_data_lake("cities")
    outside = services.environment()
    said = {k.removeprefix("LAKEHOUSE_").lower(): v for k, v in outside.items() if "LAKE" in k}
    (lake.folder / ".lake").mkdir()
    file = lake.folder / ".lake" / "lakehouse.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
    lake.put("cities", CITIES)
    assert lake.rows("silver.cities", "name", "people") == ROWS
    assert {lake.lake.settings.sources[name] for name in said} == {"file"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAKEHOUSE_S3_ENDPOINT", "127.0.0.1:9000"),
        ("LAKEHOUSE_S3_URL_STYLE", "host"),
        ("LAKEHOUSE_RETRIES", "often"),
        ("LAKEHOUSE_TIMEOUT", "-1"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.load({name: value})


def test_doctor_tests_each_service_and_leaves_nothing(
    make_service_lake: Callable[..., Any], services: Services
) -> None:
    lake = make_service_lake("cities")
    lake.environment["LAKEHOUSE_DAGSTER_URI"] = services.postgres.create(f"dagster-{time.time()}")
    before = services.s3.files.find(lake.environment["LAKEHOUSE_WAREHOUSE"])
    done = call(lake, "doctor", "--json")
    assert done.returncode == 0, done.stdout
    told = {part["part"]: part["finding"] for part in json.loads(done.stdout)["parts"]}
    assert "written, copied, read by DuckDB and removed" in told["warehouse"]
    for part in ("landing", "catalog", "tracking", "dagster"):
        assert "answers" in told[part]
    assert services.postgres.password not in done.stdout + done.stderr
    assert services.s3.secret not in done.stdout + done.stderr
    assert services.s3.files.find(lake.environment["LAKEHOUSE_WAREHOUSE"]) == before


def test_doctor_names_the_service_that_fails_and_tests_the_others(
    make_service_lake: Callable[..., Any],
) -> None:
    lake = make_service_lake("cities")
    nowhere = {"LAKEHOUSE_S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    done = call(lake, "doctor", "--json", LAKEHOUSE_RETRIES="1", **nowhere)
    assert done.returncode == 3
    parts = {part["part"]: part["ok"] for part in json.loads(done.stdout)["parts"]}
    assert {name for name, ok in parts.items() if not ok} == {"warehouse", "landing"}


@pytest.mark.parametrize(
    ("broken", "service"),
    [("LAKEHOUSE_S3_ENDPOINT", "S3"), ("LAKEHOUSE_CATALOG_URI", "PostgreSQL")],
)
def test_a_service_that_stays_away_ends_the_verb_with_a_sentence(
    make_service_lake: Callable[..., Any], services: Services, broken: str, service: str
) -> None:
    lake = make_service_lake("cities")
    lake.drop("cities", CITIES)
    lake.environment[broken] = {
        "S3": f"http://127.0.0.1:{free_port()}",
        "PostgreSQL": f"postgresql://ada:canary@127.0.0.1:{free_port()}/lake",
    }[service]
    done = call(lake, "land", "cities", LAKEHOUSE_RETRIES="2")
    assert done.returncode == 3
    assert f"{service} failed while" in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr


def test_a_database_that_comes_back_is_waited_for(make_data_lake: Callable[..., Any]) -> None:
    server = Postgres(Path(tempfile.mkdtemp(prefix="postgres-")), free_port())
    server.make()
    server.start()
    try:
        lake = make_data_lake("cities")
        lake.environment["LAKEHOUSE_CATALOG_URI"] = server.create("catalog")
        lake.land("cities", CITIES)  # the pool now holds a connection that is about to be lost
        server.stop("immediate")
        back = threading.Timer(1.5, server.start)
        back.start()
        lake.refresh("cities")
        back.join()
        assert lake.rows("silver.cities", "name", "people") == ROWS
    finally:
        server.stop("immediate")
        shutil.rmtree(server.folder)


def test_a_password_that_is_wrong_is_not_tried_again(services: Services, tmp_path: Path) -> None:
    wrong = services.postgres.uri().replace(services.postgres.password, "canary")
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_CATALOG_URI": wrong})
    started = time.monotonic()
    with pytest.raises(Exception, match="authentication failed") as caught:
        Lake(settings).catalog.names()
    assert time.monotonic() - started < 2
    assert "canary" not in str(caught.value)


def test_an_s3_server_that_comes_back_is_waited_for(
    make_data_lake: Callable[..., Any], own_s3: Callable[..., S3Server]
) -> None:
    server = own_s3()
    lake = make_data_lake("cities")
    lake.environment |= on(server)
    lake.drop("cities", CITIES)
    server.stop()
    back = threading.Timer(1.0, server.start)
    back.start()
    assert len(landing.land(lake.lake, "cities", run="r").deliveries) == 1
    back.join()


def test_an_object_that_was_changed_is_not_read(
    make_data_lake: Callable[..., Any], own_s3: Callable[..., S3Server]
) -> None:
    server = own_s3()
    lake = make_data_lake("cities")
    lake.environment |= on(server, LAKEHOUSE_RETRIES="1")
    delivery = lake.land("cities", CITIES).deliveries[0]
    server.files.pipe(lake.lake.object_url(delivery.object), CITIES.replace("5", "6").encode())
    with pytest.raises(ServiceFailed, match="its bytes are not those that were stored"):
        lake.refresh("cities")
    assert lake.rows("silver.cities") == []
    assert lake.state("cities").refused == ()


def test_a_copy_that_breaks_off_leaves_nothing(
    own_s3: Callable[..., S3Server], tmp_path: Path
) -> None:
    server = own_s3()
    storage = Lake(Settings.load(on(server, LAKEHOUSE_HOME=str(tmp_path)))).storage
    with pytest.raises(FileNotFoundError):
        storage.copy(f"file://{tmp_path}/nowhere", "s3://lake/a")
    with pytest.raises(FileNotFoundError):
        storage.rename("s3://lake/nowhere", "s3://lake/a")
    assert storage.list("s3://lake") == []
    (tmp_path / "large").write_bytes(os.urandom(40 * 1024 * 1024))
    storage.copy(f"file://{tmp_path}/large", "s3://lake/large")
    assert storage.digest("s3://lake/large") == storage.digest(f"file://{tmp_path}/large")
    storage.rename("s3://lake/large", "s3://lake/whole")
    assert [file.url for file in storage.list("s3://lake")] == ["s3://lake/whole"]


def test_files_of_a_folder_are_not_those_of_another_that_begins_so(
    own_s3: Callable[..., S3Server], tmp_path: Path
) -> None:
    server = own_s3()
    storage = Lake(Settings.load(on(server, LAKEHOUSE_HOME=str(tmp_path)))).storage
    for name in ("in/a/1.csv", "in/ab/2.csv", "in/a.csv"):
        server.files.pipe(f"lake/{name}", b"x")
    assert [file.url for file in storage.list("s3://lake/in/a")] == ["s3://lake/in/a/1.csv"]
    assert storage.list("s3://lake/nowhere") == []
