"""The short way and the long way of a partition end in the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lakehouse.conforming import Count, Staging, Straight
from lakehouse.connection import quote_text

TRIPS = "id,start,price,city\n"
GOOD = [f"{n},2013-01-05T10:00:00Z,{n},Bonn\n" for n in range(1, 101)]
SHORT = {
    "clean": "".join(GOOD),
    "no row": "",
    "a field too many": "".join([*GOOD, "7,2013-01-05T10:00:00Z,10,Bonn,7\n"]),
    "a field too few": "".join(["8,2013-01-05T10:00:00Z\n", *GOOD]),
    "no number": "".join([*GOOD[:50], "x,2013-01-05T10:00:00Z,10,Bonn\n", *GOOD[50:]]),
    "a broken rule": "".join([*GOOD[:50], "900,2013-01-05T10:00:00Z,-1,Bonn\n", *GOOD[50:]]),
    "all kinds": "".join(
        [
            "8,2013-01-05T10:00:00Z\n",
            *GOOD[:10],
            "900,2013-01-05T10:00:00Z,-1,Bonn\n",
            "x,2013-01-05T10:00:00Z,10,Bonn\n",
            *GOOD[10:],
            "901,2013-01-05T10:00:00Z,-2,Bonn\n",
        ]
    ),
    "no partition": "".join([*GOOD, "900,,10,Bonn\n"]),
    "no newline at the end": "".join(GOOD)[:-1],
    "broken UTF-8": "".join([*GOOD, "900,2013-01-05T10:00:00Z,10,B\udcff\n"]),
}
LONG = {
    "a repeated key": "".join([*GOOD, GOOD[0]]),
    "a blank line": "".join([*GOOD[:50], "\n", *GOOD[50:]]),
    "a quoted newline and a broken row": "".join(
        [*GOOD, '900,2013-01-05T10:00:00Z,10,"Bo\nnn"\n', "x,2013-01-05T10:00:00Z,10,Bonn\n"]
    ),
    "a carriage return": "".join([*GOOD, "900,2013-01-05T10:00:00Z,10,Bonn\r\n"]),
    "too many broken": GOOD[0] + "x,2013-01-05T10:00:00Z,10,Bonn\n" * 9,
}


class Ways:
    """Conforms one month in both ways."""

    def __init__(self, lake: Any, contents: Sequence[str], folder: Path) -> None:
        for place, content in enumerate(contents):
            data = (TRIPS + content).encode("utf-8", "surrogateescape")
            lake.land("trips", data, f"{place}.csv")
        self.lake, self.contract = lake.lake, lake.lake.contract("trips")
        self.deliveries = self.lake.ledger.read().delivered("trips")
        self.target = str(folder / "out.parquet")

    def short(self) -> tuple[list[Any], list[Any], list[Count]] | None:
        with self.lake.connect(tables=False) as connection:
            straight = Straight(self.lake, connection, self.contract)
            counts = straight.write("2013-01", self.deliveries, self.target)
            if counts is None:
                return None
            rows = connection.execute(f"FROM read_parquet({quote_text(self.target)})").fetchall()
            return sorted(rows), self._broken(connection, straight.broken, counts), _filled(counts)

    def long(self) -> tuple[list[Any], list[Any], list[Count]]:
        with self.lake.connect(tables=False) as connection:
            staging = Staging(self.lake, connection, self.contract, {})
            wanted = {"2013-01": [delivery.number for delivery in self.deliveries]}
            counts = staging.conform(self.deliveries, wanted, ()).counts
            rows = connection.execute(staging.valid_rows("2013-01")).fetchall()
            return sorted(rows), self._broken(connection, staging.broken, counts), _filled(counts)

    @staticmethod
    def _broken(connection: Any, broken: Any, counts: Sequence[Count]) -> list[Any]:
        found = []
        for count in counts:
            query = broken.rows(count.partition, count.delivery, "run")
            found += connection.execute(query).fetchall()
        return sorted(found, key=str)


def _filled(counts: Sequence[Count]) -> list[Count]:
    return sorted((c for c in counts if c.rows), key=lambda c: (c.delivery, c.partition))


@pytest.mark.parametrize("name", SHORT)
def test_the_short_way_ends_where_the_long_way_ends(
    name: str, data_lake: Any, tmp_path: Path
) -> None:
    ways = Ways(data_lake, [SHORT[name]], tmp_path)
    assert ways.short() == ways.long()


def test_several_files_of_a_month_may_be_dirty_in_different_ways(
    data_lake: Any, tmp_path: Path
) -> None:
    dirty = ["900,2013-01-05T10:00:00Z,-1,Bonn\n", *GOOD[:40]]
    clean, both = GOOD[40:70], ["8,2013-01-05T10:00:00Z\n", *GOOD[70:]]
    ways = Ways(data_lake, ["".join(dirty), "".join(clean), "".join(both)], tmp_path)
    assert ways.short() == ways.long()


@pytest.mark.parametrize("name", LONG)
def test_what_takes_the_long_way_is_left_to_it(name: str, data_lake: Any, tmp_path: Path) -> None:
    assert Ways(data_lake, [LONG[name]], tmp_path).short() is None
