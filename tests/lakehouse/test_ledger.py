"""The books: numbered by the commit, never lost, read at one moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.catalog import Catalog
from lakehouse.ledger import (
    Account,
    Build,
    Claim,
    Decision,
    Delivery,
    Entry,
    Inspection,
    Ledger,
)
from lakehouse.settings import Settings

NOW = datetime(2014, 1, 1, tzinfo=UTC)
DELIVERY = Delivery(1, "trips", "file:///o", "5ha", 7, "a.csv", "e", NOW)
INSPECTION = Inspection("trips", "5ha", "f1", "2013-01", 3, "")
DECISION = Decision(1, "trips", 1, "refused", "", "f1", 3, "Too broken.", "audit", NOW)
CLAIM = Claim("trips", 1, "file:///s", "b17e", "a.json", "e", '{"rows": "3"}', "")
ACCOUNT = Account("trips", "2013-01", 2**62, 4, "f1", "1.0.0", 1, 1, 4, 1, 1, 1, 1, "{}")
BUILD = Build(1, "gold", "f", "{}", "{}")


@pytest.fixture
def open_ledger(tmp_path: Path) -> Callable[[], Ledger]:
    """Opens the same books again, as another process would."""
    return lambda: Ledger(Catalog(Settings.load({"LAKEHOUSE_HOME": str(tmp_path)})))


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    return open_ledger()


def one(source_key: str) -> Callable[[int], list[Delivery]]:
    return lambda number: [replace(DELIVERY, number=number, source_key=source_key)]


def test_a_new_lake_has_empty_books(ledger: Ledger) -> None:
    books = ledger.read()
    assert (books.deliveries, books.decisions, books.accounts) == ((), (), ())


@pytest.mark.parametrize("entry", [DELIVERY, INSPECTION, DECISION, CLAIM, ACCOUNT, BUILD])
def test_an_entry_is_read_as_it_was_written(
    ledger: Ledger, open_ledger: Callable[[], Ledger], entry: Entry
) -> None:
    ledger.append([entry])
    books = open_ledger().read()
    found = [getattr(books, column.name) for column in fields(books) if column.name != "refs"]
    assert [entries for entries in found if entries] == [(entry,)]


def test_numbers_go_on_where_the_last_commit_ended(ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        ledger.number(Delivery, one(name))
    assert [(d.number, d.source_key) for d in ledger.read().delivered("trips")] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]


def test_numbers_are_unique_among_concurrent_writers(open_ledger: Callable[[], Ledger]) -> None:
    open_ledger().table(Delivery)

    def write(name: str) -> None:
        open_ledger().number(Delivery, one(name))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcdefgh"))
    found = open_ledger().read().delivered("trips")
    assert [entry.number for entry in found] == list(range(1, 9))
    assert {entry.source_key for entry in found} == set("abcdefgh")


def test_appends_of_concurrent_writers_are_all_kept(open_ledger: Callable[[], Ledger]) -> None:
    open_ledger().table(Inspection)

    def write(rows: int) -> None:
        open_ledger().append([replace(INSPECTION, records=rows)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    assert sorted(i.records for i in open_ledger().read().inspections) == list(range(8))


def test_a_writer_that_lost_the_number_looks_again(
    ledger: Ledger, open_ledger: Callable[[], Ledger]
) -> None:
    asked = []

    def make(number: int) -> list[Delivery]:
        asked.append(number)
        if len(asked) == 1:
            open_ledger().number(Delivery, one("faster"))
        return one("slower")(number)

    assert [entry.number for entry in ledger.number(Delivery, make)] == [2]
    assert asked == [1, 2]


def test_what_belongs_to_an_entry_is_committed_with_it(
    ledger: Ledger, open_ledger: Callable[[], Ledger]
) -> None:
    """Also where another run took the number in between."""

    def make(number: int) -> list[Delivery]:
        if number == 1:
            open_ledger().number(Delivery, one("faster"))
        return one("slower")(number)

    def about(entries: Sequence[Delivery]) -> list[Claim]:
        return [replace(CLAIM, delivery=entry.number) for entry in entries]

    ledger.number(Delivery, make, about)
    assert [claim.delivery for claim in ledger.read().claims] == [2]


def test_a_writer_may_find_that_nothing_is_left_to_write(ledger: Ledger) -> None:
    assert ledger.number(Delivery, lambda _: []) == ()
    assert ledger.read().deliveries == ()


def test_nothing_to_append_makes_no_snapshot(ledger: Ledger) -> None:
    ledger.append([DECISION])
    before = ledger.read().refs.snapshot("ledger.decisions")
    ledger.append([])
    assert ledger.read().refs.snapshot("ledger.decisions") == before


def test_deliveries_are_ordered_by_number_not_by_the_clock(ledger: Ledger) -> None:
    late = replace(DELIVERY, number=2, landed_at=datetime(1999, 1, 1, tzinfo=UTC))
    ledger.append([late])
    ledger.append([DELIVERY])
    assert [entry.number for entry in ledger.read().delivered("trips")] == [1, 2]


def test_a_dataset_sees_its_own_deliveries(ledger: Ledger) -> None:
    ledger.append([DELIVERY, replace(DELIVERY, number=2, dataset="cities")])
    assert [entry.number for entry in ledger.read().delivered("cities")] == [2]


def test_entries_of_a_dataset_lie_in_files_of_their_own(ledger: Ledger) -> None:
    ledger.append([DELIVERY, replace(DELIVERY, number=2, dataset="cities")])
    files = ledger.table(Delivery).inspect.files()["partition"].to_pylist()
    assert sorted(file["by_dataset"] for file in files) == ["cities", "trips"]


def test_a_delivery_is_named_by_number_and_source() -> None:
    assert DELIVERY.label == "delivery 1 (a.csv)"


def test_many_small_commits_leave_few_files_few_snapshots_and_every_entry(
    ledger: Ledger, open_ledger: Callable[[], Ledger]
) -> None:
    for number in range(30):
        ledger.append([replace(INSPECTION, records=number)])
        ledger.append([replace(INSPECTION, dataset="cities", records=number)])
    found = [(entry.dataset, entry.records) for entry in open_ledger().read().inspections]
    assert sorted(found) == sorted((name, n) for name in ("cities", "trips") for n in range(30))
    table = ledger.table(Inspection)
    assert len(list(table.scan().plan_files())) <= 20
    assert len(table.metadata.snapshots) <= 21


def test_books_read_again_show_what_was_appended_meanwhile(
    ledger: Ledger, open_ledger: Callable[[], Ledger]
) -> None:
    ledger.append([INSPECTION])
    assert len(ledger.read().inspections) == 1
    open_ledger().append([INSPECTION])
    assert len(ledger.read().inspections) == 2
