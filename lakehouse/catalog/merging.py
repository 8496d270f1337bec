"""Snapshots that leave few manifests, however many commits came before."""

from __future__ import annotations

from collections.abc import Mapping

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _ManifestMergeManager, _OverwriteFiles

_MANIFESTS = 16
"""Manifests that are left standing; PyIceberg merges those of appends only."""


class MergingOverwrite(_OverwriteFiles):
    """Takes files out of a table and puts files in, and merges manifests where they are many."""

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        merger = _ManifestMergeManager(
            target_size_bytes=TableProperties.MANIFEST_TARGET_SIZE_BYTES_DEFAULT,
            min_count_to_merge=_MANIFESTS,
            merge_enabled=True,
            snapshot_producer=self,
        )
        data = [one for one in manifests if one.content == ManifestContent.DATA]
        rest = [one for one in manifests if one.content != ManifestContent.DATA]
        return merger.merge_manifests(data) + rest


def overwrite(
    transaction: Transaction, table: Table, branch: str, properties: Mapping[str, str]
) -> MergingOverwrite:
    """Returns an overwrite of a branch, to be filled in a `with` statement."""
    return MergingOverwrite(
        operation=Operation.OVERWRITE,
        transaction=transaction,
        io=table.io,
        branch=branch,
        snapshot_properties=dict(properties),
    )
