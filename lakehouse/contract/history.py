"""The history of a dimension: what a contract says about the time in which a row held."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from lakehouse.contract.custom import Custom
from lakehouse.contract.document import Document, Place
from lakehouse.contract.partition import Partition
from lakehouse.contract.parts import VALIDITY, Column, History

_PROPERTIES: Place = ("schema", 0, "properties")


def read_history(
    custom: Custom, delivery: str, key: Sequence[str], partition: Partition | None
) -> History | None:
    """Returns how earlier rows are kept, or None if they are not.

    Raises:
        ContractError: A dataset whose deliveries are not the whole, that has no key or that is
            partitioned; a date or a pattern that cannot be used.
    """
    if "history" not in custom.values:
        return None
    if delivery != "full":
        why = f"needs deliveries that are the whole dataset (`delivery: full`), not {delivery}"
        raise custom.refuse("history", why)
    if not key:
        raise custom.refuse("history", "needs a primaryKey: a version is one of a row's versions")
    if partition is not None:
        raise custom.refuse("history", f"is only for whole datasets, not cut by {partition.column}")
    if custom.values["history"] is True:
        return History()
    if not isinstance(custom.values["history"], dict):
        raise custom.refuse("history", "is neither true nor a mapping with since and pattern")
    given = custom.mapping("history", ("since", "pattern"))
    return History(_since(given), _pattern(given))


def _since(given: Custom) -> date | None:
    """Returns the day from which the first rows hold."""
    written = given.text("since", None)
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError:
        raise given.refuse("since", f"{written!r} is not a day such as 2013-01-31") from None


def _pattern(given: Custom) -> str | None:
    """Returns the expression that finds the time of a delivery in its file's name."""
    written = given.text("pattern", None)
    if written is None:
        return None
    try:
        groups = re.compile(written).groups
    except re.error as error:
        raise given.refuse("pattern", f"is not a regular expression ({error})") from None
    if groups != 1:
        why = f"has {groups} groups; the time is what its only group matches"
        raise given.refuse("pattern", why, r" E.g. 'planes_(\d{4}-\d{2}-\d{2})\.csv'.")
    return written


def check_validity(document: Document, columns: Sequence[Column], history: History | None) -> None:
    """Refuses a column of a name that history gives to a column of its own.

    Raises:
        ContractError: A column called `valid_from` or `valid_to`.
    """
    taken = {column.name for column in VALIDITY} if history else set()
    for position, column in enumerate(columns):
        if column.name.lower() in taken:
            why = f"'{column.name}' is what `history` calls a column of its own"
            raise document.refuse((*_PROPERTIES, position, "name"), why)
