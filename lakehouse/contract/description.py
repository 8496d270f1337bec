"""A contract as plain JSON, kept beside the table that was published under it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lakehouse.contract.model import Contract

PROPERTY = "lakehouse.contracts"
"""Table property with the contracts that its rows were published under, the latest last."""

_FINGERPRINT = "lakehouse.contract-fingerprint"
"""In the summary of a snapshot: the contract that it was published under."""

_KEPT = 3
_PROSE = ("description", "owner", "domain", "tags")
_WHERE = ("file", "dataset")
"""Where a contract stands is not what it says."""


def describe(contract: Contract) -> Mapping[str, Any]:
    """Returns what a contract says, in JSON's types; of its prose only a digest."""
    content = json.loads(json.dumps(asdict(contract), default=str))
    prose = [content.pop(name) for name in _PROSE]
    content = {name: value for name, value in content.items() if name not in _WHERE}
    for column in content["columns"]:
        prose += [column.pop("description"), column.pop("tags")]
    for check in content["expectations"] + content["queries"]:
        prose += [check.pop("notes"), check.pop("meta", None)]
    content["published"] = {c.name: c.published_type for c in contract.published}
    content["fingerprint"] = contract.fingerprint
    content["prose"] = hashlib.sha256(json.dumps(prose).encode()).hexdigest()[:16]
    described: Mapping[str, Any] = content
    return described


def records(properties: Mapping[str, str]) -> Mapping[str, Mapping[str, Any]]:
    """Returns the contracts that a table was published under, by fingerprint, the latest last."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(properties.get(PROPERTY, "{}"))
    return found


def stamp(contract: Contract) -> Mapping[str, str]:
    """Returns what a snapshot says of the contract that it is published under."""
    return {
        "lakehouse.contract-version": contract.version,
        _FINGERPRINT: contract.fingerprint,
    }


def promised(properties: Mapping[str, str], summary: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Returns the contract that readers rely on, None before anything was published under one.

    After a rollback it is not the latest.

    Args:
        properties: The table's.
        summary: Of the snapshot that readers see.
    """
    known = records(properties)
    latest = next(reversed(list(known.values())), None)
    return known.get(summary.get(_FINGERPRINT, ""), latest)


def recorded(contract: Contract, properties: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the table property once `contract` is published; empty where it says so already.

    Only the latest few stay, for every commit writes a table's properties anew.
    """
    known = dict(records(properties))
    known.pop(contract.fingerprint, None)
    known[contract.fingerprint] = describe(contract)
    text = json.dumps(dict(list(known.items())[-_KEPT:]), separators=(",", ":"))
    return {} if properties.get(PROPERTY) == text else {PROPERTY: text}
