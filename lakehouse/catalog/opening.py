"""Opens the Iceberg catalog that the settings name: SQLite in the home, PostgreSQL, or REST."""

from __future__ import annotations

from pyiceberg.catalog.sql import SqlCatalog

from lakehouse import s3
from lakehouse.database import engine
from lakehouse.locking import exclusive
from lakehouse.settings import Settings

NAME = "lakehouse"


def open_catalog(settings: Settings) -> SqlCatalog:
    """Returns the catalog, its tables made if they are not there yet.

    Raises:
        ServiceFailed: The database does not answer.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    properties = {"uri": settings.catalog_uri, "warehouse": settings.warehouse}
    if settings.remote:
        properties |= s3.properties(settings)
    # two processes that make the catalog's tables at the same moment would trip over each other
    with exclusive(settings.home / "catalog.lock", settings.catalog_uri, settings.retries):
        return _Patient(settings, properties)


class _Patient(SqlCatalog):
    """A catalog whose database may be away for a moment."""

    def __init__(self, settings: Settings, properties: dict[str, str]) -> None:
        self._settings = settings
        super().__init__(NAME, **properties)

    def _init_catalog(self) -> None:
        self.engine.dispose()
        asked = self._settings
        self.engine = engine(asked.catalog_uri, retries=asked.retries, timeout=asked.timeout)
        super()._init_catalog()
