"""What the quarantine and messages show of a record that has personal fields."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.connection import quote_text
from lakehouse.contract import Contract

HIDDEN = "[hidden]"
"""Stands for a personal field."""
WITHHELD = "[withheld: the record cannot be divided and the dataset has personal columns]"
"""Stands for a record of which nobody can say where its personal fields are."""


def has_personal(contract: Contract) -> bool:
    """Returns whether the files of a dataset have columns that may not be shown."""
    return any(column.treatment for column in contract.columns)


def shown_record(contract: Contract, header: Sequence[str], fields: str, whole: str) -> str:
    """Returns SQL for the text of a delimited record as it may be shown.

    It is written anew from its fields, those of personal columns hidden. Of a dataset without
    personal columns, ask for the raw text itself.

    Args:
        contract: The dataset.
        header: The file's column names in their order.
        fields: SQL for the list of the record's fields.
        whole: SQL for whether the record has all its fields, so that each can be told.
    """
    personal = {column.name for column in contract.columns if column.treatment}
    shown = (
        quote_text(HIDDEN) if name in personal else _field(contract, f"{fields}[{place}]")
        for place, name in enumerate(header, start=1)
    )
    joined = f"concat_ws({quote_text(contract.read.delimiter)}, {', '.join(shown)})"
    return f"CASE WHEN {whole} THEN {joined} ELSE {quote_text(WITHHELD)} END"


def _field(contract: Contract, field: str) -> str:
    """SQL for a field as it is written, quoted where it has to be."""
    quote, delimiter = contract.read.quote, contract.read.delimiter
    doubled = f"replace({field}, {quote_text(quote)}, {quote_text(quote * 2)})"
    special = " OR ".join(
        f"contains({field}, {quote_text(sign)})" for sign in (delimiter, quote, "\n", "\r")
    )
    return (
        f"CASE WHEN {special} THEN {quote_text(quote)} || {doubled} || {quote_text(quote)} "
        f"ELSE coalesce({field}, '') END"
    )
