"""Takes landed files into bronze: each content once, byte for byte, and a delivery booked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath

from lakehouse.admitting import look, read_new
from lakehouse.errors import UnknownName, UsageError
from lakehouse.lake import Lake
from lakehouse.ledger import Decision, DecisionKind, Delivery
from lakehouse.planning.arrivals import arrivals, landing_url, source_key
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


@dataclass(frozen=True)
class Decided(Result):
    """What a person decided about deliveries.

    Attributes:
        dataset: The dataset.
        kind: What was decided.
        deliveries: About which deliveries.
    """

    dataset: str
    kind: DecisionKind
    deliveries: tuple[int, ...]

    def summary(self) -> str:
        """Says what was decided and what to do next."""
        listed = ", ".join(map(str, self.deliveries)) or "none"
        return f"{self.dataset}: {self.kind} deliveries {listed}. `lakehouse run` applies it."

    def facts(self) -> Mapping[str, object]:
        """Returns the decision."""
        return {"dataset": self.dataset, "kind": self.kind, "deliveries": list(self.deliveries)}


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
        UsageError: A path is not a file.
    """
    contract = lake.contract(dataset)
    books = lake.ledger.read()
    if paths:
        files = {PurePosixPath(path).name: _local(path) for path in paths}
    else:
        root = landing_url(lake, dataset)
        files = {source_key(root, f.url): f for f in arrivals(lake, dataset, books, settle)}
    known = {entry.sha256 for entry in books.delivered(dataset)}
    copies = [_copy(lake, dataset, key, file) for key, file in files.items()]
    whole = [copy for copy in copies if copy is not None]

    def entries(number: int) -> list[Delivery]:
        """Looked at again at each attempt: another run may have landed the same file."""
        last = {d.source_key: d.sha256 for d in lake.ledger.read().delivered(dataset)}
        fresh = [copy for copy in whole if last.get(copy.source_key) != copy.sha256]
        return [copy.delivery(number + place, lake) for place, copy in enumerate(fresh)]

    delivered = lake.ledger.number(Delivery, entries) if whole else ()
    added = {delivery.sha256 for delivery in delivered} - known
    read_new(lake, contract)
    state = look(lake, contract).state
    refused = tuple(d.reason for d in state.refused if d.delivery in {e.number for e in delivered})
    return Receipt(dataset, delivered, len(files) - len(delivered), len(added), refused)


def decide(
    lake: Lake, kind: DecisionKind, deliveries: Sequence[int], *, by: str, note: str
) -> Decided:
    """Records a person's decision: withdraw, accept or replay.

    Args:
        lake: The lake.
        kind: `withdrawn` takes deliveries out of every later result, `accepted` admits them in
            spite of the audit, `replayed` has them judged again.
        deliveries: Their numbers.
        by: Who decides.
        note: Why.

    Raises:
        UnknownName: There is no such delivery.
    """
    books = lake.ledger.read()
    known = {entry.number: entry for entry in books.deliveries}
    for number in deliveries:
        if number not in known:
            raise UnknownName("delivery", str(number), map(str, sorted(known)))
    now = lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        return [
            Decision(first + place, known[n].dataset, n, kind, "", "", 0, note, by, now)
            for place, n in enumerate(deliveries)
        ]

    lake.ledger.number(Decision, entries)
    datasets = {known[number].dataset for number in deliveries}
    return Decided(", ".join(sorted(datasets)), kind, tuple(deliveries))


def replay(lake: Lake, dataset: str, *, by: str) -> Decided:
    """Has every refused delivery of a dataset judged again by the next run."""
    lake.contract(dataset)
    books = lake.ledger.read()
    mine = (d for d in books.decisions if d.dataset == dataset and d.kind == "refused")
    numbers = sorted({decision.delivery for decision in mine})
    now = lake.settings.clock()

    def entries(first: int) -> list[Decision]:
        return [
            Decision(first + place, dataset, n, "replayed", "", "", 0, "replay", by, now)
            for place, n in enumerate(numbers)
        ]

    if numbers:
        lake.ledger.number(Decision, entries)
    return Decided(dataset, "replayed", tuple(number for number in numbers if number))


@dataclass(frozen=True)
class _Copy:
    dataset: str
    source_key: str
    object: str
    sha256: str
    size: int
    etag: str

    def delivery(self, number: int, lake: Lake) -> Delivery:
        return Delivery(
            number=number,
            dataset=self.dataset,
            object=self.object,
            sha256=self.sha256,
            size=self.size,
            source_key=self.source_key,
            source_etag=self.etag,
            landed_at=lake.settings.clock(),
        )


def _copy(lake: Lake, dataset: str, key: str, file: StoredFile) -> _Copy | None:
    """Puts a file into bronze under its content's name; None if it changed meanwhile.

    The copy is hashed again before it gets its name, so a name never lies about its content.
    """
    digest, size = lake.storage.digest(file.url)
    suffix = "".join(PurePosixPath(key).suffixes[-2:])
    target = f"{lake.settings.warehouse}/bronze/{dataset}/{digest[:2]}/{digest}{suffix}"
    if not lake.storage.exists(target):
        part = f"{target}.{uuid.uuid4().hex}.part"
        lake.storage.copy(file.url, part)
        if lake.storage.digest(part) != (digest, size):
            lake.storage.remove(part)
            return None  # it is still being written; the next run takes it
        lake.storage.rename(part, target)
    return _Copy(dataset, key, target, digest, size, file.etag)


def _local(path: str) -> StoredFile:
    file = Path(path).expanduser()
    if not file.is_file():
        raise UsageError(f"{path} is not a file. Nothing was landed.")
    return StoredFile.local(file)
