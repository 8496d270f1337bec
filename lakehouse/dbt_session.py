"""What dbt's own DuckDB connection needs; dbt-duckdb finds it by the name in profiles.yml.

The credentials of S3 go straight from the AWS chain into that connection: through no variable, no
file and no SQL that dbt would log.
"""

from __future__ import annotations

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from lakehouse.connection import equip
from lakehouse.settings import Settings


class Plugin(BasePlugin):
    """Prepares the connection before dbt's first statement."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Loads the extensions and tells where S3 is."""
        equip(conn, Settings.load())
