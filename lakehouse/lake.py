"""One handle on a lake: its settings, declarations, catalog, files and books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from lakehouse import contract as contracts
from lakehouse.catalog import Catalog
from lakehouse.connection import connect
from lakehouse.contract import Contract
from lakehouse.errors import UnknownName
from lakehouse.ledger import Ledger
from lakehouse.locking import exclusive
from lakehouse.model_spec import ModelSpec
from lakehouse.settings import Settings
from lakehouse.storage import Storage


class Lake:
    """Everything a workflow needs; each part is opened when it is first used."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.load()
        self.storage = Storage(self.settings)
        self.catalog = Catalog(self.settings)
        self.ledger = Ledger(self.catalog)

    @cached_property
    def contracts(self) -> Mapping[str, Contract]:
        """The declared datasets by name, referenced ones first."""
        return contracts.load_all(self.settings.project / "assets" / "contracts")

    @cached_property
    def models(self) -> Mapping[str, ModelSpec]:
        """The declared models by name."""
        files = sorted((self.settings.project / "assets" / "models").glob("*.yaml"))
        specs = (ModelSpec.load(file) for file in files)
        return {spec.name: spec for spec in specs}

    def contract(self, dataset: str) -> Contract:
        """Returns the contract of a dataset.

        Raises:
            UnknownName: No contract declares it.
        """
        if dataset not in self.contracts:
            raise UnknownName("dataset", dataset, self.contracts)
        return self.contracts[dataset]

    def model(self, name: str) -> ModelSpec:
        """Returns the spec of a model.

        Raises:
            UnknownName: No file under assets/models declares it.
        """
        if name not in self.models:
            raise UnknownName("model", name, self.models)
        return self.models[name]

    def object_url(self, object: str) -> str:
        """Returns the URL of an object in bronze, wherever the lake has been moved to.

        Args:
            object: What the books call it: its path in the warehouse.
        """
        return f"{self.settings.warehouse}/{object}"

    @contextmanager
    def files_held(self) -> Iterator[None]:
        """Waits its turn; within, maintenance deletes nothing.

        For whoever is about to refer to files that lie there of old, and may be condemned.
        """
        asked = self.settings
        with exclusive(asked.home / "files.lock", asked.catalog_uri, asked.retries):
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lends a folder on the local disk for files that nobody needs afterwards."""
        root = self.settings.home / "tmp"
        root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="scratch-", dir=root) as folder:
            yield Path(folder)

    def connect(self, *, tables: bool = True, share: int = 1) -> duckdb.DuckDBPyConnection:
        """Returns a new DuckDB connection, for files only or for Iceberg `tables` as well.

        Args:
            tables: Whether Iceberg tables are read, too.
            share: How many connections share the machine at that moment.
        """
        return connect(self.settings, tables=tables, share=share)
