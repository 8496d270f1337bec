"""The lake that is tortured: what had been delivered before, and what comes now.

It is declared in the folder `project`. What comes holds one of everything that a run decides on:
good rows, broken rows, a file that cannot be read, a file with too many broken rows, a month that
fails its audit, a file that replaces its predecessor, and a table that another one rests on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

PROJECT = Path(__file__).parent / "project"
CHECKOUT = Path(__file__).parent.parent.parent
NOW = "2014-01-01T00:00:00Z"
_TRIPS = "id,start,price,city\n"
_CITIES = ("Bonn", "Essen", "Trier")


def _trips(first: int, every: int, *, telling: bool) -> str:
    """Four trips a day in four months; prices follow from city and hour, or from nothing."""
    lines, number = [], first
    for month in (1, 2, 3, 4):
        for day in range(1, 25, every):
            for hour in (2, 8, 14, 20):
                number += 1
                city = _CITIES[number * 7 % 3]
                dear = (city == "Bonn" or hour > 12) if telling else number * 37 % 11 > 5
                price = 60 + number % 7 if dear else 20 + number % 5
                at = f"2013-{month:02}-{day:02}T{hour:02}:00:00Z"
                lines.append(f"{number},{at},{price},{city}")
    return _TRIPS + "\n".join(lines) + "\n"


_BROKEN = "9001,2013-01-05T10:00:00Z,999,Bonn\n9002,2013-02-05T10:00:00Z,-1,Bonn\n"
_FEW = "9101,2013-07-05T10:00:00Z,10,Bonn\n9102,2013-07-06T10:00:00Z,10,Bonn\n"
_WORSE = "".join(f"92{n:02},2013-05-05T10:00:00Z,{999 - n % 2 * 990},Bonn\n" for n in range(8))

OLD: Mapping[str, Mapping[str, bytes]] = {
    "trips": {
        "a.csv": (_trips(0, 6, telling=False) + "9000,2013-01-05T10:00:00Z,999,X\n").encode()
    },
    "cities": {"cities-1.csv": b"name,people\nBonn,300000\nEssen,0\n"},
    "visits": {"v.csv": b"id,day,city\n1,2013-01-05,Bonn\n2,2013-01-06,Essen\n3,2013-02-01,Bonn\n"},
}
NEW: Mapping[str, Mapping[str, bytes]] = {
    "trips": {
        "b.csv": (_trips(1000, 2, telling=True) + _BROKEN).encode(),
        "c.csv": b"id,start\n\x00\xff",
        "d.csv": (_TRIPS + _WORSE).encode(),
        "e.csv": (_TRIPS + _FEW).encode(),
    },
    "cities": {"cities-2.csv": b"name,people\nBonn,310000\nEssen,580000\nTrier,-1\n"},
    "visits": {
        "v.csv": b"id,day,city\n1,2013-01-05,Bonn\n3,2013-02-01,Essen\n4,2013-02-02,Trier\n"
    },
}


def declare(folder: Path) -> Path:
    """Makes the project's folder, with the checkout's own dbt profile and macros."""
    shutil.copytree(PROJECT, folder)
    shutil.copytree(CHECKOUT / "dbt_project" / "macros", folder / "dbt_project" / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(CHECKOUT / "dbt_project" / name, folder / "dbt_project" / name)
    return folder


def deliver(landing: Path, files: Mapping[str, Mapping[str, bytes]]) -> None:
    """Drops files as a producer does."""
    for dataset, contents in files.items():
        (landing / dataset).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (landing / dataset / name).write_bytes(content)


def environment(root: Path, more: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The settings of the lake below a folder."""
    return {
        "LAKEHOUSE_PROJECT": str(root / "project"),
        "LAKEHOUSE_HOME": str(root / "lake"),
        "LAKEHOUSE_NOW": NOW,
        "LAKEHOUSE_THREADS": "2",
        **dict(more),
    }
