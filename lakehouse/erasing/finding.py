"""Finds a person's records in a delivered file, and says what the file is without them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.connection import quote_name
from lakehouse.erasing.cutting import cut, joined, without_lines
from lakehouse.erasing.packing import packed, unpacked
from lakehouse.erasing.person import Person
from lakehouse.errors import UnreadableObject
from lakehouse.lake import Lake
from lakehouse.reading import Source, Structure, reader, unpack
from lakehouse.reading.records import RECORDS
from lakehouse.reading.unpacking import compression

_REJECTS = "__rejects"
_THEIRS = "__theirs"


@dataclass(frozen=True)
class Cleaned:
    """A file without a person's records.

    Attributes:
        content: Its bytes.
        records: How many records went.
    """

    content: bytes
    records: int


class Finder:
    """Looks for one person in the files of one dataset."""

    def __init__(self, lake: Lake, connection: duckdb.DuckDBPyConnection, person: Person) -> None:
        """Prepares the search.

        Args:
            lake: The lake.
            connection: Used by nothing else.
            person: Who is looked for.
        """
        self._lake, self._connection, self._person = lake, connection, person
        self._contract = person.contract
        self._reader = reader(person.contract)
        person.tell(connection)
        self._match = f"coalesce({person.sql}, false)"
        self._key = [quote_name(name) for name in self._contract.key]
        if self.has_versions:
            columns = (f"{quote_name(n)} {self._contract.column(n).type}" for n in self.key)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {_THEIRS} ({', '.join(columns)})")
            theirs = f"SELECT {', '.join(self._key)} FROM {_THEIRS}"
            self._hit = (
                f"({self._match} OR coalesce(({', '.join(self._key)}) IN ({theirs}), false))"
            )
        else:
            self._hit = self._match

    @property
    def key(self) -> tuple[str, ...]:
        """The dataset's key."""
        return self._contract.key

    @property
    def has_versions(self) -> bool:
        """Whether a row may have versions that do not tell that they are the person's.

        If only the newest went, an older one with another value would come back.
        """
        return bool(self.key) and not self._person.values.keys() <= set(self.key)

    def note(self, url: str, source_key: str) -> None:
        """Notes the keys of the person's records in a file, so that all their versions go."""
        with self._lake.scratch() as scratch:
            try:
                source, structure = self._opened(url, source_key, scratch)
            except UnreadableObject:
                return
            if self._surely_none(source, structure):
                return
            query = self._reader.explained(self._connection, self._contract, source)
            self._connection.execute(
                f"INSERT INTO {_THEIRS} SELECT DISTINCT {', '.join(self._key)} "
                f"FROM ({query}) WHERE {self._match}"
            )

    def cleaned(self, url: str, source_key: str) -> Cleaned | None:
        """Returns a file without the person's records, None if it has none."""
        with self._lake.scratch() as scratch:
            try:
                source = self._unpacked(url, source_key, scratch)
            except UnreadableObject:
                return self._emptied(url, source_key)
            try:
                structure = self._reader.examine(source, self._contract)
            except UnreadableObject:
                return self._by_mention(url, source)
            if self._surely_none(source, structure):
                return None
            lines = self._lines(source)
            return self._without(url, source, lines) if lines else None

    def _opened(self, url: str, source_key: str, scratch: Path) -> tuple[Source, Structure]:
        source = self._unpacked(url, source_key, scratch)
        return source, self._reader.examine(source, self._contract)

    def _unpacked(self, url: str, source_key: str, scratch: Path) -> Source:
        return unpack(self._lake.storage, self._contract, url, source_key, scratch)

    def _surely_none(self, source: Source, structure: Structure) -> bool:
        """Whether the fast read finds all records in order, and none of the person's."""
        if not structure.plain or not structure.utf8:
            return False
        query = self._reader.typed(self._contract, [source.path], _REJECTS)
        found = self._connection.execute(
            f"SELECT count(*), count(*) FILTER ({self._hit} OR NOT coalesce(__parsed, false)) "
            f"FROM ({query})"
        ).fetchall()
        rejected = self._reader.rejected(self._connection, _REJECTS)
        return found == [(structure.records, 0)] and not any(rejected.values())

    def _lines(self, source: Source) -> set[int]:
        """Returns the lines of the person's records, also of those that cannot be divided."""
        query = self._reader.explained(self._connection, self._contract, source)
        unknown = " OR ".join(f"{quote_name(name)} IS NULL" for name in self._person.values)
        found = self._connection.execute(
            f"SELECT __line, {self._hit}, len(__reasons) > 0 AND ({unknown}) FROM ({query})"
        ).fetchall()
        lines = {int(line) for line, hit, _ in found if hit}
        doubtful = {int(line) for line, hit, doubt in found if doubt and not hit}
        return lines | (self._mentioning(doubtful) if doubtful else set())

    def _mentioning(self, lines: Collection[int]) -> set[int]:
        """Returns those of some broken records that mention the person."""
        if self._contract.read.format == "parquet":
            return set()
        raw = self._connection.execute(f"SELECT __line, __raw FROM {RECORDS}").fetchall()
        return {n for n, text in raw if n in lines and self._person.mentioned(text.encode())}

    def _without(self, url: str, source: Source, lines: Collection[int]) -> Cleaned:
        if self._contract.read.format == "parquet":
            return Cleaned(_rows_but(source.path, lines), len(lines))
        before = self._read(url)
        plain = self._plain(source, before)
        kept = cut(self._contract, plain, source.source_key, lines)
        return Cleaned(packed(self._contract, source.source_key, kept, before), len(lines))

    def _plain(self, source: Source, before: bytes) -> bytes:
        """Returns a text file in UTF-8, a JSON array as it was written."""
        if self._contract.read.format != "json":
            with source.open() as stream:
                return stream.read()
        found = unpacked(compression(self._contract, source.source_key), before)
        encoding = self._contract.read.encoding
        return found if encoding == "utf-8" else found.decode(encoding).encode()

    def _by_mention(self, url: str, source: Source) -> Cleaned | None:
        """Returns a file that is not what the contract says without what mentions the person."""
        before = self._read(url)
        if self._contract.read.format == "parquet":
            return self._rows_by_mention(source, before)
        plain = self._plain(source, before)
        if self._contract.read.format == "json" or not self._person.mentioned(plain):
            return self._emptied(url, source.source_key)
        listed = enumerate(plain.split(b"\n"), start=1)
        lines = [number for number, line in listed if self._person.mentioned(line)]
        kept = joined(plain, without_lines(plain, lines))
        if not lines or self._person.mentioned(kept):  # the mention runs over lines
            return self._emptied(url, source.source_key)
        return Cleaned(packed(self._contract, source.source_key, kept, before), len(lines))

    def _rows_by_mention(self, source: Source, before: bytes) -> Cleaned | None:
        try:
            rows = pq.read_table(source.path).to_pylist()
        except (pa.ArrowException, OSError, ValueError):
            return Cleaned(b"", 1) if self._person.mentioned(before) else None
        listed = enumerate(rows, start=1)
        lines = [n for n, row in listed if self._person.mentioned_in(row)]
        return Cleaned(_rows_but(source.path, lines), len(lines)) if lines else None

    def _emptied(self, url: str, source_key: str) -> Cleaned | None:
        """Returns no bytes at all for a file that mentions the person and cannot be taken apart."""
        content = self._read(url)
        kinds = dict.fromkeys((compression(self._contract, source_key), "gzip", "zstd", "zip"))
        texts = [content, *(unpacked(kind, content) for kind in kinds)]
        found = any(self._person.mentioned(text) for text in texts)
        return Cleaned(b"", 1) if found else None

    def _read(self, url: str) -> bytes:
        with self._lake.storage.open(url) as stream:
            return stream.read()


def _rows_but(path: str, lines: Collection[int]) -> bytes:
    """Returns a Parquet file without some of its rows, numbered from 1; its row groups stay."""
    sink = pa.BufferOutputStream()
    with pq.ParquetFile(path) as file:
        groups = file.metadata.num_row_groups
        codec = file.metadata.row_group(0).column(0).compression.lower() if groups else "snappy"
        codec = {"uncompressed": "none", "lz4_raw": "lz4"}.get(codec, codec)
        with pq.ParquetWriter(sink, file.schema_arrow, compression=cast(Any, codec)) as writer:
            at = 0
            for group in range(groups):
                table = file.read_row_group(group)
                kept = [at + place not in lines for place in range(1, len(table) + 1)]
                writer.write_table(_without_words(table.filter(pa.array(kept, pa.bool_()))))
                at += len(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _without_words(rows: pa.Table) -> pa.Table:
    """Returns rows the dictionaries of which have no word that no row has."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            plain = rows.column(place).cast(field.type.value_type).combine_chunks()
            rows = rows.set_column(place, field, plain.dictionary_encode().cast(field.type))
    return rows
