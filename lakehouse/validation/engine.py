"""Great Expectations' execution engine on DuckDB, for one partition or for all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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


class Cut:
    """How rows are told apart by partition.

    Args:
        partition: The contract's partition, or None for one whole.
        names: Partitions to judge.
    """

    def __init__(self, partition: Partition | None, names: Iterable[str]) -> None:
        self.partition = partition
        self.names = tuple(names)

    @property
    def label(self) -> sa.ColumnElement[Any] | None:
        """First moment of a row's partition, or None where there is only one to judge."""
        if self.partition is None or len(self.names) == 1:
            return None
        return sa.func.date_trunc(
            sa.literal_column(f"'{self.partition.granularity}'"), sa.column(self.partition.column)
        )

    def name(self, label: Any) -> str | None:
        """Returns the partition of a label; None if it is not to be judged."""
        if self.label is None:
            return self.names[0]
        if label is None or self.partition is None:
            return None
        name = str(label.strftime(self.partition.pattern))
        return name if name in self.names else None

    def where(self, name: str) -> sa.ColumnElement[bool]:
        """Returns the rows of one partition as a range, so that files outside it are skipped."""
        if self.partition is None:
            return sa.true()
        column: sa.ColumnElement[Any] = sa.column(self.partition.column)
        start, end = self.partition.bounds(name)
        return sa.and_(column >= _day(start.isoformat()), column < _day(end.isoformat()))

    def judged(self) -> sa.ColumnElement[bool]:
        """Returns the rows to judge, as far as no label tells them apart."""
        return self.where(self.names[0]) if self.label is None else sa.true()


class DuckDBEngine(SqlAlchemyExecutionEngine):
    """Computes metrics on a relation of an open DuckDB connection.

    While `only` is None, bundled metrics are computed for all partitions in one query and each
    value is a mapping from partition to value; the rest must not be asked for. Inside
    `within(name)` every metric sees the rows of that partition and nothing else.

    Args:
        connection: The open DuckDB connection.
        relation: Name of a table or view in it.
        cut: How rows are told apart by partition.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str, cut: Cut) -> None:
        super().__init__(engine=engine_on(connection), create_temp_table=False)
        self.cut = cut
        self.only: str | None = None
        self._relation = sa.quoted_name(relation, quote=True)
        self._load(None)

    def _load(self, name: str | None) -> None:
        """Makes one partition, or all of the relation, the rows that metrics see."""
        self.only = name
        rows = sa.select(sa.text("*")).select_from(sa.table(self._relation))
        data = SqlAlchemyBatchData(
            self,
            selectable=rows if name is None else rows.where(self.cut.where(name)),
            create_temp_table=False,
            source_table_name=self._relation,
        )
        self.load_batch_data(name or self._relation, data)

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

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[Any]) -> dict[MetricId, Any]:
        """Computes bundled metrics, for all partitions at once unless within one."""
        if self.only is not None:
            return dict(super().resolve_metric_bundle(metric_fn_bundle))
        values: dict[MetricId, dict[str, object]] = {}
        for query in self._organize_metrics_by_domain(metric_fn_bundle):
            records = self.records(query["domain_kwargs"])
            by_partition = self.aggregate(records, query["select"])
            for position, metric in enumerate(query["metric_ids"]):
                values[metric] = {name: plain(row[position]) for name, row in by_partition.items()}
        return dict(values)

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


def row_counts(engine: DuckDBEngine) -> Mapping[str, int]:
    """Returns the number of rows of every partition to judge."""
    counted = engine.aggregate(engine.records({}), [sa.func.count()])
    return {name: int(row[0]) for name, row in counted.items()}


def plain(value: Any) -> Any:
    """Returns a value from the database as JSON can hold it."""
    return convert_to_json_serializable(value)


def _day(text: str) -> sa.ColumnElement[Any]:
    """Returns a DATE constant."""
    return sa.literal_column(f"DATE '{text}'")
