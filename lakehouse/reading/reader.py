"""The face that every file format has, and which module has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import duckdb

from lakehouse.contract import Contract
from lakehouse.contract.parts import FileFormat
from lakehouse.reading import csv, ndjson, parquet
from lakehouse.reading.source import Source
from lakehouse.reading.structure import Structure


class Reader(Protocol):
    """Reads files of one format: fast where they are clean, record by record where not.

    Both ways end in the same columns and the same values, so that the valid rows of a file do not
    depend on which was used.
    """

    def examine(self, source: Source, contract: Contract) -> Structure:
        """Reads a file once and returns its structure; memory does not grow with the file.

        Raises:
            UnreadableObject: It cannot be parsed at all, or has not the contract's columns.
        """

    def typed(self, contract: Contract, paths: Sequence[str], rejects: str) -> str:
        """Returns SQL that reads plain files with their types, in their own order.

        Columns: the contract's, `__parsed` (false if a cell has no value of its type) and
        `__place`, the file's place in `paths`, from 0. Records that do not parse at all are
        missing; `rejected` tells them after the query has run.

        Args:
            contract: The dataset.
            paths: The files.
            rejects: Name for what is kept about records that do not parse.
        """

    def rejected(
        self, connection: duckdb.DuckDBPyConnection, rejects: str
    ) -> Mapping[str, frozenset[int]]:
        """Returns the ordinals of the records that a typed read could not parse, by path.

        Forgets them. The first record is number 1.
        """

    def explained(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        source: Source,
        only: Collection[int] | None = None,
    ) -> str:
        """Registers the records of one file and returns SQL over them.

        Columns: the contract's (null where a cell has no value), `__line`, `__offset`, `__raw` and
        `__reasons`, the list of all that is wrong with the record, empty if nothing is.

        Args:
            connection: Where the records are registered.
            contract: The dataset.
            source: The file.
            only: Ordinals of the records wanted, in a file whose structure is `countable`; None
                means all.
        """


_READERS: Mapping[FileFormat, Reader] = {
    "csv": csv,
    "tsv": csv,
    "json": ndjson,
    "ndjson": ndjson,
    "parquet": parquet,
}


def reader(contract: Contract) -> Reader:
    """Returns the reader of the contract's file format."""
    return _READERS[contract.read.format]
