"""The Iceberg shape of a dataset's two tables, and the filters that cut them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date

from pyiceberg.expressions import (
    AlwaysFalse,
    AlwaysTrue,
    And,
    BooleanExpression,
    GreaterThanOrEqual,
    In,
    LessThan,
    Or,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    DayTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    YearTransform,
)
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from lakehouse.contract import Contract, Partition
from lakehouse.results import UNASSIGNED

_TYPES: dict[str, IcebergType] = {
    "VARCHAR": StringType(),
    "BOOLEAN": BooleanType(),
    "SMALLINT": IntegerType(),
    "INTEGER": IntegerType(),
    "BIGINT": LongType(),
    "FLOAT": FloatType(),
    "DOUBLE": DoubleType(),
    "DATE": DateType(),
    "TIME": TimeType(),
    "TIMESTAMP": TimestampType(),
    "TIMESTAMPTZ": TimestamptzType(),
}
_CUTS: dict[str, Transform] = {  # type: ignore[type-arg]
    "day": DayTransform(),
    "month": MonthTransform(),
    "year": YearTransform(),
}
_QUARANTINE = Schema(
    NestedField(1, "dataset", StringType(), required=False),
    NestedField(2, "delivery", LongType(), required=False),
    NestedField(3, "partition", StringType(), required=False),
    NestedField(4, "source_key", StringType(), required=False),
    NestedField(5, "line", LongType(), required=False),
    NestedField(6, "byte_offset", LongType(), required=False),
    NestedField(7, "raw", StringType(), required=False),
    NestedField(8, "rules", ListType(11, StringType(), element_required=False), required=False),
    NestedField(9, "contract_version", StringType(), required=False),
    NestedField(10, "run", StringType(), required=False),
)


def silver_schema(contract: Contract) -> Schema:
    """Returns the schema of the published table."""
    fields = (
        NestedField(
            place, column.name, _type(column.published_type), required=False, doc=column.description
        )
        for place, column in enumerate(contract.published, start=1)
    )
    return Schema(*fields)


def silver_spec(contract: Contract) -> PartitionSpec:
    """Returns the partitioning of the published table."""
    if contract.partition is None:
        return UNPARTITIONED_PARTITION_SPEC
    names = [column.name for column in contract.published]
    column, cut = contract.partition.column, contract.partition.granularity
    # a partition field may not take the name of a column
    return PartitionSpec(
        PartitionField(names.index(column) + 1, 1000, _CUTS[cut], f"{column}_{cut}")
    )


def quarantine_schema() -> Schema:
    """Returns the schema of every quarantine table."""
    return _QUARANTINE


def quarantine_spec() -> PartitionSpec:
    """Returns the partitioning of every quarantine table: one file per partition and delivery."""
    return PartitionSpec(
        PartitionField(3, 1000, IdentityTransform(), "by_partition"),
        PartitionField(2, 1001, IdentityTransform(), "by_delivery"),
    )


def silver_rows(contract: Contract, partitions: Collection[str]) -> BooleanExpression:
    """Returns the filter of all rows of some partitions."""
    if contract.partition is None:
        return AlwaysTrue() if partitions else AlwaysFalse()
    kind = contract.column(contract.partition.column).type
    spans = _spans(contract.partition, partitions)
    return _any([_between(contract.partition.column, kind, *span) for span in spans])


def quarantine_rows(partitions: Collection[str], unassigned: Collection[int]) -> BooleanExpression:
    """Returns the filter of broken rows of some partitions, and of deliveries' unassigned rows."""
    parts: list[BooleanExpression] = []
    if partitions:
        parts.append(_in("partition", partitions))
    if unassigned:
        parts.append(And(_in("partition", [UNASSIGNED]), _in("delivery", unassigned)))
    return _any(parts)


def _in(column: str, values: Collection[str] | Collection[int]) -> BooleanExpression:
    return In(term=column, literals=set(values))


def _any(parts: list[BooleanExpression]) -> BooleanExpression:
    if len(parts) < 2:
        return parts[0] if parts else AlwaysFalse()
    return Or(*parts)


def _spans(partition: Partition, names: Iterable[str]) -> list[tuple[date, date]]:
    """Bounds of partitions, neighbours joined, so that a filter over hundreds stays short."""
    spans: list[tuple[date, date]] = []
    for first, after in sorted(partition.bounds(name) for name in names):
        if spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], after)
        else:
            spans.append((first, after))
    return spans


def _between(column: str, kind: str, first: date, after: date) -> BooleanExpression:
    tail = {"TIMESTAMPTZ": "T00:00:00+00:00", "TIMESTAMP": "T00:00:00"}.get(kind, "")
    return And(
        GreaterThanOrEqual(term=column, value=f"{first}{tail}"),
        LessThan(term=column, value=f"{after}{tail}"),
    )


def _type(duckdb: str) -> IcebergType:
    if found := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", duckdb):
        return DecimalType(int(found[1]), int(found[2]))
    return _TYPES[duckdb]
