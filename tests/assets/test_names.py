"""Names of the lake as Dagster admits them."""

import dagster as dg
import pytest

from assets import names
from lakehouse.contract import Column


@pytest.mark.parametrize(
    ("owner", "shown"),
    [
        ("ops@example.org", ["ops@example.org"]),
        ("Flight Operations", ["team:flight-operations"]),
        ("team:data", ["team:data"]),
        ("", []),
    ],
)
def test_an_owner_is_an_address_or_a_team(owner: str, shown: list[str]) -> None:
    assert names.owners(owner) == shown


def test_names_of_checks_have_no_other_characters() -> None:
    assert names.identifier("distance between 17 and 4983") == "distance_between_17_and_4983"


@pytest.mark.parametrize(
    ("table", "name", "shown"),
    [
        ("flights", "expect_column_values_to_not_be_null__arr_delay", "arr_delay__not_null"),
        ("flights", "expect_table_row_count_to_be_between", "row_count_between"),
        ("flights", "expect_compound_columns_to_be_unique", "compound_columns_unique"),
        ("flights", "reference__origin__airports", "reference__origin__airports"),
        ("daily", "in_range_daily_flights__100__1", "flights__100__1__in_range"),
        ("daily", "late_rates_are_point_in_time", "late_rates_are_point_in_time"),
    ],
)
def test_a_check_is_named_by_what_it_is_about(table: str, name: str, shown: str) -> None:
    assert names.check(dg.AssetKey(["x", table]), name) == shown


def test_a_table_is_the_asset_of_its_two_parts() -> None:
    assert names.table_key("gold.flight_features") == dg.AssetKey(["gold", "flight_features"])
    assert names.key("gold/flight_features") == dg.AssetKey(["gold", "flight_features"])


def test_the_column_schema_tells_units_keys_and_nulls() -> None:
    columns = [Column("id", "BIGINT"), Column("air_time", "INTEGER", "In the air.", unit="min")]
    first, second = names.schema(columns, ("id",)).columns
    assert (first.constraints.nullable, first.constraints.other) == (False, ["part of the key"])
    assert second.description == "In the air. [min]"
    assert second.constraints.nullable
