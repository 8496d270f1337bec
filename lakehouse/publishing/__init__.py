"""The only door through which data becomes visible.

New files go to a branch (`propose`), are judged there, and `publish` moves `main` of all tables of
a run in one transaction, only if `main` still is what the branch was made from. Tables that the
engine computes as a whole are replaced by the same transaction.
"""

from lakehouse.publishing.fencing import fenced, require
from lakehouse.publishing.proposing import (
    TOGETHER,
    Draft,
    Published,
    discard,
    propose,
    publish,
)
from lakehouse.publishing.replacing import (
    Written,
    data_url,
    replace,
    replace_files,
    replace_many,
)

__all__ = [
    "TOGETHER",
    "Draft",
    "Published",
    "Written",
    "data_url",
    "discard",
    "fenced",
    "propose",
    "publish",
    "replace",
    "replace_files",
    "replace_many",
    "require",
]
