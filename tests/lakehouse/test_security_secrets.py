"""Passwords and keys reach no output, no file of the lake and no row of a database."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import lakes
import psutil
import psycopg2
import pytest
from psycopg2 import sql
from rich.console import Console
from servers import Services

from lakehouse.cli import console, main
from lakehouse.cli.health import settings_shown
from lakehouse.settings import Secret, Settings, hidden, hiding

CANARY = "CANARY-7f3a9b"
KEY = "hash-key-CANARY-11d0"
Tell = Callable[..., str]

WRONG_URLS = {
    "nobody is there": f"postgresql://lake:{CANARY}@127.0.0.1:1/db",
    "the port is no number": f"postgresql://lake:{CANARY}@127.0.0.1:port/db",
    "an @ in the password": f"postgresql://lake:p@{CANARY}@127.0.0.1:1/db",
    "a slash in the password": f"postgresql://lake:1/{CANARY}@127.0.0.1:1/db",
    "a hash in the password": f"postgresql://lake:1#{CANARY}@127.0.0.1:1/db",
    "a question mark": f"postgresql://lake:1?{CANARY}@127.0.0.1:1/db",
    "a password as option": f"postgresql://lake@127.0.0.1:1/db?password={CANARY}",
    "an unknown scheme": f"postgers://lake:{CANARY}@127.0.0.1:1/db",
    "a missing driver": f"mysql://lake:{CANARY}@127.0.0.1:1/db",
    "no scheme": f"lake:{CANARY}@127.0.0.1:1/db",
    "only a password": CANARY,
    "a server": f"http://lake:{CANARY}@127.0.0.1:1",
}
VERBS = (("doctor", "--json"), ("sql", "select 1"), ("--debug", "sql", "select 1"))


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's settings are the first that the process loads."""
    monkeypatch.setattr(hiding, "_remembered", set())


@pytest.fixture
def tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tell:
    """Runs a verb and returns all that it printed, the traceback of `--debug` included."""
    settings = {"HOME": str(tmp_path / "lake"), "RETRIES": "0", "TIMEOUT": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"LAKEHOUSE_{name}", value)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*words: str) -> str:
        with suppress(SystemExit):
            try:
                main(words)
            except Exception as error:  # noqa: BLE001  whatever comes, as Python would show it
                sys.excepthook(type(error), error, error.__traceback__)
        return "".join(capsys.readouterr())

    return run


def kept(folder: Path, *secrets: str) -> list[str]:
    """The files below a folder that hold a secret."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(f) for f in files if any(s.encode() in f.read_bytes() for s in secrets)]


@pytest.mark.parametrize("wrong", WRONG_URLS)
def test_no_password_of_a_catalog_that_cannot_be_used_is_shown(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CATALOG_URI", WRONG_URLS[wrong])
    monkeypatch.chdir(tmp_path)  # nothing is declared here, so doctor is quick
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    for words in VERBS:
        assert CANARY not in tell(*words), words
    assert kept(tmp_path, CANARY) == []


@pytest.mark.parametrize("setting", ["TRACKING_URI", "DAGSTER_URI", "S3_ENDPOINT"])
@pytest.mark.parametrize("wrong", ["nobody is there", "an @ in the password", "no scheme"])
def test_no_password_of_another_service_is_shown(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, wrong: str
) -> None:
    monkeypatch.setenv(f"LAKEHOUSE_{setting}", WRONG_URLS[wrong])
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for words in (("doctor",), ("--debug", "run", "--json")):
        assert CANARY not in tell(*words), words
    assert kept(tmp_path, CANARY) == []


def test_no_password_of_the_settings_file_is_shown(tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "lake" / "lakehouse.toml"
    file.parent.mkdir()
    url = WRONG_URLS["nobody is there"]
    for line in (
        f'catalog_uri = "{url}"',
        f'catalog_url = "{url}"',
        f'aws_secret_access_key = "{CANARY}"',
        f"catalog_uri = {url}",
        f'catalog_uri = ["{CANARY}"]',
    ):
        file.write_text(line + "\n")
        for words in VERBS:
            assert CANARY not in tell(*words), (line, words)


ODD_URLS = {
    "an apostrophe": f"https://lake:it's-{CANARY}@127.0.0.1:1",
    "blanks": f"https://lake:my {CANARY} word@127.0.0.1:1",
    "a quote": f'https://lake:a"{CANARY}@127.0.0.1:1',
    "in PostgreSQL": f"postgresql://lake:it's-{CANARY}@127.0.0.1:1/db",
    "an option with an apostrophe": f"postgresql://127.0.0.1:1/db?user=u&password=it's-{CANARY}",
    "an option in capitals": f"postgresql://127.0.0.1:1/db?Password=x'{CANARY}",
    "a file with a key": f"sqlite+pysqlcipher://:a/b'{CANARY}@//x/y.db?kdf_iter=64000",
}
SHORT = "postgresql+psycopg2://u:ab'@h/db?password=x'&sslmode=require"


@pytest.mark.parametrize("odd", ODD_URLS)
@pytest.mark.parametrize("setting", ["tracking_uri", "dagster_uri", "warehouse"])
def test_no_password_with_odd_characters_is_shown(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, odd: str
) -> None:
    (tmp_path / "assets" / "contracts").mkdir(parents=True)
    (tmp_path / "lake").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake" / "lakehouse.toml").write_text(f"{setting} = {json.dumps(ODD_URLS[odd])}\n")
    for words in (("doctor",), ("--debug", "sql", "select 1")):
        assert CANARY not in tell(*words), words


@pytest.mark.parametrize("odd", ODD_URLS)
def test_settings_are_shown_without_their_passwords(tmp_path: Path, odd: str) -> None:
    (tmp_path / "lakehouse.toml").write_text(f"catalog_uri = {json.dumps(ODD_URLS[odd])}\n")
    settings = Settings.load({"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_DAGSTER_URI": SHORT})
    shown = {setting.name: setting.value for setting in settings_shown(settings)}
    assert "***" in shown["catalog_uri"]
    assert CANARY not in shown["catalog_uri"]
    assert shown["dagster_uri"] == SHORT.replace("ab'", "***").replace("x'", "***")


def test_a_password_of_the_settings_is_hidden_wherever_a_library_puts_it(tmp_path: Path) -> None:
    (tmp_path / "lakehouse.toml").write_text('dagster_uri = "postgresql://u:i\'t%20{C}@h/db"')
    Settings.load({"LAKEHOUSE_HOME": str(tmp_path)})
    secret = "i't {C}"
    quoted = [secret, repr(secret), repr(f'"{secret}"'), "i't%20{C}", "i%27t%20%7BC%7D"]
    assert [hidden(f"no {text}!").count("C") for text in quoted] == [0] * len(quoted)


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("PYICEBERG_CATALOG__LAKEHOUSE__TOKEN", f"{CANARY}\n", [f"{CANARY}\n", CANARY]),
        ("pyiceberg_catalog__other__token", f'a"{CANARY}é', [f'a"{CANARY}é']),
        ("PYICEBERG_CATALOG__LAKEHOUSE__CREDENTIAL", f"client:{CANARY}", [CANARY]),
        ("PYICEBERG_CATALOG__LAKEHOUSE__HEADER__AUTHORIZATION", f"Basic {CANARY}", [CANARY]),
        ("PYICEBERG_CATALOG__LAKEHOUSE__S3__SECRET_ACCESS_KEY", CANARY, [CANARY]),
        ("PYICEBERG_CATALOG__LAKEHOUSE__ADLS__ACCOUNT_KEY", CANARY, [CANARY]),
        ("PYICEBERG_CATALOG__LAKEHOUSE__URI", f"http://u:it's-{CANARY}@h", [f"it's-{CANARY}"]),
        ("HTTPS_PROXY", f"http://u:it's-{CANARY}@proxy:3128", [f"it's-{CANARY}"]),
    ],
)
def test_the_secrets_of_libraries_are_known(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, parts: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    for secret in (value, *parts):
        forms = (secret, repr(secret), repr(secret.encode()), json.dumps(secret))
        assert [CANARY in hidden(f"Bearer {form} is no header") for form in forms] == [False] * 4


def test_no_token_of_a_rest_catalog_is_shown(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_CATALOG_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKEHOUSE__TOKEN", f"{CANARY}\nx")
    said = tell("sql", "select 1")
    assert "header" in said
    assert CANARY not in said


def test_a_password_that_is_a_word_is_hidden_as_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "pass")
    assert hidden("the pass of password=other") == "the *** of password=***"


@pytest.mark.parametrize("hook", ["one line", "--debug"])
def test_an_error_of_a_library_is_told_without_the_secrets_of_the_environment(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hook: str
) -> None:
    """Whatever it says: here what MLflow says of a URL that it does not know."""
    secrets = {
        "AWS_SECRET_ACCESS_KEY": "CANARY+aws/secret==",
        "AWS_SESSION_TOKEN": "CANARY-aws-token",
        "PGPASSWORD": "CANARY-pg",
        "LAKEHOUSE_HASH_KEY": KEY,
        "LAKEHOUSE_CATALOG_URI": "postgresql://lake:CANARY%2Fcatalog@127.0.0.1:1/db",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    tell(*(["--debug"] if hook == "--debug" else []), "contracts", "check")
    said = f"cannot use {list(secrets.values())} nor CANARY/catalog"
    try:
        raise ValueError(said) from KeyError(said)
    except ValueError as error:
        with suppress(SystemExit):
            sys.excepthook(ValueError, error, error.__traceback__)
    printed = capsys.readouterr().err
    assert "cannot use" in printed
    assert "CANARY" not in printed
    assert ("Traceback" in printed) is (hook == "--debug")


def test_progress_and_refusals_are_told_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "errors", lambda: Console(file=sys.stderr, width=200))
    console.show_refusals([f"no answer from {WRONG_URLS['nobody is there']}"])
    console.Stages()(f"asking {WRONG_URLS['nobody is there']}")
    printed = capsys.readouterr().err
    assert "lake:***@127.0.0.1" in printed
    assert CANARY not in printed


def test_settings_show_no_secret_where_they_are_printed() -> None:
    url = WRONG_URLS["nobody is there"]
    names = ("CATALOG_URI", "TRACKING_URI", "DAGSTER_URI")
    secrets = {f"LAKEHOUSE_{name}": url for name in names} | {"LAKEHOUSE_HASH_KEY": KEY}
    settings = Settings.load(secrets)
    for shown in (repr(settings), str(settings), f"{settings!r}", repr([settings])):
        assert CANARY not in shown
        assert KEY not in shown
    assert settings.hash_key == Secret(KEY)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000/x"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:a@b@h/db", "postgresql://u:***@h/db"),
        ("'postgresql://u:p@h' and 'x:y@z'", "'postgresql://u:***@h' and 'x:y@z'"),
        ("client_secret=a&x=1 Token=b", "client_secret=***&x=1 Token=***"),
    ],
)
def test_only_passwords_are_hidden(text: str, shown: str) -> None:
    assert hidden(text) == shown


# --- a lake on services, from landing to the records of its runs ---------------------------------


class Watched:
    """What a process and all below it were started with, while it runs."""

    def __init__(self, words: list[str], environment: dict[str, str], folder: Path) -> None:
        self.arguments: set[str] = set()
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(words, env=environment, cwd=folder, stdout=out, stderr=err)
            above = psutil.Process(process.pid)
            while process.poll() is None:
                self._look(above)
                time.sleep(0.1)
        self.code = process.returncode
        self.printed = (folder / "out").read_text() + (folder / "err").read_text()

    def _look(self, above: psutil.Process) -> None:
        try:
            for process in (above, *above.children(recursive=True)):
                self.arguments |= set(process.cmdline())
        except psutil.Error:
            return  # it ended while it was looked at


@dataclass(frozen=True)
class Ran:
    """A lake on S3 and PostgreSQL after three verbs, with all that these printed.

    Attributes:
        folder: Its declarations and its home.
        environment: Its settings.
        done: A run that trains a model, `doctor`, and a run with another S3 secret.
    """

    folder: Path
    environment: dict[str, str]
    done: list[Watched]


@pytest.fixture(scope="module")
def ran(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    root = tmp_path_factory.mktemp("secrets")
    folder, printed = lakes.declare(root / "project"), root / "printed"
    printed.mkdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("LAKEHOUSE_")},
        **lakes.environment(root),
        **services.environment("secrets"),
        "LAKEHOUSE_PROJECT": str(folder),
        "LAKEHOUSE_DAGSTER_URI": services.postgres.create("secrets-dagster"),
        "LAKEHOUSE_HASH_KEY": KEY,
        "LAKEHOUSE_RETRIES": "1",
        "LAKEHOUSE_TIMEOUT": "5",
    }
    for dataset, files in lakes.OLD.items():
        for name, content in files.items():
            landing = environment["LAKEHOUSE_LANDING"]
            services.s3.files.pipe(f"{landing}/{dataset}/{name}", content)
    program = str(Path(sys.executable).with_name("lakehouse"))
    wrong = {**environment, "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": CANARY}
    asked = ((["run"], environment), (["doctor"], environment), (["--debug", "run"], wrong))
    done = [Watched([program, *words], settings, printed) for words, settings in asked]
    return Ran(root, environment, done)


def secrets_of(services: Services) -> tuple[str, ...]:
    return services.s3.secret, services.postgres.password, KEY, CANARY


@pytest.mark.long
def test_the_runs_did_what_they_are_for(ran: Ran) -> None:
    codes = [run.code for run in ran.done]
    assert codes == [0, 0, 1], [run.printed for run in ran.done]  # 1: Python's, of a traceback
    assert "Traceback" in ran.done[2].printed


@pytest.mark.long
def test_nothing_printed_holds_a_secret(ran: Ran, services: Services) -> None:
    for run in ran.done:
        assert [s for s in secrets_of(services) if s in run.printed] == []


@pytest.mark.long
def test_no_argument_of_a_child_process_holds_a_secret(ran: Ran, services: Services) -> None:
    arguments = " ".join(argument for run in ran.done for argument in run.arguments)
    assert "lakehouse" in arguments
    assert [s for s in secrets_of(services) if s in arguments] == []


@pytest.mark.long
def test_no_file_of_the_lake_holds_a_secret(ran: Ran, services: Services) -> None:
    assert any(ran.folder.rglob("*.duckdb")) or any(ran.folder.rglob("dagster.yaml"))
    assert kept(ran.folder, *secrets_of(services)) == []
    assert kept(services.s3.folder, *secrets_of(services)) == []


@pytest.mark.long
def test_no_row_of_a_database_holds_a_secret(ran: Ran, services: Services) -> None:
    """Dagster's events, run configuration and schedules, MLflow's store, the Iceberg catalog."""
    environment, looked_at = ran.environment, 0
    for name in ("CATALOG", "TRACKING", "DAGSTER"):
        connection = psycopg2.connect(environment[f"LAKEHOUSE_{name}_URI"])
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
                rows = "\n".join(str(row) for row in cursor.fetchall())
                looked_at += len(rows)
                assert [s for s in secrets_of(services) if s in rows] == [], table
        connection.close()
    assert looked_at > 1000
