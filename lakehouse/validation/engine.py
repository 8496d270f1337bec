"""Great Expectations' execution engine on DuckDB, for one partition or for all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
from great_expectations.execution_engine.sqlalchemy_execution_engine import (
    SqlAlchemyExecutionEngine,
)
from great_expectations.util import convert_to_json_serializable, get_sqlalchemy_selectable
from great_expectations.validator.metric_configuration import MetricConfigurationID

from lakehouse.contract import Partition
from lakehouse.validation.dialect import engine_on

MetricId = MetricConfigurationID
Row = tuple[Any, ...]
_EPOCH = date(1970, 1, 1)


class Cut:
    """How rows are told apart by partition.

    Args:
        partition: The contract's partition, or None for one whole.
        names: Partitions to judge.
    """

    def __init__(self, partition: Partition | None, names: Iterable[str]) -> None:
        self.partition = partition
        self.names = tuple(names)
        self._places: Mapping[int, str] = {}
        if partition is not None:
            self._places = {_place(partition, name): name for name in self.names}

    @property
    def label(self) -> sa.ColumnElement[Any] | None:
        """Number of a row's partition, or None where there is only one to judge.

        Partitions are counted from 1970: DuckDB groups by a whole number several times faster than
        by a date.
        """
        if self.partition is None or len(self.names) == 1:
            return None
        granularity: sa.ColumnElement[Any] = sa.literal_column(f"'{self.partition.granularity}'")
        return sa.func.datediff(granularity, _day(_EPOCH), sa.column(self.partition.column))

    def name(self, label: Any) -> str | None:
        """Returns the partition of a label; None if it is not to be judged."""
        return self.names[0] if self.label is None else self._places.get(label)

    def among(self, names: Sequence[str]) -> sa.ColumnElement[bool]:
        """Returns the rows of some partitions."""
        label, wanted = self.label, set(names)
        if label is None or self.partition is None:
            return self.judged()
        firsts = sorted(self.partition.bounds(name) for name in wanted)
        column: sa.ColumnElement[Any] = sa.column(self.partition.column)
        return sa.and_(
            column >= _day(firsts[0][0]),
            column < _day(firsts[-1][1]),
            label.in_([place for place, name in self._places.items() if name in wanted]),
        )

    def where(self, name: str) -> sa.ColumnElement[bool]:
        """Returns the rows of one partition as a range, so that files outside it are skipped."""
        if self.partition is None:
            return sa.true()
        column: sa.ColumnElement[Any] = sa.column(self.partition.column)
        start, end = self.partition.bounds(name)
        return sa.and_(column >= _day(start), column < _day(end))

    def judged(self) -> sa.ColumnElement[bool]:
        """Returns the rows to judge, as far as no label tells them apart."""
        return self.where(self.names[0]) if self.label is None else sa.true()


class DuckDBEngine(SqlAlchemyExecutionEngine):
    """Computes metrics on a relation of an open DuckDB connection.

    `aggregate` answers for all partitions in one query. Inside `within(name)` every metric of Great
    Expectations sees the rows of that partition and nothing else.

    Args:
        connection: The open DuckDB connection.
        relation: Name of a table or view in it.
        cut: How rows are told apart by partition.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str, cut: Cut) -> None:
        super().__init__(engine=engine_on(connection), create_temp_table=False)
        self.cut = cut
        self._relation = sa.quoted_name(relation, quote=True)
        self._batches: dict[str | None, SqlAlchemyBatchData] = {}
        self._load(None)

    def _load(self, name: str | None) -> None:
        """Makes one partition, or all of the relation, the rows that metrics see."""
        if name not in self._batches:
            rows = sa.select(sa.text("*")).select_from(sa.table(self._relation))
            self._batches[name] = SqlAlchemyBatchData(
                self,
                selectable=rows if name is None else rows.where(self.cut.where(name)),
                create_temp_table=False,
                source_table_name=self._relation,
            )
        self.load_batch_data(name or self._relation, self._batches[name])

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """Yields one connection that stays open: Great Expectations fetches rows after leaving."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Narrows every metric to one partition."""
        self._load(name)
        try:
            yield
        finally:
            self._load(None)

    def records(self, domain_kwargs: dict[str, Any]) -> Any:
        """Returns the rows a metric is about, to select from."""
        rows: Any = self.get_domain_records(domain_kwargs)
        return get_sqlalchemy_selectable(rows)

    def aggregate(self, records: Any, select: Sequence[Any]) -> Mapping[str, Row]:
        """Returns the aggregates of every partition to judge, in one query."""
        label = self.cut.label
        query = sa.select(*select).select_from(records)
        if label is None:
            return {self.cut.names[0]: self._rows(query.where(self.cut.judged()))[0]}
        found = self.by_partition(query.add_columns(label).group_by(label))
        if len(found) < len(self.cut.names):  # a condition may leave a partition without rows
            nothing = self._rows(query.where(sa.false()))[0]
            found = {name: found.get(name, nothing) for name in self.cut.names}
        return found

    def by_partition(self, query: Any) -> Mapping[str, Row]:
        """Returns the rows of a query whose last column is the label, without it."""
        named = ((self.cut.name(row[-1]), row[:-1]) for row in self._rows(query))
        return {name: row for name, row in named if name is not None}

    def _rows(self, query: Any) -> list[Row]:
        """Returns all rows of a query."""
        return [tuple(row) for row in self.execute_query(query).fetchall()]


def plain(value: Any) -> Any:
    """Returns a value from the database as JSON can hold it."""
    return convert_to_json_serializable(value)


def _place(partition: Partition, name: str) -> int:
    """Returns the number of a partition, counted from 1970 as DuckDB's datediff does."""
    first = partition.bounds(name)[0]
    if partition.granularity == "day":
        return (first - _EPOCH).days
    years = first.year - _EPOCH.year
    return years if partition.granularity == "year" else 12 * years + first.month - 1


def _day(day: date) -> sa.ColumnElement[Any]:
    """Returns a DATE constant."""
    return sa.literal_column(f"DATE '{day.isoformat()}'")
