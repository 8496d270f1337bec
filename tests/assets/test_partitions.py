"""Partitions have the engine's names, end with the clock, and are shared."""

from datetime import UTC, date, datetime

import pytest

from assets import partitions
from lakehouse.contract import Partition

MONTHS = Partition("day", "month", date(2013, 1, 1))
NOW = datetime(2014, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("granularity", "last"), [("day", "2013-12-31"), ("month", "2013-12"), ("year", "2013")]
)
def test_the_last_partition_is_the_one_that_the_clock_has_reached(granularity, last) -> None:
    cut = partitions.of(Partition("day", granularity, date(2013, 1, 1)), NOW)
    assert cut.get_partition_keys()[-1] == last


def test_a_clock_within_a_month_has_reached_that_month() -> None:
    cut = partitions.of(MONTHS, datetime(2013, 4, 2, tzinfo=UTC))
    assert cut.get_partition_keys() == ["2013-01", "2013-02", "2013-03", "2013-04"]


def test_without_a_clock_the_present_month_is_the_last() -> None:
    keys = partitions.of(MONTHS, None).get_partition_keys(current_time=datetime(2013, 3, 9))
    assert keys == ["2013-01", "2013-02", "2013-03"]


def test_datasets_of_one_cadence_share_one_object() -> None:
    assert partitions.of(MONTHS, NOW) is partitions.of(Partition("x", "month", MONTHS.start), NOW)


def test_neighbours_share_a_run() -> None:
    cut = partitions.of(MONTHS, NOW)
    tags = partitions.ranges(cut, ("2013-01", "2013-02", "2013-04"))
    assert tags == [
        {
            "dagster/asset_partition_range_start": "2013-01",
            "dagster/asset_partition_range_end": "2013-02",
        },
        {"dagster/partition": "2013-04"},
    ]


@pytest.mark.parametrize("wanted", [(), ("2031-05",), ("2013-01", "2031-05")])
def test_partitions_beyond_the_definition_are_left_to_the_engine(wanted) -> None:
    assert partitions.ranges(partitions.of(MONTHS, NOW), wanted) == [{}]
