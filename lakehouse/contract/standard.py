"""What of the Open Data Contract Standard is honoured, and by name what is not.

A key that changes the meaning of data and that the lake does not carry out is refused; pure
documentation is accepted. The standard's own JSON schema judges all values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from open_data_contract_standard import model as odcs
from pydantic import BaseModel, ValidationError

from lakehouse.contract.document import Document, Place
from lakehouse.errors import did_you_mean

VERSIONS = ("v3.1.0", "v3.2.0")
"""Versions of the standard whose contracts mean here what they say."""

_NESTED = "nested values are not supported; a table has only plain columns"


@dataclass(frozen=True)
class _Section:
    """One kind of mapping in a contract.

    Attributes:
        title: What a message calls it.
        model: The package's class, which knows all keys of the standard.
        refused: Keys that are not honoured, each with the reason.
        parts: The sections under its keys.
        needed: Keys that the standard leaves open and a table needs.
    """

    title: str
    model: type[BaseModel]
    refused: Mapping[str, str]
    parts: Mapping[str, _Section] = field(default_factory=dict)
    needed: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that the standard knows here, as written in YAML."""
        return tuple(shape.alias or name for name, shape in self.model.model_fields.items())


_CUSTOM = _Section("a custom property", odcs.CustomProperty, {})
_RELATIONSHIP = _Section("a relationship", odcs.Relationship, {}, {"customProperties": _CUSTOM})
_QUALITY = _Section(
    "a quality check",
    odcs.DataQuality,
    {
        "schedule": "checks run whenever a partition is built, not on a schedule of their own",
        "scheduler": "checks run whenever a partition is built, not on a schedule of their own",
        "rule": "the standard deprecates it; write `metric`",
        "customProperties": "none are known here",
    },
)
_ENUM = _Section("an enum entry", odcs.EnumValue, {"customProperties": "none are known here"})
_PROPERTY = _Section(
    "a property",
    odcs.SchemaProperty,
    {
        "physicalName": "a column has the same name in the file and in the table",
        "encryptedName": "columns are not encrypted",
        "properties": _NESTED,
        "items": _NESTED,
        "map": _NESTED,
    },
    {
        "customProperties": _CUSTOM,
        "relationships": _RELATIONSHIP,
        "quality": _QUALITY,
        "enum": _ENUM,
    },
    needed=("logicalType",),
)
_OBJECT = _Section(
    "a schema object",
    odcs.SchemaObject,
    {
        "physicalName": "a table has the name of its dataset",
        "customProperties": "ours stand at the top of the contract",
    },
    {"properties": _PROPERTY, "relationships": _RELATIONSHIP, "quality": _QUALITY},
)
_SLA = _Section(
    "a service level",
    odcs.ServiceLevelAgreementProperty,
    {
        "valueExt": "a service level has one value here",
        "schedule": "service levels have no schedule of their own",
        "scheduler": "service levels have no schedule of their own",
        "customProperties": "none are known here",
    },
)
_CONTRACT = _Section(
    "a contract",
    odcs.OpenDataContractStandard,
    {
        "servers": "where files and tables are is said by the lake's settings",
        "roles": "the lake grants no access by role",
        "slaDefaultElement": "the standard deprecates it; name the `element` of each service level",
    },
    {"schema": _OBJECT, "slaProperties": _SLA, "customProperties": _CUSTOM},
)


def read(document: Document) -> odcs.OpenDataContractStandard:
    """Returns the contract as the standard's own class, in which all is known and honoured.

    Raises:
        ContractError: An unknown key, a key not honoured, or a value that the standard forbids.
    """
    _check_version(document)
    _check_keys(document, (), document.data, _CONTRACT)
    _check_values(document)
    try:
        return odcs.OpenDataContractStandard.model_validate(document.data)
    except ValidationError as error:
        first = error.errors()[0]
        raise document.refuse(tuple(first["loc"]), first["msg"]) from None


def _check_version(document: Document) -> None:
    """Refuses a version of the standard whose keys may mean something else."""
    version = document.data.get("apiVersion")
    if version not in VERSIONS:
        why = f"{version!r} is not a version read here; write {' or '.join(VERSIONS)}"
        raise document.refuse(("apiVersion",), why)


def _check_keys(document: Document, place: Place, value: Any, section: _Section) -> None:
    """Refuses unknown and unhonoured keys in `value` and below; shapes are judged later."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            _check_keys(document, (*place, position), item, section)
    if not isinstance(value, dict):
        return
    for key in section.needed:
        if key not in value:
            raise document.refuse((*place, key), "is missing")
    for key, below in value.items():
        if key not in section.keys:
            why = f"is not a key of {section.title} in the standard"
            raise document.refuse((*place, key), why, did_you_mean(str(key), section.keys))
        if key in section.refused:
            raise document.refuse((*place, key), f"is not honoured: {section.refused[key]}")
        if key in section.parts:
            _check_keys(document, (*place, key), below, section.parts[key])


def _check_values(document: Document) -> None:
    """Refuses what the standard's JSON schema refuses, at the deepest place it points to."""
    faults = [
        fault for error in _validator().iter_errors(document.data) for fault in _faults(error)
    ]
    if faults:
        raise document.refuse(*max(faults, key=lambda fault: len(fault[0])))


def _faults(error: Any) -> Iterator[tuple[Place, str, str]]:
    """Yields place, reason and hint of a value that the JSON schema refuses.

    Unevaluated keys follow from another fault, for a subschema that fails evaluates none. Where
    several shapes are allowed, the one of the value's own type tells what is wrong.
    """
    place = tuple(error.absolute_path)
    meant = [inner for inner in error.context if inner.validator != "type"]
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance.keys() - known.keys():
            yield (*place, key), "is not a key of the standard here", did_you_mean(key, known)
    elif error.validator == "enum":
        listed = ", ".join(map(str, error.validator_value))
        hint = did_you_mean(str(error.instance), map(str, error.validator_value))
        yield place, f"{error.instance!r} is not one of {listed}", hint
    elif error.validator == "oneOf" and _compares(error.validator_value):
        found = [key for key in error.instance if str(key).startswith("must")]
        why = f"compares with {' and with '.join(found) or 'nothing'}"
        yield place, why, " Write one of mustBe, mustBeLessThan, mustBeBetween and the like."
    elif meant:
        yield from (fault for inner in meant for fault in _faults(inner))
    elif error.validator != "unevaluatedProperties":
        yield place, error.message, ""


def _compares(shapes: Any) -> bool:
    """Tells whether the shapes of which one is allowed are the comparisons of a quality check."""
    return any("mustBe" in shape.get("required", ()) for shape in shapes)


@cache
def _validator() -> Any:
    """Returns the validator of the JSON schema inside the standard's package."""
    from jsonschema import Draft201909Validator  # type: ignore[import-untyped]

    text = (resources.files("open_data_contract_standard") / "schema.json").read_text("utf-8")
    return Draft201909Validator(json.loads(text))
