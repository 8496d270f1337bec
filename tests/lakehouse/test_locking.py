"""One at a time: on one machine by a file, on several by the database they share."""

import threading
import time
from pathlib import Path

import pytest
from servers import Postgres, free_port
from sqlalchemy import text

from lakehouse.database import engine
from lakehouse.errors import ServiceFailed
from lakehouse.locking import exclusive


def overtaken(first: tuple[Path, str], second: tuple[Path, str]) -> bool:
    """Whether the second gets in while the first is inside."""
    entered = threading.Event()

    def enter() -> None:
        with exclusive(*second):
            entered.set()

    with exclusive(*first):
        thread = threading.Thread(target=enter)
        thread.start()
        early = entered.wait(0.5)
    thread.join(timeout=30)
    assert entered.is_set()
    return early


def test_two_machines_that_share_a_database_take_turns(postgres: Postgres, tmp_path: Path) -> None:
    uri = postgres.create("turns").replace("postgresql:", "postgresql+psycopg2:")
    here, there = tmp_path / "a" / "making.lock", tmp_path / "b" / "making.lock"
    assert not overtaken((here, uri), (there, uri))
    assert overtaken((here, uri), (there.with_name("other.lock"), uri))


def test_on_one_machine_a_file_is_enough(tmp_path: Path) -> None:
    file, uri = tmp_path / "making.lock", f"sqlite:///{tmp_path}/books.db"
    assert not overtaken((file, uri), (file, uri))
    assert overtaken((file, uri), (tmp_path / "other.lock", uri))


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    uri = f"postgresql+psycopg2://ann:canary@127.0.0.1:{free_port()}/books"
    refused = pytest.raises(ServiceFailed, match=r"127\.0\.0\.1.*refused")
    with refused as failed, exclusive(tmp_path / "making.lock", uri):
        pass
    assert failed.value.exit_code == 3
    assert "canary" not in str(failed.value)


def test_it_is_asked_as_often_as_the_settings_say(tmp_path: Path) -> None:
    uri = f"postgresql+psycopg2://ann@127.0.0.1:{free_port()}/books"
    began = time.monotonic()
    with pytest.raises(ServiceFailed), exclusive(tmp_path / "making.lock", uri, 0):
        pass
    assert time.monotonic() - began < 0.5


def test_work_that_is_done_is_not_lost_with_the_connection(
    postgres: Postgres, tmp_path: Path
) -> None:
    uri = postgres.create("cut").replace("postgresql:", "postgresql+psycopg2:")
    done = False
    with exclusive(tmp_path / "making.lock", uri):
        with engine(uri, pooled=False).connect() as other:
            other.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        done = True
    assert done
