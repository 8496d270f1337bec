"""A sample in DuckDB: every cell as text, before anything is known of its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract.columns import NAME
from lakehouse.contract.parts import FileFormat
from lakehouse.drafting.dialect import Dialect, fit, names, sniff
from lakehouse.drafting.files import SampleFile
from lakehouse.drafting.staging import Staged, count_lines, stage_text, stage_whole
from lakehouse.errors import DraftRefused

TEXTS = "__texts"
"""The table with a row for each row of the sample: `__file`, its file's place, and the cells."""
_ROWS = 1_000_000
_FILES = 240
_LEAST_FILES = 12


@dataclass(frozen=True)
class Sample:
    """What was read.

    Attributes:
        files: The files that were read.
        listed: How many files there are.
        rows: Rows read.
        broken: Records that could not be split into the columns.
        whole: Whether all rows of all files were read.
        format: File format.
        encoding: Of text.
        dialect: Of delimited text, else None.
        labels: The columns as the files call them.
        names: The columns as the contract calls them.
        kinds: Types that the format itself gives, by name; `TEXT` where it gives none.
    """

    files: tuple[SampleFile, ...]
    listed: int
    rows: int
    broken: int
    whole: bool
    format: FileFormat
    encoding: str
    dialect: Dialect | None
    labels: tuple[str, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def positional(self) -> bool:
        """Whether the columns of delimited files are told by their place, not by a header."""
        return self.dialect is not None and not (self.dialect.header and fit(self.labels))


def load(
    connection: duckdb.DuckDBPyConnection, files: Sequence[SampleFile], folder: Path
) -> Sample:
    """Reads the files into `TEXTS`; of many files, or many rows, a part.

    Args:
        connection: Where the table is made.
        files: All files of the sample.
        folder: Scratch space.

    Raises:
        DraftRefused: They cannot be read, or do not have the same columns.
    """
    chosen = _spread(files, _affordable(files))
    budget = max(_ROWS // len(chosen), 1000)
    if chosen[0].format in ("csv", "tsv"):
        return _delimited(connection, chosen, len(files), folder, budget)
    return _self_describing(connection, chosen, len(files), folder, budget)


def _affordable(files: Sequence[SampleFile]) -> int:
    """Returns how many files are read: whole ones tell keys and periods better than parts of all.

    Estimated from the first one's lines and the sizes of the rest.
    """
    if files[0].format in ("json", "parquet"):
        return _FILES
    sizes = [file.path.stat().st_size for file in files]
    lines = count_lines(files[0], _ROWS) * sum(sizes) / len(sizes) / sizes[0]
    return min(max(int(_ROWS / lines), _LEAST_FILES), _FILES)


def _spread(files: Sequence[SampleFile], most: int) -> tuple[SampleFile, ...]:
    """Returns all files, or so many of them evenly spread, the first and the last among them."""
    if len(files) <= most:
        return tuple(files)
    places = sorted({round(n * (len(files) - 1) / (most - 1)) for n in range(most)})
    return tuple(files[place] for place in places)


def _delimited(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SampleFile],
    listed: int,
    folder: Path,
    budget: int,
) -> Sample:
    staged, encoding = stage_text(files, folder, budget)
    dialect = sniff(connection, staged, "\t" if files[0].format == "tsv" else None)
    positional = not (dialect.header and fit(dialect.labels))
    columns = names(dialect.labels, positional=positional)
    _create(connection, columns)
    broken = sum(
        _insert(connection, file, place, dialect, columns) for place, file in enumerate(staged)
    )
    rows = _count(connection, files[0])
    if broken > rows // 20:
        why = f"{broken:,} of its rows do not have the {len(columns)} columns of the first line"
        raise DraftRefused(files[0].key, why)
    whole = all(file.whole for file in staged) and len(files) == listed
    kinds = ("TEXT",) * len(columns)
    return Sample(
        tuple(files),
        listed,
        rows,
        broken,
        whole,
        files[0].format,
        encoding,
        dialect,
        dialect.labels,
        columns,
        kinds,
    )


def _create(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    cells = ", ".join(f"{quote_name(name)} VARCHAR" for name in columns)
    connection.execute(f"CREATE TABLE {TEXTS} (__file INTEGER, {cells})")


def _insert(
    connection: duckdb.DuckDBPyConnection,
    file: Staged,
    place: int,
    dialect: Dialect,
    columns: Sequence[str],
) -> int:
    """Adds the rows of one file; returns how many records could not be split."""
    order = dialect.orders[place] if dialect.header else dialect.labels
    by_label = dict(zip(dialect.labels, columns, strict=True)) if dialect.header else {}
    named = [by_label[label] for label in order] if by_label else list(columns)
    types = ", ".join(f"{quote_name(name)}: 'VARCHAR'" for name in named)
    cells = ", ".join(quote_name(name) for name in columns)
    connection.execute(
        f"INSERT INTO {TEXTS} SELECT {place}, {cells} FROM read_csv({quote_text(str(file.path))}, "
        f"columns={{{types}}}, auto_detect=false, header={str(dialect.header).lower()}, "
        f"skip={dialect.skip}, delim={quote_text(dialect.delimiter)}, "
        f"quote={quote_text(dialect.quote)}, escape={quote_text(dialect.quote)}, "
        "compression='none', store_rejects=true, max_line_size=16777216)"
    )
    found = connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()
    connection.execute("DROP TABLE reject_errors")
    connection.execute("DROP TABLE reject_scans")
    return int(found[0]) if found else 0


def _count(connection: duckdb.DuckDBPyConnection, file: SampleFile) -> int:
    found = connection.execute(f"SELECT count(*) FROM {TEXTS}").fetchone()
    rows = int(found[0]) if found else 0
    if not rows:
        raise DraftRefused(file.key, "it has a header and no rows; a contract needs examples")
    return rows


def _self_describing(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[SampleFile],
    listed: int,
    folder: Path,
    budget: int,
) -> Sample:
    """Reads JSON and Parquet, whose records name their columns."""
    if files[0].format == "ndjson":
        staged, encoding = stage_text(files, folder, budget, quote=b"\0")
    else:
        staged, encoding = stage_whole(files, folder), "utf-8"
    parquet = files[0].format == "parquet"
    try:
        kinds = _parquet_kinds(connection, staged) if parquet else _json_kinds(connection, staged)
        _check_names(files[0], tuple(kinds))
        _create(connection, tuple(kinds))
        for place, file in enumerate(staged):
            connection.execute(_rows_of(file, place, tuple(kinds), budget))
    except duckdb.Error as error:
        why = f"it cannot be read ({str(error).splitlines()[0][:160]})"
        raise DraftRefused(files[0].key, why) from error
    rows = _count(connection, files[0])
    cut = parquet or files[0].format == "json"
    whole = all(file.whole for file in staged) and len(files) == listed
    whole = whole and not (cut and rows >= budget)
    columns = tuple(kinds)
    return Sample(
        tuple(files),
        listed,
        rows,
        0,
        whole,
        files[0].format,
        encoding,
        None,
        columns,
        columns,
        tuple(kinds.values()),
    )


def _rows_of(file: Staged, place: int, columns: Sequence[str], budget: int) -> str:
    path = quote_text(str(file.path))
    if file.file.format == "parquet":
        cells = ", ".join(f"{quote_name(name)}::VARCHAR" for name in columns)
        return (
            f"INSERT INTO {TEXTS} SELECT {place}, {cells} FROM read_parquet({path}) LIMIT {budget}"
        )
    cells = ", ".join(f"json ->> {quote_text(_pointer(name))}" for name in columns)
    return f"INSERT INTO {TEXTS} SELECT {place}, {cells} FROM {_objects(file)} LIMIT {budget}"


def _objects(file: Staged) -> str:
    kind = "array" if file.file.format == "json" else "newline_delimited"
    path = quote_text(str(file.path))
    return f"read_json_objects({path}, format='{kind}', compression='uncompressed')"


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _json_kinds(connection: duckdb.DuckDBPyConnection, staged: Sequence[Staged]) -> dict[str, str]:
    """Returns the kinds of value under each key of the objects, in order of their appearance."""
    found: dict[str, set[str]] = {}
    for file in staged:
        keys = connection.execute(
            f"SELECT key, list(DISTINCT kind), min(place) AS first FROM ("
            f"SELECT unnest(json_keys(json)) AS key, generate_subscripts(json_keys(json), 1) AS "
            f"place, json_type(json, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS kind "
            f"FROM {_objects(file)}) GROUP BY key ORDER BY first, key"
        ).fetchall()
        for key, kinds, _ in keys:
            found.setdefault(str(key), set()).update(kind for kind in kinds if kind != "NULL")
    if not found:
        raise DraftRefused(staged[0].file.key, "it holds no objects with keys")
    return {key: _json_kind(kinds) for key, kinds in found.items()}


def _json_kind(kinds: set[str]) -> str:
    numbers = {"BIGINT", "UBIGINT", "DOUBLE"}
    if kinds and kinds <= numbers:
        return "NUMBER"
    if kinds and kinds <= {"ARRAY", "OBJECT"}:
        return "NESTED"
    return "BOOLEAN" if kinds == {"BOOLEAN"} else "STRING"


def _parquet_kinds(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[Staged]
) -> dict[str, str]:
    """Returns the types of the columns, which all files must have alike."""
    found: dict[str, str] = {}
    for file in staged:
        path = quote_text(str(file.path))
        rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall()
        kinds = {str(row[0]): str(row[1]) for row in rows}
        if found and kinds.keys() != found.keys():
            why = f"its columns are not those of {staged[0].file.key}"
            raise DraftRefused(file.file.key, why)
        if found and kinds != found:
            odd = next(name for name in kinds if kinds[name] != found[name])
            why = f"'{odd}' is {kinds[odd]}, in {staged[0].file.key} it is {found[odd]}"
            raise DraftRefused(file.file.key, why)
        found = kinds
    return found


def _check_names(file: SampleFile, columns: Sequence[str]) -> None:
    """Refuses names that no contract can give a column: here they cannot be told by place."""
    bad = next((name for name in columns if not NAME.fullmatch(name)), None)
    if bad is not None:
        why = f"'{bad[:60]}' cannot be the name of a column: letters, digits and _ only"
        raise DraftRefused(file.key, why)
    if not fit(columns):
        raise DraftRefused(file.key, "two of its columns differ only in upper and lower case")
