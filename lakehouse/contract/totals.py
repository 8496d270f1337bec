"""Control totals: what a producer says should be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

from lakehouse.contract.custom import Custom
from lakehouse.contract.parts import Column, Totals
from lakehouse.errors import did_you_mean

_PLACES = ("name", "stem")
_NUMERIC = ("INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL")


def read_totals(custom: Custom, columns: Sequence[Column]) -> Totals | None:
    """Returns what the producer says should be there, or None if it says nothing.

    Raises:
        ContractError: Totals without a side file, a side file without totals, or of what cannot be
            summed.
    """
    if "controlTotals" not in custom.values:
        return None
    given = custom.mapping("controlTotals", ("sideFile", "rows", "sums", "files"))
    made = Totals(_side_file(given), given.text("rows", None), _sums(given, columns), _files(given))
    _check_apart(custom, given, made.side_file)
    named = made.rows is not None or bool(made.sums)
    if named and made.side_file is None:
        why = "is missing: `rows` and `sums` are keys of the JSON file beside each data file"
        raise given.refuse("sideFile", why)
    if made.side_file is not None and not named:
        raise given.refuse("sideFile", "is read for nothing: neither `rows` nor `sums` is given")
    if not named and made.files is None:
        raise custom.refuse("controlTotals", "says nothing; write `files`, or `sideFile` with keys")
    return made


def _side_file(given: Custom) -> str | None:
    """Returns the name of the file with the totals, made from the data file's own name."""
    written = given.text("sideFile", None)
    if written is None:
        return None
    hint = " E.g. '{name}.totals.json'."
    try:
        places = {place for _, place, _, _ in Formatter().parse(written) if place is not None}
    except ValueError as error:
        raise given.refuse("sideFile", f"{written!r} cannot be read ({error})", hint) from None
    if not places or not places <= set(_PLACES):
        raise given.refuse("sideFile", f"{written!r} is not named by {{name}} or {{stem}}", hint)
    if "/" in written or "\\" in written:
        raise given.refuse("sideFile", f"{written!r} is a path; it lies beside the data file", hint)
    return written


def _check_apart(custom: Custom, given: Custom, side_file: str | None) -> None:
    """Refuses a side file that is called like its data file: all data would be taken for totals."""
    read = custom.values.get("read")
    suffix = read.get("format", "csv") if isinstance(read, Mapping) else "csv"
    name = f"data.{suffix}"
    if side_file is not None and side_file.format(name=name, stem="data") == name:
        why = f"{side_file!r} is what the data file itself is called"
        raise given.refuse("sideFile", why, " E.g. '{name}.totals.json'.")


def _sums(given: Custom, columns: Sequence[Column]) -> dict[str, str]:
    """Returns the key of the sum of each column."""
    summed = [c.name for c in columns if c.transform is None and c.type.startswith(_NUMERIC)]
    if "sums" not in given.values:
        return {}
    sums = given.mapping("sums", given.values["sums"] or ())
    for name in sums.values:
        if name not in summed:
            why = f"'{name}' is not a column of numbers that the file has"
            raise sums.refuse(name, why, did_you_mean(str(name), summed))
    return {name: str(sums.text(name, None)) for name in sums.values}


def _files(given: Custom) -> int | None:
    """Returns how many files touch each partition."""
    files = given.values.get("files")
    if files is not None and (isinstance(files, bool) or not isinstance(files, int) or files < 1):
        raise given.refuse("files", f"{files!r} is not a whole number of files from 1")
    return files
