"""All tables of MLflow's store as lines of JSON, and back, whichever database it is in.

The lines of equal stores are equal: tables and rows come in the order of their keys.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    delete,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)

from lakehouse.database import engine
from lakehouse.errors import UsageError

_VERSION = "alembic_version"
_BATCH = 1000
Row = tuple[str, dict[str, Any]]
"""Name of the table, and the row's cells by column."""


def dump(uri: str) -> Iterator[str]:
    """Yields every row of the store, all as of one moment; nothing where there is no store yet."""
    if not _is_there(uri):
        return
    with _connected(uri) as connection:
        _begin(connection)
        for table in _tables(connection).values():
            order = list(table.primary_key.columns) or list(table.columns)
            rows = connection.execution_options(yield_per=_BATCH).execute(
                select(table).order_by(*order)
            )
            for row in rows.mappings():
                cells = {name: _told(value) for name, value in row.items() if value is not None}
                yield json.dumps([table.name, cells], sort_keys=True, ensure_ascii=False)


def relocated(lines: Iterable[str], moved: Callable[[str], str]) -> Iterator[str]:
    """Yields lines of `dump` with every text replaced by what `moved` makes of it."""
    for line in lines:
        name, cells = json.loads(line)
        found = {k: moved(v) if isinstance(v, str) else v for k, v in cells.items()}
        yield json.dumps([name, found], sort_keys=True, ensure_ascii=False)


def load(uri: str, lines: Iterable[str]) -> None:
    """Makes `lines` all that the store holds, in one transaction.

    Args:
        uri: A store that MLflow has made its tables in.
        lines: What `dump` gave of another.

    Raises:
        UsageError: The lines are of another version of MLflow's tables; nothing was changed.
    """
    with _connected(uri) as connection, connection.begin():
        tables = _tables(connection)
        rows = (_row(line) for line in lines)
        for table in reversed(tables.values()):
            if table.name != _VERSION:
                connection.execute(delete(table))
        waiting: dict[str, list[dict[str, Any]]] = {}
        for name, found in groupby(rows, key=lambda row: row[0]):
            if name not in tables:
                raise _of_another_version(name)
            waiting[name] = [cells for _, cells in found]
        if waiting:
            _check_version(connection, tables, waiting.pop(_VERSION, []))
        for name, table in tables.items():
            _fill(connection, table, waiting.get(name, []))


def is_used(uri: str) -> bool:
    """Returns whether a store holds any run or model."""
    names = (json.loads(line)[0] for line in dump(uri))
    return any(name in ("runs", "registered_models") for name in names)


def _fill(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    columns = {column.name: None for column in table.columns}
    for start in range(0, len(rows), _BATCH):
        batch = [{**columns, **cells} for cells in rows[start : start + _BATCH]]
        connection.execute(insert(table), batch)
    if connection.dialect.name == "postgresql":
        for column in table.columns:
            _count_on(connection, table, column)


def _count_on(connection: Connection, table: Table, column: Column[Any]) -> None:
    """Has PostgreSQL number new rows after those that are there; SQLite does so by itself."""
    if not column.autoincrement or column not in set(table.primary_key.columns):
        return
    asked = text("SELECT pg_get_serial_sequence(:table, :column)")
    sequence = connection.execute(asked, {"table": f'"{table.name}"', "column": column.name})
    name = sequence.scalar()
    if name:
        most = connection.execute(select(func.max(column))).scalar()
        following = text("SELECT setval(CAST(:name AS regclass), :value, :called)")
        connection.execute(following, {"name": name, "value": most or 1, "called": bool(most)})


def _check_version(
    connection: Connection, tables: dict[str, Table], rows: list[dict[str, Any]]
) -> None:
    found = [dict(row) for row in connection.execute(select(tables[_VERSION])).mappings()]
    if rows != found:
        raise _of_another_version(", ".join(str(row) for row in rows))


def _of_another_version(what: str) -> UsageError:
    return UsageError(
        f"The models were not taken over: they were kept by another version of MLflow ({what}). "
        "Nothing was changed. Install the version of MLflow that kept them, and try again."
    )


@contextmanager
def _connected(uri: str) -> Iterator[Connection]:
    opened = engine(uri, pooled=False)
    try:
        with opened.connect() as connection:
            yield connection
    finally:
        opened.dispose()


def _begin(connection: Connection) -> None:
    """Has every later read see the same moment."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _is_there(uri: str) -> bool:
    url = make_url(uri)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    with _connected(uri) as connection:
        return bool(inspect(connection).has_table(_VERSION))


def _tables(connection: Connection) -> dict[str, Table]:
    """Returns the tables by name, those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables}


def _row(line: str) -> Row:
    name, cells = json.loads(line)
    return name, {column: _meant(value) for column, value in cells.items()}


def _told(value: object) -> object:
    """Returns a cell as JSON has it; what JSON lacks is told as an object with one key."""
    match value:
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"time": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case dict() | list():
            return {"json": value}
        case _:
            return value


def _meant(value: object) -> object:
    """Returns the cell that `_told` was given."""
    match value:
        case {"bytes": str(packed)}:
            return base64.b64decode(packed)
        case {"time": str(moment)}:
            return datetime.fromisoformat(moment)
        case {"date": str(day)}:
            return date.fromisoformat(day)
        case {"json": found}:
            return found
        case _:
            return value
