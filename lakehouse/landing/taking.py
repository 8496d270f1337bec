"""Takes landed files into bronze and books their deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from lakehouse import faults
from lakehouse.admitting import look, read_new
from lakehouse.contract import Contract
from lakehouse.errors import UsageError
from lakehouse.lake import Lake
from lakehouse.landing.claims import claim
from lakehouse.landing.copying import Copy, copy
from lakehouse.ledger import Claim, Delivery, Replacement
from lakehouse.planning.arrivals import Arrival, survey
from lakehouse.planning.totals import is_side, side_key
from lakehouse.results import Result, counted
from lakehouse.storage import StoredFile


@dataclass(frozen=True)
class Receipt(Result):
    """What was taken in.

    Attributes:
        dataset: The dataset.
        deliveries: New deliveries, in their order.
        unchanged: Files that had been delivered just so before.
        objects: Bronze objects added; fewer than deliveries where content was known.
        refused: Deliveries that cannot be read, as full sentences.
    """

    dataset: str
    deliveries: tuple[Delivery, ...]
    unchanged: int
    objects: int
    refused: tuple[str, ...] = ()

    def summary(self) -> str:
        """Counts deliveries and bytes."""
        if not self.deliveries:
            return f"bronze/{self.dataset}: nothing new"
        size = sum(delivery.size for delivery in self.deliveries) / 1e6
        return (
            f"bronze/{self.dataset}: {counted(len(self.deliveries), 'file')} landed, {size:,.1f} MB"
        )

    def facts(self) -> Mapping[str, object]:
        """Returns counts and delivery numbers."""
        return {
            "deliveries": [delivery.number for delivery in self.deliveries],
            "files": [delivery.source_key for delivery in self.deliveries],
            "bytes": sum(delivery.size for delivery in self.deliveries),
            "new_objects": self.objects,
            "unchanged_files": self.unchanged,
        }

    def refusals(self) -> tuple[str, ...]:
        """Returns what cannot be read."""
        return self.refused


def land(
    lake: Lake,
    dataset: str,
    paths: Sequence[str] = (),
    *,
    run: str,
    settle: timedelta = timedelta(0),
) -> Receipt:
    """Takes files into bronze.

    Args:
        lake: The lake.
        dataset: Name of a declared dataset.
        paths: Local files; without any, all that is new in the dataset's landing folder.
        run: The run.
        settle: Files in the landing folder that changed more recently are left for later.

    Raises:
        UnknownName: No contract declares the dataset.
        UsageError: A path is not a file, or has no control totals beside it.
    """
    contract = lake.contract(dataset)
    books = lake.ledger.read()
    if paths:
        found = [_named(contract, path) for path in _data(contract, paths)]
    else:
        found = [a for a in survey(lake, dataset, books, settle) if not a.waits]
    files = {arrival.key: arrival for arrival in found}
    known = {entry.sha256 for entry in books.delivered(dataset)}
    whole = _copies(lake, contract, files.values(), books.replaced_in(dataset))

    def entries(number: int) -> list[Delivery]:
        """Looked at again at each attempt: another run may have landed the same file."""
        last = {d.source_key: d.sha256 for d in lake.ledger.read().delivered(dataset)}
        fresh = [data for data, _ in whole if last.get(data.source_key) != data.sha256]
        return [data.delivery(number + place, lake) for place, data in enumerate(fresh)]

    def claims(delivered: Sequence[Delivery]) -> list[Claim]:
        sides = {data.source_key: side for data, side in whole}
        told = ((delivery.number, sides[delivery.source_key]) for delivery in delivered)
        return [claim(lake, number, side) for number, side in told if side is not None]

    faults.reach("landing.copied")
    with lake.files_held() if whole else nullcontext():
        delivered = lake.ledger.number(Delivery, entries, claims) if whole else ()
        faults.reach("landing.booked")
        for delivery in delivered:
            if not lake.storage.exists(lake.object_url(delivery.object)):
                # it lay there of old, and maintenance took it for one that nobody wants
                file = files[delivery.source_key].file
                copy(lake, dataset, delivery.source_key, file, books.replaced_in(dataset))
    added = {delivery.sha256 for delivery in delivered} - known
    read_new(lake, contract)
    state = look(lake, contract).state
    refused = tuple(d.reason for d in state.refused if d.delivery in {e.number for e in delivered})
    return Receipt(dataset, delivered, len(files) - len(delivered), len(added), refused)


def _copies(
    lake: Lake,
    contract: Contract,
    files: Iterable[Arrival],
    instead: Mapping[str, Replacement],
) -> list[tuple[Copy, Copy | None]]:
    """Copies files with their control totals; one that still changes is left for the next run."""
    made = []
    for arrival in files:
        side = None
        if arrival.side and contract.totals:
            name = side_key(contract.totals, arrival.key)
            side = copy(lake, contract.dataset, name, arrival.side, {})
            if side is None:
                continue
        data = copy(lake, contract.dataset, arrival.key, arrival.file, instead)
        if data is not None:
            made.append((data, side))
    return made


def _data(contract: Contract, paths: Sequence[str]) -> list[str]:
    """Returns the paths without those of control totals, which come with their data files."""
    data = [path for path in paths if not is_side(contract.totals, path)]
    if not data:
        why = f"{paths[0]} carries control totals and is no data"
        raise UsageError(f"{why}. Nothing was landed. Name the data file.")
    return data


def _named(contract: Contract, path: str) -> Arrival:
    """Returns a file that a person named, with the control totals that lie beside it."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(f"{path} is not a file. Nothing was landed.")
    if contract.totals is None or contract.totals.side_file is None:
        return Arrival(file.name, StoredFile.local(file))
    side = file.with_name(side_key(contract.totals, file.name))
    if not side.is_file():
        why = f"{path} has no control totals beside it: {side.name} is missing."
        raise UsageError(f"{why} Nothing was landed. Put it there, then land the file again.")
    return Arrival(file.name, StoredFile.local(file), StoredFile.local(side))
