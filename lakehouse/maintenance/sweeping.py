"""Files that nothing refers to are condemned, and deleted when nobody can need them any more.

A reader that opened a table before a file was condemned may still read it, and a run may be about
to refer to a file that it has just written. So a file goes only when it has been condemned for the
grace period and was not written in it. A clock that was set back makes both ages zero, and the file
stays.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lakehouse import faults
from lakehouse.lake import Lake
from lakehouse.ledger import Removal
from lakehouse.maintenance import condemned
from lakehouse.maintenance.marking import Marked, Useless, again, mark, scratch, young
from lakehouse.maintenance.result import Swept, SweptPlace
from lakehouse.planning.retention import told

Progress = Callable[[str], None]
_ZERO = timedelta(0)
_BATCH = 1000
"""Files that are deleted while others wait."""


def sweep(
    lake: Lake,
    *,
    run: str,
    grace: timedelta | None = None,
    now: datetime | None = None,
    dry: bool = False,
    progress: Progress = lambda _: None,
) -> Swept:
    """Deletes the files that nothing has referred to for the grace period.

    Those of tables, of bronze and of models; objects in bronze that are past the retention of a
    contract which says so, recorded before they go; and scratch folders of runs that are dead.

    Args:
        lake: The lake.
        run: The run.
        grace: How long a file stays that nothing refers to; None means the setting.
        now: The time; None means the machine's clock.
        dry: Only look.
        progress: Told of long work.
    """
    grace = lake.settings.grace if grace is None else grace
    found = mark(lake)
    now = now or datetime.now(UTC)
    since = {one.file.url: _since(known, now) for one, known in _known(lake, found.useless)}
    faults.reach("sweep.marked")

    def due(one: Useless) -> bool:
        ages = now - since[one.file.url], now - one.file.modified
        return all(max(age, _ZERO) >= grace for age in ages)

    doomed = [one for one in found.useless if due(one)]
    left = (now - grace).timestamp()
    idle = [path for path in scratch(lake.settings.home) if not young(path, left)]
    if not dry:
        with lake.files_held():
            if since or condemned.read(lake):
                condemned.write(lake, since)
        faults.reach("sweep.condemned")
        doomed = _removed(lake, found, doomed, run, progress)
    scratched = _scratched(idle, dry=dry)
    places = (*_places(found.useless, doomed), *scratched)
    return Swept(places, found.retained, tuple(found.skipped), dry)


def _known(lake: Lake, useless: Sequence[Useless]) -> Iterable[tuple[Useless, datetime | None]]:
    listed = condemned.read(lake)
    return ((one, listed.get(one.file.url)) for one in useless)


def _since(known: datetime | None, now: datetime) -> datetime:
    """Returns since when a file is of no use; a time to come was written by a clock set back."""
    return known if known is not None and known <= now else now


def _removed(
    lake: Lake, found: Marked, doomed: Sequence[Useless], run: str, progress: Progress
) -> list[Useless]:
    """Deletes files that are still of no use, and returns them.

    What is restored, landed again or saved meanwhile waits for the end of a batch, or is seen by
    the look before it.
    """
    removed: list[Useless] = []
    for start in range(0, len(doomed), _BATCH):
        batch = doomed[start : start + _BATCH]
        with lake.files_held():
            found = again(lake, found)
            useless = {one.file.url: one for one in found.useless}
            batch = [useless[one.file.url] for one in batch if one.file.url in useless]
            _record(lake, batch, run)
            faults.reach("sweep.recorded")
            for one in batch:
                with suppress(FileNotFoundError):  # another maintenance was faster
                    lake.storage.remove(one.file.url)
                faults.reach("sweep.removed")
        removed += batch
        if len(doomed) > _BATCH:
            progress(f"{len(removed):,} of {len(doomed):,} files removed")
    return removed


def _record(lake: Lake, doomed: Sequence[Useless], run: str) -> None:
    """Books which deliveries have no object from now on, before it is true."""
    entries = []
    for one in doomed:
        for delivery in one.deliveries:
            retention = lake.contract(delivery.dataset).retention
            limit = told(retention.limit) if retention else "the contract"
            reason = f"every row of {delivery.label} was past retention of {limit}"
            entries.append(
                Removal(
                    dataset=delivery.dataset,
                    delivery=delivery.number,
                    object=delivery.object,
                    sha256=delivery.sha256,
                    size=delivery.size,
                    reason=reason,
                    by=run,
                    at=lake.settings.clock(),
                )
            )
    lake.ledger.append(entries)


def _places(useless: Sequence[Useless], doomed: Sequence[Useless]) -> list[SweptPlace]:
    removed, freed = Counter(one.place for one in doomed), Counter[str]()
    for one in doomed:
        freed[one.place] += one.file.size
    found = Counter(one.place for one in useless)
    return [
        SweptPlace(place, removed[place], freed[place], number - removed[place])
        for place, number in sorted(found.items())
    ]


def _scratched(idle: Sequence[Path], *, dry: bool) -> list[SweptPlace]:
    """Removes what killed runs left on the local disk."""
    if not idle:
        return []
    files = [part for path in idle for part in (path, *path.rglob("*")) if part.is_file()]
    freed = sum(part.stat().st_size for part in files)
    for path in () if dry else idle:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [SweptPlace("scratch", len(files), freed, 0)]
