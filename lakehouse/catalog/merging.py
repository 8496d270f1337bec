"""Snapshots that leave few manifests, however many commits came before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table import Table, TableProperties, Transaction
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _ManifestMergeManager, _OverwriteFiles
from pyiceberg.typedef import EMPTY_DICT

_MANIFESTS = 16
"""Manifests that are left standing; PyIceberg merges those of appends only."""


class MergingOverwrite(_OverwriteFiles):
    """Takes files out of a table and puts files in, and merges manifests where they are many."""

    def _build_manifest_evaluator(self, spec_id: int) -> Callable[[ManifestFile], bool]:
        # PyIceberg asks one from several threads at once, and each question is kept in it: a
        # manifest was judged by another's partitions, and files that are there were not found
        make = super()._build_manifest_evaluator

        def evaluate(manifest: ManifestFile) -> bool:
            return make(spec_id)(manifest)

        return evaluate

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
    transaction: Transaction,
    table: Table,
    branch: str = MAIN_BRANCH,
    properties: Mapping[str, str] = EMPTY_DICT,
) -> MergingOverwrite:
    """Returns an overwrite of a branch, to be filled in a `with` statement."""
    return MergingOverwrite(
        operation=Operation.OVERWRITE,
        transaction=transaction,
        io=table.io,
        branch=branch,
        snapshot_properties=dict(properties),
    )


def replace_all(
    transaction: Transaction,
    table: Table,
    files: Iterable[DataFile],
    properties: Mapping[str, str] = EMPTY_DICT,
) -> int:
    """Makes files the whole content of `main` and returns the snapshot that this brings."""
    with overwrite(transaction, table, properties=properties) as change:
        for task in table.scan().plan_files():
            change.delete_data_file(task.file)
        for file in files:
            change.append_data_file(file)
    return change.snapshot_id
