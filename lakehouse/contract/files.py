"""How a dataset's files are written: the custom property `read`."""

from __future__ import annotations

from typing import cast

from lakehouse.contract.custom import Custom
from lakehouse.contract.parts import FileFormat, ReadOptions


def read_options(custom: Custom) -> ReadOptions:
    """Returns how the files are written."""
    given = custom.mapping("read", ("format", "delimiter", "quote", "nulls"))
    made = ReadOptions(
        format=cast(FileFormat, given.choice("format", "csv", ("csv",))),
        delimiter=str(given.text("delimiter", ",")),
        quote=str(given.text("quote", '"')),
        nulls=given.texts("nulls", ("",)),
    )
    for name, value in (("delimiter", made.delimiter), ("quote", made.quote)):
        if len(value) != 1 or value in "\r\n":
            raise given.refuse(name, f"{value!r} is not one character")
    return made
