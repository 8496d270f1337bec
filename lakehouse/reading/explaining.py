"""What is wrong with each record, whatever its format: one list of reasons, in SQL."""

from __future__ import annotations

from lakehouse.connection import quote_name, quote_text
from lakehouse.contract import Column, Contract, Rule
from lakehouse.reading import values


def explained_rows(contract: Contract, rows: str) -> str:
    """Returns SQL over records with all that is wrong with each; see `Reader.explained`.

    Args:
        contract: The dataset.
        rows: SQL of the records: the columns that are read, typed and null where a cell has no
            value; `__t0`, `__t1` … the text of each, null where nothing is written; `__line`,
            `__offset`, `__raw`; and `__problem`, why the record has no cells, or empty.
    """
    return f"""
        SELECT {values.names(contract.columns)}, __line, __offset, __raw,
            CASE WHEN __problem <> '' THEN [__problem] ELSE {_reasons(contract)} END AS __reasons
        FROM ({computed(contract, rows)})
    """


def computed(contract: Contract, query: str) -> str:
    """Returns SQL that adds the computed columns; one that fails (a 30th of February) is null."""
    added = [
        f"CAST({column.transform} AS {column.type}) AS {quote_name(column.name)}"
        for column in contract.columns
        if column.transform
    ]
    return f"SELECT *, {', '.join(added)} FROM ({query})" if added else query


def _reasons(contract: Contract) -> str:
    """SQL for the list of all that is wrong with a whole record.

    Computed columns have a say only where nothing they are computed from is wrong already.
    """
    bad = {
        column.name: values.unparsable(f"__t{k}", quote_name(column.name))
        for k, column in enumerate(contract.read_columns)
    }
    made = {column.name for column in contract.columns if column.transform}
    told = [
        f"CASE WHEN {bad[column.name]} THEN {values.complaint(column, f'__t{k}')} END"
        for k, column in enumerate(contract.read_columns)
    ]
    told += [_broken(rule, bad) for rule in contract.rules if rule.column not in made]
    late = [_broken(rule, {}) for rule in contract.rules if rule.column in made]
    first = _listed([*(_uncomputed(c) for c in contract.columns if c.transform), *told])
    return f"CASE WHEN len({first}) > 0 THEN {first} ELSE {_listed(late)} END"


def _listed(told: list[str]) -> str:
    return f"list_filter([{', '.join(told)}]::VARCHAR[], lambda reason: reason IS NOT NULL)"


def _broken(rule: Rule, bad: dict[str, str]) -> str:
    """A cell without a value is told once, not once more by each rule about it."""
    unless = f" AND NOT {bad[rule.column]}" if rule.column in bad else ""
    return f"CASE WHEN ({rule.sql}) IS FALSE{unless} THEN {quote_text(rule.name)} END"


def _uncomputed(column: Column) -> str:
    """A computed column that fails although all that it is computed from is there."""
    there = " AND ".join(f"{quote_name(source)} IS NOT NULL" for source in column.sources)
    why = quote_text(f"{column.name} cannot be computed from {', '.join(column.sources)}")
    return f"CASE WHEN {quote_name(column.name)} IS NULL AND {there or 'true'} THEN {why} END"
