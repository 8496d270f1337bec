"""Takes out of the books what quotes the rows of partitions that a person's records were in."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from lakehouse import quality
from lakehouse.contract import Contract
from lakehouse.lake import Lake
from lakehouse.ledger import Books, Decision, Inspection, Judgement

_WITHHELD = "what was told of its rows went with rows that were erased"


@dataclass(frozen=True)
class Touched:
    """What a person's records were in, or may have been in.

    Attributes:
        deliveries: The deliveries that brought them, and those that retention has removed.
        objects: sha256 of the objects that were replaced, or removed.
        partitions: The partitions that these objects touch, under any contract.
    """

    deliveries: frozenset[int]
    objects: frozenset[str]
    partitions: frozenset[str]


def touched(books: Books, dataset: str, erasure: int) -> Touched:
    """Returns what the records that an erasure took out of bronze were in.

    Nobody can tell any more who was in a delivery that retention has removed.
    """
    mine = [one for one in books.replacements if one.erasure == erasure]
    removed = [one for one in books.removals if one.dataset == dataset]
    gone = {one.sha256 for one in removed}
    now, before = {one.sha256 for one in mine} | gone, {one.before for one in mine} | gone
    return Touched(
        frozenset(d.number for d in books.delivered(dataset) if d.sha256 in now),
        frozenset(before),
        frozenset(
            entry.partition
            for entry in books.inspections
            if entry.dataset == dataset and entry.sha256 in before
        ),
    )


def blot(lake: Lake, contract: Contract, about: Touched) -> None:
    """Blots out examples and observed values, in the ledger and on the dataset's page.

    Outcomes, counts and reasons that quote no row stay.
    """

    def decision(one: Decision) -> Decision:
        mine = one.dataset == contract.dataset and one.kind == "refused"
        if not mine or not (one.delivery in about.deliveries or one.partition in about.partitions):
            return one
        what = f"delivery {one.delivery}" if one.delivery else "it"
        where = f"{contract.table} [{one.partition}]" if one.partition else contract.table
        return replace(one, reason=f"{where}: {what} was refused; {_WITHHELD}.")

    def judgement(one: Judgement) -> Judgement:
        if one.dataset != contract.dataset or one.partition not in about.partitions:
            return one
        number = json.loads(one.observed) if one.unexpected is not None else None
        return replace(one, observed=json.dumps(number), examples="[]", message="")

    def inspection(one: Inspection) -> Inspection:
        if one.dataset != contract.dataset or one.sha256 not in about.objects:
            return one
        return replace(one, unreadable=_WITHHELD if one.unreadable else "")

    lake.ledger.rewrite(Decision, decision)
    lake.ledger.rewrite(Inspection, inspection)
    lake.ledger.rewrite(Judgement, judgement)
    if quality.page(lake.settings.home, contract.dataset).is_file():
        quality.write(lake.settings.home, contract, lake.ledger.judgements(contract.dataset))
