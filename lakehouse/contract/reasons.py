"""Why rows that were published under another contract are out of date."""

from __future__ import annotations

from collections.abc import Mapping

from lakehouse.contract.description import describe, records
from lakehouse.contract.difference import differences
from lakehouse.contract.model import Contract

_TOLD = 3
"""Changes that are told one by one."""


class Reasons:
    """What changed since each earlier contract of a table, worked out once for all partitions."""

    def __init__(self, contract: Contract, properties: Mapping[str, str]) -> None:
        self._contract, self._properties = contract, properties
        self._found: dict[str, str] = {}

    def since(self, fingerprint: str, version: str) -> str:
        """Returns in words what changed since the contract with a fingerprint and a version."""
        if fingerprint not in self._found:
            self._found[fingerprint] = self._changes(fingerprint, version)
        return self._found[fingerprint]

    def _changes(self, fingerprint: str, version: str) -> str:
        known = records(self._properties).get(fingerprint)
        if known is None:
            return f"contract changed since version {version}"
        changes = [change.what for change in differences(known, describe(self._contract))]
        more = f" and {len(changes) - _TOLD} more" if len(changes) > _TOLD else ""
        now = self._contract.version
        versions = version if version == now else f"{version} → {now}"
        return f"contract {versions}: {'; '.join(changes[:_TOLD])}{more}"
