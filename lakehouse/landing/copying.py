"""Puts files into bronze: each content once, byte for byte."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lakehouse import faults
from lakehouse.lake import Lake
from lakehouse.ledger import Delivery, Replacement
from lakehouse.storage import StoredFile


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
    """
    digest, size = lake.storage.digest(file.url)
    if digest in instead:
        now = instead[digest]
        return Copy(dataset, key, now.object, now.sha256, now.size, file.etag)
    suffix = "".join(PurePosixPath(key).suffixes[-2:])
    name = f"bronze/{dataset}/{digest[:2]}/{digest}{suffix}"
    target = lake.object_url(name)
    if not lake.storage.exists(target):
        part = f"{target}.{uuid.uuid4().hex}.part"
        lake.storage.copy(file.url, part)
        if lake.storage.digest(part) != (digest, size):
            lake.storage.remove(part)
            return None  # it is still being written; the next run takes it
        faults.reach("landing.part")
        lake.storage.rename(part, target)
        faults.reach("landing.renamed")
    return Copy(dataset, key, name, digest, size, file.etag)
