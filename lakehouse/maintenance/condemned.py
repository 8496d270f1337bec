"""The list of files that nothing refers to, with the time since when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from lakehouse.lake import Lake

_FILE = "maintenance/condemned.json"


def read(lake: Lake) -> dict[str, datetime]:
    """Returns since when each file has been of no use, by its path in the warehouse or home."""
    url = _url(lake)
    if not lake.storage.exists(url):
        return {}
    with lake.storage.open(url) as stream:
        listed: dict[str, str] = json.loads(stream.read() or b"{}")
    return {name: datetime.fromisoformat(since) for name, since in listed.items()}


def write(lake: Lake, listed: Mapping[str, datetime]) -> None:
    """Keeps the list; it is there whole, or the one before is."""
    text = json.dumps({name: since.isoformat() for name, since in sorted(listed.items())})
    part = f"{_url(lake)}.part"
    with lake.storage.filesystem(part).open(part, "wb") as stream:
        stream.write(text.encode())
    lake.storage.rename(part, _url(lake))


def _url(lake: Lake) -> str:
    return f"{lake.settings.warehouse}/{_FILE}"
