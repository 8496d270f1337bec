"""Whose rows are meant: the values of columns, and the traces that they may leave in a text."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import duckdb
import pyarrow as pa

from lakehouse.connection import quote_name
from lakehouse.contract import Contract
from lakehouse.erasing.forms import forms, is_distinct, pattern, text_of
from lakehouse.errors import UnknownName, UsageError
from lakehouse.privacy import hashed, prepare
from lakehouse.settings import Secret, Settings

TABLE = "__person"


@dataclass(frozen=True)
class Person:
    """The values that tell whose rows are meant; nothing that is printed shows them.

    Attributes:
        contract: The dataset.
        values: The value of each column as it was given.
        others: Further texts of the values: as their types write them, and hashed.
    """

    contract: Contract
    values: Mapping[str, Secret] = field(repr=False)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

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
            return person._with(person._typed(connection))

    def published(self, settings: Settings) -> Person:
        """Returns the same person, known also by the hashes that tables have of their values.

        Raises:
            SettingsError: The contract hashes columns and no usable key is set.
        """
        columns = [self.contract.column(name) for name in self.values]
        hidden = [column for column in columns if column.treatment == "hash"]
        if not hidden:
            return self
        with duckdb.connect() as connection:
            self.tell(connection)
            prepare(connection, self.contract, settings)
            hashes = ", ".join(hashed(column, quote_name(column.name)) for column in hidden)
            row = connection.execute(f"SELECT {hashes} FROM {TABLE}").fetchall()[0]
        return self._with({c.name: (digest,) for c, digest in zip(hidden, row, strict=True)})

    def _with(self, more: Mapping[str, tuple[str, ...]]) -> Person:
        known = {name: (*self.others.get(name, ()), *more.get(name, ())) for name in self.values}
        return replace(self, others=known)

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

    def _typed(self, connection: duckdb.DuckDBPyConnection) -> Mapping[str, tuple[str, ...]]:
        """Returns the values as SQL and Python write them, who were told before."""
        casts = ", ".join(f"CAST({quote_name(name)} AS VARCHAR)" for name in self.values)
        texts = connection.execute(f"SELECT {casts} FROM {TABLE}").fetchall()[0]
        found = zip(self.values, texts, map(str, self._row(connection)), strict=True)
        return {name: tuple(dict.fromkeys(written)) for name, *written in found}

    @cached_property
    def _texts(self) -> Mapping[str, tuple[str, ...]]:
        """The texts of each value, the one that was given first."""
        given = {name: secret.value for name, secret in self.values.items()}
        return {n: tuple(dict.fromkeys((v, *self.others.get(n, ())))) for n, v in given.items()}

    def mentioned(self, text: bytes) -> bool:
        """Returns whether a text has all the values in it, each as a word of its own."""
        return all(found.search(text) for found in self._patterns)

    def named(self, text: bytes) -> bool:
        """Returns whether a text, of whatever it tells, has all the values in it."""
        return bool(self.words) and all(found.search(text) for found in self._distinct)

    def told_by(self, content: bytes) -> bool:
        """Returns whether a file made of the dataset's rows has the values, as far as they show."""
        return self.named(content) if self.words else self.mentioned(content)

    def blotted(self, text: str, blot: str) -> str:
        """Returns a text with something else in the place of the values."""
        if not self.named(text.encode(errors="surrogateescape")):
            return text
        for value in self.words:
            # a number in a JSON text has to stay one
            instead = "0" if value.isdigit() else blot
            text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", instead, text)
        return text

    def is_in(self, row: Mapping[str, object]) -> bool:
        """Returns whether a row of any table has the values in its columns, or in its text."""
        if all(name in row and str(row[name]) in texts for name, texts in self._texts.items()):
            return True
        return self.named(text_of(row.values()))

    def mentioned_in(self, row: Mapping[str, object]) -> bool:
        """Returns whether a row of a delivered file has the values in any of its columns."""
        return self.mentioned(text_of(row.values()))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The forms of the values that are told from others wherever they are found.

        There is none if a value has none: then not all of them can be looked for.
        """
        if not all(self._distinct_forms):
            return ()
        found = {form for written in self._distinct_forms for form in written}
        return tuple(sorted(found, key=lambda form: (-len(form), form)))

    @cached_property
    def _distinct_forms(self) -> tuple[tuple[str, ...], ...]:
        distinct = (filter(is_distinct, texts) for texts in self._texts.values())
        return tuple(tuple(form for text in texts for form in forms(text)) for texts in distinct)

    @cached_property
    def _distinct(self) -> tuple[re.Pattern[bytes], ...]:
        return tuple(pattern(written) for written in self._distinct_forms)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[bytes], ...]:
        every = self._texts.values()
        return tuple(pattern([form for text in texts for form in forms(text)]) for texts in every)

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
