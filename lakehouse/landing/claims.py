"""Keeps what a producer says of a delivery."""

from __future__ import annotations

import json
from decimal import Decimal

from lakehouse.lake import Lake
from lakehouse.landing.copying import Copy
from lakehouse.ledger import Claim

_LARGEST = 1_000_000
_DIGITS = 60
"""A number that is told with more is no count and no sum of anything."""


def claim(lake: Lake, delivery: int, side: Copy) -> Claim:
    """Returns the entry about a delivery whose control totals are in bronze."""
    figures, unreadable = _figures(lake, side)
    return Claim(
        dataset=side.dataset,
        delivery=delivery,
        object=side.object,
        sha256=side.sha256,
        source_key=side.source_key,
        source_etag=side.etag,
        figures=figures,
        unreadable=unreadable,
    )


def _figures(lake: Lake, side: Copy) -> tuple[str, str]:
    """Returns the numbers by their keys as JSON, or why there are none."""
    if side.size > _LARGEST:
        return "", "is larger than 1 MB"
    with lake.storage.open(lake.object_url(side.object)) as stream:
        content = stream.read()
    try:
        said = json.loads(content, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        return "", "is not JSON"
    if not isinstance(said, dict):
        return "", "is not a JSON object"
    numbers = {key: str(value) for key, value in said.items() if _is_figure(value)}
    return json.dumps(numbers, sort_keys=True), ""


def _is_figure(value: object) -> bool:
    return isinstance(value, Decimal) and abs(value.adjusted()) < _DIGITS
