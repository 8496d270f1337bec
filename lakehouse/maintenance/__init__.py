"""Keeps a lake small and quick: few large files, few snapshots, no file that nobody needs.

Three verbs, each of which can be killed at any time and is completed by the next call: `compact`,
`expire` and `sweep`; `maintain` is all of them.
"""

from lakehouse.maintenance.compacting import TARGET, compact
from lakehouse.maintenance.expiring import expire
from lakehouse.maintenance.keys import KEYS, key_url, useless_keys
from lakehouse.maintenance.result import (
    Compacted,
    CompactedTable,
    Expired,
    ExpiredTable,
    Maintained,
    Swept,
    SweptPlace,
    size,
)
from lakehouse.maintenance.sweeping import sweep
from lakehouse.maintenance.workflow import maintain

__all__ = [
    "KEYS",
    "TARGET",
    "Compacted",
    "CompactedTable",
    "Expired",
    "ExpiredTable",
    "Maintained",
    "Swept",
    "SweptPlace",
    "compact",
    "expire",
    "key_url",
    "maintain",
    "size",
    "sweep",
    "useless_keys",
]
