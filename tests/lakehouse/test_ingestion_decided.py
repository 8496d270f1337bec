"""Whatever is delivered and decided: one run settles all, and the books are right."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse import landing
from lakehouse.cli.accounts import booked, total

READINGS = "station,time,temp\n"
LEAST_TWO = {
    "metric": "rowCount",
    "mustBeGreaterOrEqualTo": 2,
    "severity": "error",
    "description": "At least two.",
}

Rows = Sequence[tuple[str, str, int]]
"""Station, day or `never`, temperature; 0 stands for a broken row."""
Step = tuple[str, Rows | int]
"""A file that is dropped, or a decision about a delivery."""

rows = st.lists(
    st.tuples(
        st.sampled_from("XY"),
        st.sampled_from(("2013-01-05", "2013-01-06", "2013-02-05", "2013-02-06", "never")),
        st.integers(0, 3),
    ),
    max_size=5,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("a.csv", "b.csv")), rows),
        st.tuples(st.sampled_from(("withdrawn", "accepted", "replayed")), st.integers(1, 4)),
        st.just(("run", 0)),
    ),
    min_size=2,
    max_size=7,
)


def text(rows: Rows) -> str:
    return READINGS + "".join(f"{s},{day}T12:00:00Z,{temp or 'bad'}\n" for s, day, temp in rows)


def settled(lake: Any, delivered: dict[int, int]) -> None:
    """Runs, and holds tables, books and plan against each other."""
    lake.refresh("readings")
    state, before = lake.state("readings"), lake.snapshots()
    assert state.stale == {}
    again = lake.refresh("readings")
    assert (again.outcomes, again.refusals(), lake.snapshots()) == ((), (), before)
    entries = booked(lake.lake, lake.lake.contract("readings"), lake.lake.ledger.read(before))
    for entry in entries:
        parts = asdict(entry.statement)
        rows = parts.pop("rows")
        assert rows == sum(parts.values()) == delivered[entry.delivery.number]
        assert parts["waiting"] == 0
        assert min(parts.values()) >= 0
    seen = lake.rows("silver.readings", "time")
    assert len(seen) == total(entries).published
    assert len(lake.rows("quarantine.readings")) == total(entries).quarantined
    months = Counter(f"{time:%Y-%m}" for (time,) in seen)
    assert months == {name: held.rows for name, held in state.held.items() if held.rows}
    for name, number in months.items():
        assert number > 1 or state.held[name].deliveries & state.accepted


BACK = [
    ("b.csv", [("Y", "2013-02-05", 1), ("X", "2013-01-05", 3), ("X", "2013-01-06", 3)]),
    ("a.csv", [("Y", "2013-02-06", 3)]),
    ("accepted", 2),
    ("run", 0),
    ("b.csv", [("X", "2013-02-06", 1)]),
    ("b.csv", [("Y", "never", 0)]),
]
"""The last file is refused, and the one before it comes back in a month that was not stale."""


@settings(max_examples=6)
@given(steps, st.sampled_from(("replace", "incremental")))
@example(BACK, "replace")
def test_one_run_settles_whatever_came(
    make_data_lake: Any, steps: Sequence[Step], delivery: str
) -> None:
    lake, delivered = make_data_lake("readings"), {}
    lake.declare("readings", quality=[LEAST_TWO], delivery=delivery)
    for word, said in steps:
        if word == "run":
            settled(lake, delivered)
        elif isinstance(said, int):
            known = [number for number in delivered if number == said]
            if word == "replayed":
                landing.replay(lake.lake, "readings", by="ada")
            elif known:
                lake.decide(word, said)
        else:
            for new in lake.land("readings", text(said), word).deliveries:
                delivered[new.number] = len(said)
    settled(lake, delivered)
