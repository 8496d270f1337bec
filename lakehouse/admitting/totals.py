"""Holds deliveries against what their producers say of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from lakehouse.admitting.recording import Refusal
from lakehouse.admitting.view import View
from lakehouse.connection import quote_name
from lakehouse.contract import Totals
from lakehouse.ledger import Claim, Delivery
from lakehouse.reading import reader, unpack

_REJECTS = "__rejects"
_CLOSE = 1e-9
"""Sums of binary fractions depend on the order in which they are added."""

Sum = int | float | Decimal


def differing(view: View) -> list[Refusal]:
    """Refuses deliveries that hold something else than their producer says.

    Those that readers see already, and those that a person accepted, are not asked again.
    """
    totals = view.contract.totals
    if totals is None or totals.side_file is None:
        return []
    claims = {claim.delivery: claim for claim in view.books.claims}
    found = []
    for delivery in view.state.pending:
        if delivery.number not in claims or delivery.number in view.state.rewritten:
            continue  # it came before the contract asked for totals, or lost records since
        claim = claims[delivery.number]
        rows = sum(view.state.records.get(delivery.sha256, {}).values())
        told = list(_differences(view, totals, delivery, claim, rows=rows))
        if told:
            found.append((delivery.number, "", rows, _sentence(view, delivery, told)))
    return found


def _differences(
    view: View, totals: Totals, delivery: Delivery, claim: Claim, *, rows: int
) -> Iterator[str]:
    """Yields in words what differs."""
    name = claim.source_key
    if claim.unreadable:
        yield f"its control totals cannot be used: {name} {claim.unreadable}"
        return
    figures = json.loads(claim.figures)
    wanted = [*([totals.rows] if totals.rows else []), *totals.sums.values()]
    if missing := [key for key in wanted if key not in figures]:
        yield f"its control totals cannot be used: {name} has no number '{missing[0]}'"
        return
    if totals.rows and Decimal(figures[totals.rows]) != rows:
        yield f"{name} tells of {_shown(figures[totals.rows])} rows, the file has {rows:,}"
    if not totals.sums:
        return
    for column, found in _sums(view, delivery, totals).items():
        said = Decimal(figures[totals.sums[column]])
        if not _equal(said, found):
            yield f"the sum of {column} is {_shown(found)}, {name} says {_shown(said)}"


def _sums(view: View, delivery: Delivery, totals: Totals) -> Mapping[str, Sum]:
    """Returns the sum of each column over all records, broken ones too; bad cells count nothing."""
    contract, face = view.contract, reader(view.contract)
    summed = ", ".join(_sum(view, column) for column in totals.sums)
    with view.lake.scratch() as scratch, view.lake.connect(tables=False) as connection:
        url = view.lake.object_url(delivery.object)
        source = unpack(view.lake.storage, contract, url, delivery.source_key, scratch)
        structure = face.examine(source, contract)
        found: list[tuple[Sum, ...]] = []
        if structure.plain and structure.utf8:
            query = face.typed(contract, [source.path], _REJECTS)
            found = connection.execute(f"SELECT count(*), {summed} FROM ({query})").fetchall()
            face.rejected(connection, _REJECTS)
        if not found or found[0][0] != structure.records:
            query = face.explained(connection, contract, source)
            found = connection.execute(f"SELECT count(*), {summed} FROM ({query})").fetchall()
    return dict(zip(totals.sums, found[0][1:], strict=True))


def _sum(view: View, column: str) -> str:
    """SQL for a sum that does not depend on the order of the rows where that can be had."""
    kind = view.contract.column(column).type
    added = "fsum" if kind in ("FLOAT", "DOUBLE") else "sum"
    return f"coalesce({added}({quote_name(column)}), 0)"


def _equal(said: Decimal, found: Sum) -> bool:
    if isinstance(found, float):
        return math.isclose(float(said), found, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return said == found


def _shown(figure: Sum | str) -> str:
    """Returns a figure with separators of thousands.

    >>> _shown("28330"), _shown(0.25), _shown(Decimal("1E+3"))
    ('28,330', '0.25', '1,000')
    """
    return f"{Decimal(str(figure)):,f}"


def _sentence(view: View, delivery: Delivery, told: list[str]) -> str:
    return (
        f"{view.contract.table}: {delivery.label} was refused: {'; '.join(told)}. "
        f"Nothing of it was published, readers see what they saw, its bytes stay in bronze. "
        f"Land a complete file under the same name with its control totals, then `lakehouse run`. "
        f"Take it anyway: `lakehouse accept {delivery.number} --by … --note …`."
    )
