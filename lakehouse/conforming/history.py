"""The versions of a dimension's rows: what each delivery changed, and the time in which it held.

The table is a pure function of all deliveries in the order of their times. A delivery closes the
versions of rows that changed or vanished and opens the new ones; rows that stayed go on. A key
whose row is broken in a delivery goes on as it was, as far as its key can be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

import duckdb

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Contract, History
from lakehouse.ledger import Delivery
from lakehouse.privacy import treated

BROKEN_KEYS = "__broken_keys"


@dataclass(frozen=True)
class Moment:
    """When a delivery's rows began to hold.

    Attributes:
        delivery: Number of the delivery.
        at: The time.
    """

    delivery: int
    at: datetime


def named_time(history: History, source_key: str) -> datetime | None:
    r"""Returns the time that a file's name tells, in UTC unless it says otherwise.

    >>> named_time(History(pattern=r"(\d{4}-\d{2}-\d{2})\.csv"), "cities_2013-04-01.csv")
    datetime.datetime(2013, 4, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    found = re.search(history.pattern or r"(?!)", source_key)
    try:
        moment = datetime.fromisoformat(found[1]) if found and found[1] else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def moments(history: History, deliveries: Sequence[Delivery]) -> list[Moment]:
    """Returns the deliveries in the order in which their rows held.

    Times come from the files' names, so that a file that comes late takes its place; otherwise from
    landing, where no clock that went back puts a delivery before its predecessors.
    """
    found: list[Moment] = []
    latest = datetime.min.replace(tzinfo=UTC)
    for delivery in sorted(deliveries, key=lambda delivery: delivery.number):
        latest = max(latest, delivery.landed_at)
        landed = delivery.landed_at if history.pattern else latest
        found.append(Moment(delivery.number, named_time(history, delivery.source_key) or landed))
    found.sort(key=lambda moment: (moment.at, moment.delivery))
    if not found or history.since is None:
        return found
    since, first = datetime.combine(history.since, time(), UTC), found[0].at
    return [Moment(m.delivery, min(since, first)) if m.at == first else m for m in found]


class Versions:
    """Resolves staged rows into versions, inside the connection that holds them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, history: History
    ) -> None:
        """Makes the empty table of the keys of broken rows."""
        self._connection, self._contract, self._history = connection, contract, history
        self._key = ", ".join(quote_name(name) for name in contract.key)
        columns = (contract.column(name) for name in contract.key)
        typed = ", ".join(f"{quote_name(column.name)} {column.type}" for column in columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {BROKEN_KEYS} ({typed}, __delivery BIGINT)"
        )

    def note(self, explained: str, delivery: Delivery) -> None:
        """Keeps the keys of the broken rows in a relation of explained records."""
        known = " AND ".join(f"{quote_name(name)} IS NOT NULL" for name in self._contract.key)
        self._connection.execute(
            f"INSERT INTO {BROKEN_KEYS} SELECT DISTINCT {self._key}, {delivery.number} "
            f"FROM {explained} WHERE len(__reasons) > 0 AND {known}"
        )

    def resolve(self, deliveries: Sequence[Delivery]) -> None:
        """Leaves in `__valid` the row that opened each version, with its two times.

        All other rows are noted in `__losers`: superseded if they held for no time at all, which
        happens among deliveries of the same time, and else duplicates of what held already.
        """
        self._stage_moments(moments(self._history, deliveries))
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE __steps AS {self._steps()}")
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE __versions AS {_MERGED}")
        self._connection.execute(
            "INSERT INTO __losers "
            "SELECT v.rowid, v.__delivery, v.__label, coalesce(s.__void, false) "
            "FROM __valid v LEFT JOIN __steps s ON s.__id = v.rowid "
            "WHERE v.rowid NOT IN (SELECT __id FROM __versions)"
        )
        # the order of hashes tells nothing of the values, the order of the values would
        order = ", ".join(treated(self._contract.column(name)) for name in self._contract.key)
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE __valid AS SELECT v.*, w.valid_from, w.valid_to "
            f"FROM __valid v JOIN __versions w ON w.__id = v.rowid ORDER BY {order}, valid_from"
        )

    def _stage_moments(self, found: Sequence[Moment]) -> None:
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE __moments "
            "(__delivery BIGINT, __place BIGINT, __at TIMESTAMPTZ)"
        )
        rows = ", ".join(
            f"({moment.delivery}, {place}, {quote_text(moment.at.isoformat())}::TIMESTAMPTZ)"
            for place, moment in enumerate(found, start=1)
        )
        if rows:
            self._connection.execute(f"INSERT INTO __moments VALUES {rows}")

    def _steps(self) -> str:
        """SQL for each valid row that counts, with the version it belongs to.

        A key's places without a gap are an island; a broken row keeps its island together and
        carries on the state before it. `__state` is the first row with the same content.
        """
        shown = ", ".join(
            treated(column) if column.treatment == "mask" else quote_name(column.name)
            for column in self._contract.columns
            if column.treatment != "drop"
        )
        return f"""
        WITH kept AS (
            SELECT {self._key}, __delivery, rowid AS __id,
                min(rowid) OVER (PARTITION BY {shown}) AS __content
            FROM __valid
            QUALIFY row_number() OVER (PARTITION BY __delivery, {self._key} ORDER BY rowid DESC) = 1
        ), seen AS (
            SELECT {self._key}, __delivery, __id, __content FROM kept
            UNION ALL
            SELECT {self._key}, __delivery, NULL, NULL
            FROM {BROKEN_KEYS} ANTI JOIN kept USING (__delivery, {self._key})
        ), placed AS (
            SELECT __place, __id, __content, dense_rank() OVER (ORDER BY {self._key}) AS __key
            FROM seen JOIN __moments USING (__delivery)
        ), islands AS (
            SELECT *, __place - row_number() OVER (PARTITION BY __key ORDER BY __place) AS __island
            FROM placed
        ), carried AS (
            SELECT *, last_value(__content IGNORE NULLS) OVER (
                PARTITION BY __key, __island ORDER BY __place
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS __state
            FROM islands
        ), opened AS (
            SELECT *, __state IS DISTINCT FROM lag(__state) OVER (
                PARTITION BY __key, __island ORDER BY __place) AS __opens
            FROM carried WHERE __state IS NOT NULL
        ), numbered AS (
            SELECT *, sum(__opens::INTEGER) OVER (
                PARTITION BY __key, __island ORDER BY __place) AS __version
            FROM opened
        ), bounded AS (
            SELECT *, min(__place) OVER version AS __first, max(__place) OVER version AS __last
            FROM numbered WINDOW version AS (PARTITION BY __key, __island, __version)
        )
        SELECT b.__key, b.__id, b.__state, b.__place = b.__first AS __opener,
            f.__at AS __from, t.__at AS __to, t.__at IS NOT DISTINCT FROM f.__at AS __void
        FROM bounded b JOIN __moments f ON f.__place = b.__first
            LEFT JOIN __moments t ON t.__place = b.__last + 1
        WHERE b.__id IS NOT NULL"""


_MERGED = """
WITH lasting AS (
    SELECT * FROM __steps WHERE __opener AND NOT __void
), joined AS (
    SELECT *, coalesce(__state = lag(__state) OVER key AND __from = lag(__to) OVER key, false)
        AS __goes_on
    FROM lasting WINDOW key AS (PARTITION BY __key ORDER BY __from)
), numbered AS (
    SELECT *, sum((NOT __goes_on)::INTEGER) OVER (PARTITION BY __key ORDER BY __from) AS __version
    FROM joined
)
SELECT arg_min(__id, __from) AS __id, min(__from) AS valid_from,
    CASE WHEN bool_or(__to IS NULL) THEN NULL ELSE max(__to) END AS valid_to
FROM numbered GROUP BY __key, __version
"""
"""One row per version: what held for no time is left out, and what it parted is one again."""
