"""The servers that the tests of service mode run on."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from servers import Services


def test_a_lake_has_buckets_and_databases_of_its_own(services: Services) -> None:
    first, second = services.environment(), services.environment()
    bucket = first["LAKEHOUSE_LANDING"]
    services.s3.files.pipe(f"{bucket}/a.csv", b"id\n1\n")
    assert services.s3.files.cat(f"{bucket}/a.csv") == b"id\n1\n"
    shared = {name for name in first if first[name] == second[name]}
    assert shared == {"LAKEHOUSE_S3_ENDPOINT", *services.s3.environment}
    psycopg2.connect(first["LAKEHOUSE_CATALOG_URI"]).close()


def test_a_stranger_is_refused(services: Services) -> None:
    bucket = services.environment()["LAKEHOUSE_LANDING"]
    stranger = services.s3.files
    stranger.secret = "wrong"
    with pytest.raises(PermissionError):
        stranger.pipe(f"{bucket}/a.csv", b"")
    uri = services.postgres.uri().replace(services.postgres.password, "wrong")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(uri)


def test_a_lake_on_services_takes_in_a_file(make_service_lake: Callable[..., Any]) -> None:
    lake = make_service_lake("cities")
    lake.put("cities", "name,people\nUtrecht,5\n")
    assert lake.rows("silver.cities", "name", "people") == [("Utrecht", 5)]
    assert not (lake.folder / ".lake" / "catalog.db").exists()
