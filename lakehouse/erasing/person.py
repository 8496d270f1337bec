"""Whose rows are meant: the values of columns, and the traces that they may leave in a text."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_name
from lakehouse.contract import Contract
from lakehouse.errors import UnknownName, UsageError
from lakehouse.settings import Secret

TABLE = "__person"
_LEAST, _DIGITS = 5, 9
"""Characters from which a value is looked for in any text, and digits from which a number is."""


@dataclass(frozen=True)
class Person:
    """The values that tell whose rows are meant; nothing that is printed shows them.

    Attributes:
        contract: The dataset.
        values: The value of each column as it was given.
    """

    contract: Contract
    values: Mapping[str, Secret] = field(repr=False)

    @classmethod
    def parse(cls, contract: Contract, keys: Sequence[str]) -> Person:
        """Returns the person whom the words of a command line name.

        Args:
            contract: The dataset.
            keys: `COLUMN=VALUE`, or the value alone where the key is one column.

        Raises:
            UnknownName: The dataset has no such column.
            UsageError: A value has no column or is none of its column's, or nothing is given.
        """
        values = dict(_named(contract, key) for key in keys)
        if not values:
            raise UsageError("Nobody is named: give --key. Nothing was changed.")
        person = cls(contract, values)
        with duckdb.connect() as connection:
            person.tell(connection)
        return person

    @property
    def columns(self) -> str:
        """The columns, as messages and the ledger name them."""
        return ", ".join(self.values)

    @property
    def sql(self) -> str:
        """The condition that a row is the person's; where it is asked, `tell` was called before."""
        tests = (f"{quote_name(n)} = (SELECT {quote_name(n)} FROM {TABLE})" for n in self.values)
        return f"({' AND '.join(tests)})"

    def tell(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Puts the typed values into a table of the connection: no query has them in its text.

        Raises:
            UsageError: A value is none of its column's type.
        """
        given = {name: [secret.value] for name, secret in self.values.items()}
        connection.register("__given", pa.table(given))
        typed = (
            f"TRY_CAST({quote_name(n)} AS {self.contract.column(n).type}) AS {quote_name(n)}"
            for n in self.values
        )
        connection.execute("SET TimeZone='UTC'")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {', '.join(typed)} FROM __given"
        )
        connection.unregister("__given")
        for name, value in zip(self.values, self._row(connection), strict=True):
            if value is None:
                kind = self.contract.column(name).type
                why = f"What --key says of {name} is no {kind}, so no row has it."
                raise UsageError(f"{why} Nothing was changed.")

    def _row(self, connection: duckdb.DuckDBPyConnection) -> tuple[object, ...]:
        return connection.execute(f"FROM {TABLE}").fetchall()[0]

    @cached_property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """The ways in which each value may be written in a text."""
        return tuple(_forms(secret.value) for secret in self.values.values())

    def mentioned(self, text: bytes) -> bool:
        """Returns whether a text has all the values in it, each as a word of its own."""
        return all(pattern.search(text) for pattern in self._patterns)

    def blotted(self, text: str, blot: str) -> str:
        """Returns a text with something else in the place of the values."""
        if not self.words or not self.mentioned(text.encode(errors="surrogateescape")):
            return text
        for value in self.words:
            # a number in a JSON text has to stay one
            instead = "0" if value.isdigit() else blot
            text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", instead, text)
        return text

    def is_in(self, row: Mapping[str, object]) -> bool:
        """Returns whether a row of any table has the values in its columns, or in its text."""
        given = self.values.items()
        if all(name in row and str(row[name]) == secret.value for name, secret in given):
            return True
        return bool(self.words) and self.mentioned(_text(row.values()))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(_pattern(forms) for forms in self.forms)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All forms of the values, where they are told from others wherever they are found."""
        if not all(_is_distinct(secret.value) for secret in self.values.values()):
            return ()
        found = {form for forms in self.forms for form in forms}
        return tuple(sorted(found, key=lambda form: (-len(form), form)))

    def mark(self, key: bytes) -> str:
        """Returns the HMAC by which an unfinished erasure is known again."""
        said = {name: secret.value for name, secret in sorted(self.values.items())}
        content = json.dumps([self.contract.dataset, said]).encode()
        return hmac.new(key, content, hashlib.sha256).hexdigest()


def _named(contract: Contract, key: str) -> tuple[str, Secret]:
    """Returns column and value; what stands before `=` is a column only if there is one."""
    known = [column.name for column in contract.columns]
    name, equals, value = key.partition("=")
    if equals and name in known:
        return name, Secret(value)
    if len(contract.key) == 1:
        return contract.key[0], Secret(key)
    if equals and name.isidentifier():
        raise UnknownName("column", name, known)
    raise UsageError(
        f"The key of {contract.dataset} is {', '.join(contract.key) or 'not declared'}: say "
        "--key COLUMN=VALUE, once for each column that tells whose rows are meant. "
        "Nothing was changed."
    )


def _is_distinct(value: str) -> bool:
    """Whether a value is told from others wherever it stands.

    >>> _is_distinct("N10156"), _is_distinct("10156"), _is_distinct("536228726")
    (True, False, True)
    """
    return len(value) >= (_LEAST if re.search(r"[^\W\d]", value) else _DIGITS)


def _text(values: Iterable[object]) -> bytes:
    """Returns the text of values of any kind, however deep they lie."""
    found = []
    for value in values:
        if isinstance(value, bytes):
            found.append(value)
        elif isinstance(value, Mapping):
            found.append(_text([*value, *value.values()]))
        elif isinstance(value, list | tuple):
            found.append(_text(value))
        else:
            found.append(str(value).encode())
    return b"\n".join(found)


def _forms(value: str) -> tuple[str, ...]:
    """Returns a value as plain text, CSV and JSON have it."""
    escaped = (json.dumps(value, ensure_ascii=plain)[1:-1] for plain in (False, True))
    return tuple(dict.fromkeys((value, value.replace('"', '""'), *escaped)))


def _pattern(forms: Sequence[str]) -> re.Pattern[bytes]:
    words = (
        re.escape(form.encode(encoding))
        for form in forms
        for encoding in ("utf-8", "utf-16-le", "latin-1")
        if encoding != "latin-1" or _fits(form)
    )
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + b"|".join(words) + rb")(?![0-9A-Za-z])")


def _fits(form: str) -> bool:
    """Whether Latin-1 has all letters of a text, and writes them otherwise than UTF-8."""
    return not form.isascii() and all(ord(letter) < 256 for letter in form)
