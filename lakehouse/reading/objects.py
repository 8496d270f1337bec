"""JSON objects as records: which keys they have, and how each value becomes a cell.

A value keeps its JSON text until its column's type is known: `"12"` and `12` are not the same to a
column of texts. Numbers may stand in strings, as exact decimals must; nothing else is converted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column, Contract
from lakehouse.privacy import HIDDEN, WITHHELD, has_personal
from lakehouse.reading import values

_NOT_NUL = "[1-9a-fA-F]"
_ESCAPE = (
    r'\\(?:["\\/bfnrt]|u(?:'
    + "|".join("0" * zeros + _NOT_NUL + "[0-9a-fA-F]" * (3 - zeros) for zeros in range(4))
    + "))"
)
"""The regular expression of an escape in a string; a NUL is no character of a text."""
_SHOWN = 60
"""Characters of an unknown key that are shown."""


def cells(contract: Contract, query: str, keep: str) -> str:
    """Returns SQL with the typed columns, `__t0`, `__t1` … (their JSON texts) and `keep`.

    Args:
        contract: The dataset.
        query: SQL with a column `__json`, null where the record is no JSON.
        keep: Other columns of it, separated by commas.
    """
    read = contract.read_columns
    rows = f"SELECT from_json(__json, {_shape(contract)}) AS __o, {keep} FROM ({query})"
    typed = [f"{_value(c, f'__v{k}')} AS {quote_name(c.name)}" for k, c in enumerate(read)]
    texts = [f"__t{k}" for k in range(len(read))]
    return f"SELECT {', '.join([*typed, *texts])}, {keep} FROM ({_raw(contract, rows, keep)})"


def swift_cells(contract: Contract, keys: Sequence[str], query: str, keep: str) -> str:
    """Returns SQL with the typed columns, `__parsed` (each cell has a value) and `keep`.

    Most records are written in one way, with plain numbers and strings in one order of keys; what
    is so has its types without a look at each value. The others are read as `cells` reads them,
    in one expression each: of a block of rows without any such record nothing is computed.

    Args:
        contract: The dataset.
        keys: The order of keys that is expected.
        query: SQL with a column `__json`, null where the record is no JSON.
        keep: Other columns of it, separated by commas.
    """
    read = contract.read_columns
    shape = quote_text(json.dumps({column.name: _swift_type(column) for column in read}))
    pattern = quote_text(_pattern(contract, keys))
    swift = (
        f"SELECT __json, from_json(__json, {shape}) AS __f, {keep}, "
        f"coalesce(regexp_full_match(__json::VARCHAR, {pattern}), false) AS __swift FROM ({query})"
    )
    rows = (
        f"SELECT *, CASE WHEN NOT __swift THEN from_json(__json, {_shape(contract)}) END AS __o "
        f"FROM ({swift})"
    )
    named = [quote_name(column.name) for column in read]
    typed = [f"{_either(contract, c)} AS {quote_name(c.name)}" for c in read]
    checked = [c for c in read if _swift_type(c) == "VARCHAR" and c.type != "VARCHAR"]
    swiftly = [f"NOT {values.unparsable(_swift(contract, c), quote_name(c.name))}" for c in checked]
    slowly = [f"NOT {values.unparsable(_text(contract, c), quote_name(c.name))}" for c in read]
    return (
        f"SELECT {', '.join(named)}, {keep}, "
        f"CASE WHEN __swift THEN {' AND '.join(swiftly) or 'true'} "
        f"ELSE {' AND '.join([whole(contract), *slowly])} END AS __parsed "
        f"FROM (SELECT {', '.join(typed)}, {keep}, __json, __f, __o, __swift FROM ({rows}))"
    )


def _either(contract: Contract, column: Column) -> str:
    """SQL for the typed value of a cell, whichever way it is written."""
    swift = _swift(contract, column)
    if _swift_type(column) == "VARCHAR":
        swift = values.value(column, swift)
    raw = values.raw_text(column, _content(column, _text(contract, column)))
    return f"CASE WHEN __swift THEN {swift} ELSE {_value(column, raw)} END"


def _swift(contract: Contract, column: Column) -> str:
    """SQL for a plainly written value."""
    value = f"__f.{quote_name(column.name)}"
    return _present(contract, value, quoted=False) if _swift_type(column) == "VARCHAR" else value


def _text(contract: Contract, column: Column) -> str:
    """SQL for a value as it is written."""
    written = [f"__o.{quote_name(key)}" for key in (column.name, *column.aliases)]
    one = f"coalesce({', '.join(written)})" if column.aliases else written[0]
    return _present(contract, f"{one}::VARCHAR")


def _shape(contract: Contract) -> str:
    """The struct of all values as they are written."""
    return quote_text(json.dumps(dict.fromkeys(_keys(contract), "JSON")))


def _raw(contract: Contract, rows: str, keep: str) -> str:
    """SQL that adds `__t0`, `__t1` … (JSON texts) and `__v0`, `__v1` … (raw values) to `__o`.

    Each step is a query of its own: DuckDB computes an expression anew wherever it is repeated.
    """
    read = contract.read_columns
    texts = [f"{_text(contract, column)} AS __t{k}" for k, column in enumerate(read)]
    bare = [f"{_content(column, f'__t{k}')} AS __c{k}" for k, column in enumerate(read)]
    raws = [f"{values.raw_text(column, f'__c{k}')} AS __v{k}" for k, column in enumerate(read)]
    kept = ", ".join([*(f"__t{k}" for k in range(len(read))), keep])
    return (
        f"SELECT {', '.join(raws)}, {kept} FROM (SELECT {', '.join(bare)}, {kept} "
        f"FROM (SELECT {', '.join(texts)}, {keep} FROM ({rows})))"
    )


def _swift_type(column: Column) -> str:
    """The type that a value is read as where its text is known to fit."""
    direct = ("SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "BOOLEAN")
    return column.type if column.type in direct else "VARCHAR"


def _pattern(contract: Contract, keys: Sequence[str]) -> str:
    """The regular expression of a record that is written plainly.

    It is matched against valid JSON only. Any key may be missing, none may occur twice.
    """
    found = {column.name: column for column in contract.read_columns}
    members = (rf'(?:"{key}": ?(?:{_plain(found[key])}|null)(?:, ?|\}}))?' for key in keys)
    return r"\{" + "".join(members)


def _plain(column: Column) -> str:
    """The regular expression of a value that is read without loss as its `_swift_type`."""
    if column.type == "BOOLEAN":
        return "true|false"
    number = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
    if column.type == "DOUBLE":
        return number + "(?:[eE][-+]?[0-9]{1,2})?"
    if column.type.startswith("DECIMAL") or column.type == "FLOAT":
        return number
    digits = {"SMALLINT": 4, "INTEGER": 9, "BIGINT": 18}.get(column.type)
    return f"-?[0-9]{{1,{digits}}}" if digits else rf'"(?:[^"\\]|{_ESCAPE})*"'


def whole(contract: Contract) -> str:
    """Returns SQL for whether `__json` is an object that has only the contract's keys, each once.

    As a rule they stand in the contract's order, which is seen at once.
    """
    known, keys = _known(contract), "json_keys(__json)"
    once = "".join(f" AND NOT {repeated}" for _, repeated in _repeated(contract))
    return (
        f"coalesce(CASE WHEN {keys} = {known} THEN true ELSE json_type(__json) = 'OBJECT' "
        f"AND list_has_all({known}, {keys}) "
        f"AND len({keys}) = len(list_distinct({keys})){once} END, false)"
    )


def problem(contract: Contract) -> str:
    """Returns SQL for why `__json` is not a whole record, or empty."""
    keys = "json_keys(__json)"
    named = f"'key ''' || left(key, {_SHOWN}) || ''''"
    if has_personal(contract):  # a key may be anything, even a person's name
        named = f"CASE WHEN list_contains({_known(contract)}, key) THEN {named} ELSE 'a key' END"
    unknown = (
        f"list_transform(list_filter(list_distinct({keys}), lambda key: "
        f"NOT list_contains({_known(contract)}, key)), "
        f"lambda key: {named} || ' is not in the contract')"
    )
    twice = (
        f"list_transform(list_filter(list_distinct({keys}), lambda key: "
        f"len(list_filter({keys}, lambda other: other = key)) > 1), "
        f"lambda key: {named} || ' occurs twice')"
    )
    said = [
        f"CASE WHEN {repeated} THEN 'column ''{name}'' occurs under several names' END"
        for name, repeated in _repeated(contract)
    ]
    several = f"list_filter([{', '.join(said)}]::VARCHAR[], lambda told: told IS NOT NULL)"
    return (
        "CASE WHEN __json IS NULL THEN 'the record is not valid JSON' "
        "WHEN json_type(__json) <> 'OBJECT' THEN 'the record is not a JSON object' "
        f"ELSE array_to_string(list_sort(list_concat({unknown}, {twice}, {several})), '; ') END"
    )


def shown(contract: Contract, raw: str, whole: str) -> str:
    """Returns SQL for the text of an object as it may be shown, personal values hidden.

    Args:
        contract: The dataset.
        raw: SQL for its text.
        whole: SQL for whether all its keys are known, so that each value can be told.
    """
    if not has_personal(contract):
        return raw
    personal = [column for column in contract.columns if column.treatment]
    hidden = {key: HIDDEN for column in personal for key in (column.name, *column.aliases)}
    merged = f"json_merge_patch({raw}, {quote_text(json.dumps(hidden))})::VARCHAR"
    return f"CASE WHEN {whole} THEN {merged} ELSE {quote_text(WITHHELD)} END"


def _known(contract: Contract) -> str:
    return f"[{', '.join(quote_text(key) for key in _keys(contract))}]"


def _keys(contract: Contract) -> list[str]:
    """All keys that an object may have: the columns' names, first, and their names in files."""
    read = contract.read_columns
    return [*(c.name for c in read), *(alias for c in read for alias in c.aliases)]


def _repeated(contract: Contract) -> list[tuple[str, str]]:
    """Columns with several names, and SQL for whether an object has more than one of them."""
    found = []
    for column in contract.read_columns:
        if column.aliases:
            names = ", ".join(quote_text(name) for name in (column.name, *column.aliases))
            found.append((column.name, f"len(list_intersect(json_keys(__json), [{names}])) > 1"))
    return found


def _present(contract: Contract, text: str, *, quoted: bool = True) -> str:
    """SQL for the text of a value; a token that means null is none."""
    if not contract.read.nulls:
        return text
    tokens = (json.dumps(t, ensure_ascii=False) if quoted else t for t in contract.read.nulls)
    listed = ", ".join(quote_text(token) for token in tokens)
    return f"CASE WHEN {text} NOT IN ({listed}) THEN {text} END"


def _content(column: Column, text: str) -> str:
    """SQL for what a JSON text says to a column: a string's characters, or a number."""
    if column.type == "BOOLEAN":
        return text
    string = f"starts_with({text}, '\"')"
    escaped = f"({text}::JSON ->> '$')"
    # a quote inside a string has a backslash before it
    content = (
        f"CASE WHEN NOT contains({text}, '\\') THEN trim({text}, '\"') "
        f"WHEN NOT contains({escaped}, chr(0)) THEN {escaped} END"
    )
    otherwise = f" ELSE {text}" if values.numeric(column) else ""
    return f"CASE WHEN {string} THEN {content}{otherwise} END"


def _value(column: Column, raw: str) -> str:
    """SQL for the typed value of a raw one, NULL if it is none."""
    if column.type == "BOOLEAN":
        return f"CASE {raw} WHEN 'true' THEN true WHEN 'false' THEN false END"
    return values.value(column, raw)
