"""Puts files into bronze: each content once, byte for byte."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lakehouse import faults
from lakehouse.errors import ServiceFailed
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery, Replacement
from lakehouse.storage import StoredFile

_ATTEMPTS = 3


_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")
"""All that a producer's name adds to a path of the lake, for whoever looks into bronze."""


@dataclass(frozen=True)
class Copy:
    """A file in bronze.

    Attributes:
        dataset: The dataset.
        source_key: Name at the source.
        object: Its path in the warehouse, as the books call it.
        sha256: Content address.
        size: Bytes.
        etag: The source's version mark.
    """

    dataset: str
    source_key: str
    object: str
    sha256: str
    size: int
    etag: str

    def delivery(self, number: int, lake: Lake) -> Delivery:
        """Returns the delivery that brought it."""
        return Delivery(
            number=number,
            dataset=self.dataset,
            object=self.object,
            sha256=self.sha256,
            size=self.size,
            source_key=self.source_key,
            source_etag=self.etag,
            landed_at=lake.settings.clock(),
        )


def copy(
    lake: Lake, dataset: str, key: str, file: StoredFile, instead: Mapping[str, Replacement]
) -> Copy | None:
    """Puts a file into bronze under its content's name; None if it changed meanwhile.

    The copy is hashed again before it gets its name, so a name never lies about its content.

    Args:
        lake: The lake.
        dataset: The dataset.
        key: The file's name at the source.
        file: The file.
        instead: What stands in the place of content that a person's records went out of, by its
            sha256: such a file brings nothing back.

    Raises:
        ServiceFailed: The store gives other bytes each time, of a file that does not change.
    """
    for _ in range(_ATTEMPTS):
        digest, size = lake.storage.digest(file.url)
        if digest in instead:
            now = instead[digest]
            return Copy(dataset, key, now.object, now.sha256, now.size, file.etag)
        suffix = "".join(s for s in PurePosixPath(key).suffixes[-2:] if _SUFFIX.fullmatch(s))
        name = f"bronze/{dataset}/{digest[:2]}/{digest}{suffix}"
        if _placed(lake, file, lake.object_url(name), (digest, size)):
            return Copy(dataset, key, name, digest, size, file.etag)
        if lake.storage.stat(file.url).etag != file.etag:
            return None  # it is still being written; the next run takes it
    why = f"it gives other bytes of {file.url} each time (their sha256 differs)"
    raise ServiceFailed("Storage", f"landing {key}", why)


def _placed(lake: Lake, file: StoredFile, target: str, content: tuple[str, int]) -> bool:
    """Copies a file; False if what arrived is not the content that was read before."""
    if lake.storage.exists(target):
        return True
    part = f"{target}.{uuid.uuid4().hex}.part"
    lake.storage.copy(file.url, part)
    if lake.storage.digest(part) != content:
        lake.storage.remove(part)
        return False
    faults.reach("landing.part")
    lake.storage.rename(part, target)
    faults.reach("landing.renamed")
    return True
