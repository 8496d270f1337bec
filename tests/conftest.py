"""What every test shares: no network, no telemetry, no lake but its own, steady properties."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# fixtures of a real S3 server and a real PostgreSQL, of what is written in a lake's files, and
# the count of faults that is printed last
pytest_plugins = ["servers", "traces", "tallying"]

# Tools read these when they are imported, so they are set before any test module is.
os.environ.update(
    DO_NOT_TRACK="true",
    DAGSTER_DISABLE_TELEMETRY="true",
    MLFLOW_DISABLE_TELEMETRY="true",
    GX_ANALYTICS_ENABLED="false",
    DBT_SEND_ANONYMOUS_USAGE_STATS="false",
)
for variable in [name for name in os.environ if name.startswith(("LAKEHOUSE_", "DAGSTER_HOME"))]:
    del os.environ[variable]

# No deadline: a shared machine is slow at times. The same examples in every run.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    """Stops a connection to any address but this machine's own."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
        raise ConnectionRefusedError(f"a test tried to reach {address}")


sys.addaudithook(_refuse_outside)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the switches that write golden files anew and that inject every fault."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write tests/golden anew, then look at the diff",
    )
    parser.addoption(
        "--torture",
        action="store_true",
        help="inject every fault, not a choice of them, and run the tests marked long",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves what takes minutes to `make torture`."""
    if not config.getoption("--torture"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="only in `make torture`"))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with the file of that name in tests/golden: `golden("graph.txt", text)`."""

    def compare(name: str, text: str) -> None:
        file = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"tests/golden/{name} is missing: run pytest --update-golden"
        assert text == file.read_text(encoding="utf-8"), "if it is meant: pytest --update-golden"

    return compare


@pytest.fixture(scope="session", autouse=True)
def _own_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps a test that forgets to name a lake away from the one in the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("lake")
        patch.setenv("LAKEHOUSE_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
