"""Custom properties: what the standard has no place for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from open_data_contract_standard.model import CustomProperty

from lakehouse.contract.document import Document, Place
from lakehouse.errors import ContractError, did_you_mean


@dataclass(frozen=True)
class Custom:
    """Values with their places, read by type.

    Attributes:
        document: Where they stand.
        values: Value of each name that is given.
        places: Place of each value.
        here: The place above them, for what is missing.
    """

    document: Document
    values: Mapping[str, Any]
    places: Mapping[str, Place]
    here: Place = ()

    def refuse(self, name: str, why: str, hint: str = "") -> ContractError:
        """Returns the error that points to one value."""
        return self.document.refuse(self.places.get(name, (*self.here, name)), why, hint)

    def text(self, name: str, default: str | None) -> str | None:
        """Returns a text that is not empty, or the default."""
        value = self.values.get(name, default)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.refuse(name, f"{value!r} is not a text")
        return value

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """Returns one of `choices`."""
        value = self.values.get(name, default)
        if value not in choices:
            hint = did_you_mean(str(value), choices)
            raise self.refuse(name, f"{value!r} is not one of {', '.join(choices)}", hint)
        return str(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Returns a number between `low` and `high`, both included."""
        value = self.values.get(name, default)
        proper = isinstance(value, int | float) and not isinstance(value, bool)
        if not proper or not low <= value <= high:
            raise self.refuse(name, f"{value!r} is not a number between {low:g} and {high:g}")
        return float(value)

    def flag(self, name: str) -> bool:
        """Returns true or false, by default false."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.refuse(name, f"{value!r} is not true or false")
        return value

    def texts(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """Returns a list of texts."""
        value = self.values.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(x, str) for x in value):
            raise self.refuse(name, "is not a list of texts", " Put quotes around each.")
        return tuple(value)

    def mapping(self, name: str, known: Iterable[str]) -> Custom:
        """Returns the values of a mapping of which all keys are known; none if it is not given."""
        value = self.values.get(name, {})
        place = self.places.get(name, (*self.here, name))
        if not isinstance(value, dict):
            raise self.refuse(name, "is not a mapping of keys to values")
        return read_mapping(self.document, place, value, known)


def read_custom(
    document: Document,
    place: Place,
    given: Sequence[CustomProperty] | None,
    known: Iterable[str],
) -> Custom:
    """Returns the custom properties of the mapping at `place`.

    Raises:
        ContractError: One that is not known here, or given twice.
    """
    known, values, places = tuple(known), {}, {}
    for position, item in enumerate(given or ()):
        where = (*place, "customProperties", position)
        name = str(item.property)
        if name not in known:
            listed = f"; known here: {', '.join(known)}" if known else "; none are known here"
            why = f"'{name}' is not a known custom property{listed}"
            raise document.refuse(where, why, did_you_mean(name, known))
        if name in values:
            raise document.refuse(where, f"'{name}' is given twice")
        values[name], places[name] = item.value, (*where, "value")
    return Custom(document, values, places, place)


def read_mapping(
    document: Document, place: Place, value: Mapping[str, Any], known: Iterable[str]
) -> Custom:
    """Returns the values of a mapping of which all keys are known.

    Raises:
        ContractError: A key that is not known.
    """
    known = tuple(known)
    for key in value:
        if key not in known:
            why = f"is not a known key; known here: {', '.join(known)}"
            raise document.refuse((*place, key), why, did_you_mean(str(key), known))
    return Custom(document, value, {key: (*place, key) for key in value}, place)
