"""What a contract says about the columns of files that are not those of the table."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.contract.document import Document, Place
from lakehouse.contract.files import ReadOptions
from lakehouse.contract.parts import Column

_PROPERTIES: Place = ("schema", 0, "properties")
_NAMED = ("csv", "tsv", "parquet")
"""Formats whose files name their columns once for all rows."""


def check_file_columns(document: Document, columns: Sequence[Column], read: ReadOptions) -> None:
    """Refuses names in files that are ambiguous, and absence where a value must be.

    Raises:
        ContractError: A computed column, a format or a name for which it makes no sense.
    """
    taken = {column.name for column in columns}
    for position, column in enumerate(columns):
        place = (*_PROPERTIES, position, "customProperties")
        said = [("fileNames", column.aliases), ("mayBeAbsent", column.absent)]
        for key in [key for key, value in said if value]:
            if column.transform is not None:
                raise document.refuse(place, f"'{key}' means nothing for a computed column")
            if key == "mayBeAbsent" and read.format not in _NAMED:
                why = f"'{key}' is not honoured for {read.format} files"
                raise document.refuse(place, why, " A key that an object lacks is null.")
            if not read.header:
                raise document.refuse(place, f"'{key}' means nothing for files without a header")
        if column.absent and column.required:
            why = "'mayBeAbsent' contradicts that a value is required"
            raise document.refuse(place, why)
        for alias in column.aliases:
            if alias in taken:
                raise document.refuse(place, f"the name '{alias}' is another column's in files")
            taken.add(alias)
