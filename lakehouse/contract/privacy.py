"""Personal data in a contract: what becomes of a value, or who allowed it to stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from open_data_contract_standard.model import SchemaProperty

from lakehouse.contract.custom import Custom
from lakehouse.contract.document import Document, Place
from lakehouse.contract.kinds import KINDS
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import Column, Treatment, Waiver
from lakehouse.errors import did_you_mean

TREATMENTS = ("drop", "hash", "mask")
_OPEN = ("public", "internal")
"""Classifications that ask for nothing to be hidden."""
_PROPERTIES: Place = ("schema", 0, "properties")


def read_treatment(custom: Custom) -> Treatment | None:
    """Returns what becomes of the values of a property before they are written anywhere.

    Raises:
        ContractError: Not one of the treatments.
    """
    if "privacy" not in custom.values:
        return None
    return cast(Treatment, custom.choice("privacy", "", TREATMENTS))


def read_waiver(custom: Custom) -> Waiver | None:
    """Returns who allowed what the scan for personal data finds in a property.

    Raises:
        ContractError: Kinds, person or reason are missing, or the values are treated anyway.
    """
    if "waiver" not in custom.values:
        return None
    if "privacy" in custom.values:
        raise custom.refuse("waiver", "is not needed: `privacy` says what becomes of the values")
    given = custom.mapping("waiver", ("kinds", "by", "reason"))
    kinds, by, reason = given.texts("kinds", ()), given.text("by", None), given.text("reason", None)
    for name, value in (("kinds", kinds), ("by", by), ("reason", reason)):
        if not value:
            raise given.refuse(name, "is missing: a waiver says what is allowed, by whom and why")
    for kind in kinds:
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS) or f" Known: {', '.join(KINDS)}."
            raise given.refuse("kinds", f"{kind!r} is no kind of personal data", hint)
    return Waiver(kinds, str(by), str(reason))


def check_classification(document: Document, place: Place, prop: SchemaProperty) -> None:
    """Refuses a classified property of which nothing says how it is protected.

    Raises:
        ContractError: It has neither a treatment nor a waiver.
    """
    given = {custom.property for custom in prop.customProperties or ()}
    if prop.classification in (None, *_OPEN) or given & {"privacy", "waiver"}:
        return
    why = f"{prop.classification!r} does not say what becomes of the values"
    hint = (
        " Write the custom property `privacy` with drop, hash or mask, or a `waiver` with kinds, "
        f"by and reason. Only {' and '.join(_OPEN)} need neither."
    )
    raise document.refuse((*place, "classification"), why, hint)


def check_treatments(
    document: Document, columns: Sequence[Column], key: Sequence[str], partition: Partition | None
) -> None:
    """Refuses treatments after which rows could not be told apart, found or published.

    Raises:
        ContractError: A key that is dropped or masked, a partition column with a treatment, or no
            column left.
    """
    for position, column in enumerate(columns):
        place = (*_PROPERTIES, position, "customProperties")
        if column.treatment in ("drop", "mask") and column.name in key:
            done = {"drop": "dropped", "mask": "masked"}[column.treatment]
            why = f"'{column.name}' is part of the key and cannot be {done}"
            raise document.refuse(place, why, " Write `privacy: hash`: equal values stay equal.")
        if column.treatment and partition and partition.column == column.name:
            why = f"'{column.name}' cuts the table, its values are published as they are"
            raise document.refuse(place, why, " Cut by a computed column and treat its source.")
    if all(column.treatment == "drop" for column in columns):
        raise document.refuse(_PROPERTIES, "are all dropped, so nothing would be published")
