"""What a delivery means: merged by key, replaced by its next version, or the whole table."""

from typing import Any

TRIPS = "id,start,price,city\n"
READINGS = "station,time,temp\n"
CITIES = "name,people\n"


def prices(lake: Any) -> dict[int, float | None]:
    return dict(lake.rows("silver.trips", "id", "price"))


def temperatures(lake: Any) -> dict[str, float]:
    return dict(lake.rows("silver.readings", "station", "temp"))


def trip(number: int, price: object, day: str = "2013-01-05") -> str:
    return f"{number},{day}T10:00:00Z,{price},Bonn\n"


def reading(station: str, temp: object, day: str = "2013-01-05") -> str:
    return f"{station},{day}T12:00:00Z,{temp}\n"


def test_incremental_keeps_the_rows_of_all_deliveries(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10), "a.csv")
    data_lake.put("trips", TRIPS + trip(2, 20), "b.csv")
    assert prices(data_lake) == {1: 10, 2: 20}


def test_incremental_shows_the_last_delivered_version_of_a_key(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10), "z.csv")
    data_lake.put("trips", TRIPS + trip(1, 20), "a.csv")
    assert prices(data_lake) == {1: 20}
    assert data_lake.accounts("trips") == {
        ("2013-01", 1): (0, 0, 0, 1),
        ("2013-01", 2): (1, 0, 0, 0),
    }


def test_deliveries_that_come_at_once_count_in_their_order(data_lake: Any) -> None:
    for name, price in (("b.csv", 10), ("c.csv", 20), ("a.csv", 30)):
        data_lake.land("trips", TRIPS + trip(1, price), name)
    data_lake.refresh("trips")
    assert prices(data_lake) == {1: 30}


def test_a_newer_broken_version_does_not_displace_an_older_valid_one(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10))
    data_lake.put("trips", TRIPS + trip(1, 999) + trip(2, 20), "b.csv")
    assert prices(data_lake) == {1: 10, 2: 20}
    assert data_lake.rows("quarantine.trips", "delivery", "rules") == [
        (2, ["price between 0 and 500"])
    ]


def test_the_last_of_equal_keys_in_one_file_is_published(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10) + trip(2, 5) + trip(1, 20) + trip(1, 30))
    assert prices(data_lake) == {1: 30, 2: 5}
    assert data_lake.accounts("trips") == {("2013-01", 1): (2, 0, 2, 0)}


def test_the_last_of_equal_keys_in_a_dirty_file_is_published(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10) + trip(2, "x") + trip(1, 30))
    assert prices(data_lake) == {1: 30}
    assert data_lake.accounts("trips") == {("2013-01", 1): (1, 1, 1, 0)}


def test_replace_supersedes_the_file_of_the_same_name(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", 1) + reading("B", 2))
    data_lake.put("readings", READINGS + reading("A", 3))
    assert temperatures(data_lake) == {"A": 3}


def test_replace_leaves_files_of_other_names(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", 1), "a.csv")
    data_lake.put("readings", READINGS + reading("B", 2), "b.csv")
    assert temperatures(data_lake) == {"A": 1, "B": 2}


def test_replace_takes_the_rows_of_months_that_the_new_version_lacks(data_lake: Any) -> None:
    data_lake.put("readings", READINGS + reading("A", 1) + reading("B", 2, "2013-02-05"))
    data_lake.put("readings", READINGS + reading("A", 1))
    assert temperatures(data_lake) == {"A": 1}


def test_after_a_b_a_the_last_a_is_published_under_replace(data_lake: Any) -> None:
    a, b = READINGS + reading("A", 1), READINGS + reading("A", 2)
    for content in (a, b, a):
        data_lake.put("readings", content)
    assert temperatures(data_lake) == {"A": 1}
    assert list(data_lake.accounts("readings")) == [("2013-01", 3)]


def test_full_shows_the_newest_file_alone(data_lake: Any) -> None:
    data_lake.put("cities", CITIES + "Bonn,3\nKiel,2\n", "a.csv")
    data_lake.put("cities", CITIES + "Bonn,4\n", "b.csv")
    assert data_lake.rows("silver.cities") == [("Bonn", 4)]


def test_an_empty_full_delivery_is_refused(data_lake: Any) -> None:
    data_lake.put("cities", CITIES + "Bonn,3\n")
    assert "the partition has no rows" in data_lake.put("cities", CITIES).refusals()[0]
    assert data_lake.rows("silver.cities") == [("Bonn", 3)]


def test_an_empty_full_delivery_empties_the_table_once_accepted(data_lake: Any) -> None:
    data_lake.put("cities", CITIES + "Bonn,3\n")
    data_lake.put("cities", CITIES)
    data_lake.decide("accepted", 2)
    data_lake.refresh("cities")
    assert data_lake.rows("silver.cities") == []
    assert data_lake.state("cities").stale == {}


def test_withdrawing_the_newest_full_file_brings_the_one_before_back(data_lake: Any) -> None:
    data_lake.put("cities", CITIES + "Bonn,3\n")
    data_lake.put("cities", CITIES + "Bonn,4\n")
    data_lake.decide("withdrawn", 2)
    data_lake.refresh("cities")
    assert data_lake.rows("silver.cities") == [("Bonn", 3)]


def test_withdrawing_takes_rows_out_and_keeps_the_object(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10), "a.csv")
    delivery = data_lake.land("trips", TRIPS + trip(2, 20), "b.csv").deliveries[0]
    data_lake.refresh("trips")
    data_lake.decide("withdrawn", 2)
    data_lake.refresh("trips")
    assert prices(data_lake) == {1: 10}
    assert data_lake.lake.storage.exists(data_lake.lake.object_url(delivery.object))


def test_withdrawing_the_winner_of_a_key_shows_the_version_before(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10), "a.csv")
    data_lake.put("trips", TRIPS + trip(1, 20), "b.csv")
    data_lake.decide("withdrawn", 2)
    data_lake.refresh("trips")
    assert prices(data_lake) == {1: 10}


def test_withdrawing_the_only_delivery_empties_the_partition(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10) + trip(2, 999))
    data_lake.decide("withdrawn", 1)
    data_lake.refresh("trips")
    assert data_lake.rows("silver.trips") == []
    assert data_lake.rows("quarantine.trips") == []
    assert data_lake.state("trips").stale == {}


def test_only_the_partitions_asked_for_are_brought_up_to_date(data_lake: Any) -> None:
    data_lake.land("trips", TRIPS + trip(1, 10) + trip(2, 20, "2013-02-05"))
    result = data_lake.refresh("trips", ["2013-02"])
    assert prices(data_lake) == {2: 20}
    assert [outcome.name for outcome in result.outcomes] == ["2013-02"]
    assert list(data_lake.state("trips").stale) == ["2013-01"]


def test_a_second_refresh_adds_no_snapshot_and_says_so(data_lake: Any) -> None:
    data_lake.put("trips", TRIPS + trip(1, 10))
    before = data_lake.snapshots()
    assert data_lake.refresh("trips").summary() == "silver/trips: up to date"
    assert data_lake.snapshots() == before


def test_a_refresh_of_nothing_shows_an_empty_table(data_lake: Any) -> None:
    assert data_lake.refresh("trips").summary() == "silver/trips: up to date"
    assert data_lake.rows("silver.trips") == []


def test_the_summary_counts_what_became_of_the_rows(data_lake: Any) -> None:
    result = data_lake.put("trips", TRIPS + trip(1, 10) + trip(1, 20) + trip(2, 999))
    assert result.summary() == "silver/trips: 1 row in 1 partition published, 1 quarantined"
    assert (result.facts()["duplicates"], result.facts()["superseded"]) == (1, 0)
