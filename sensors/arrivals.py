"""Notices new landed files: each once, and none that is still being written."""

import hashlib
import json

import dagster as dg

from lakehouse.planning import arrivals
from lakehouse.planning.arrivals import SETTLE
from lakehouse.storage import StoredFile
from resources import Session
from sensors.jobs import refresh_job


def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    session: Session = context.resources.session
    # What has been landed is no arrival any more, so the cursor only remembers what waits. No
    # high-water mark of times: a file may appear late with an old time, or share a second.
    waiting = {_token(file): file for file in _waiting(session)}
    asked = set(json.loads(context.cursor or "[]"))
    fresh = sorted(waiting.keys() - asked)
    cursor = json.dumps(sorted(waiting))
    if not fresh:
        context.update_cursor(cursor)
        return dg.SkipReason(f"No new files; {len(waiting)} seen before wait to be taken.")
    request = dg.RunRequest(
        run_key=hashlib.sha256("".join(fresh).encode()).hexdigest(),
        tags={"lakehouse/files": str(len(fresh)), "lakehouse/first_file": _name(waiting[fresh[0]])},
    )
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def _waiting(session: Session) -> list[StoredFile]:
    books = session.lake.ledger.read()
    datasets = session.lake.contracts
    return [file for name in datasets for file in arrivals(session.lake, name, books, SETTLE)]


def _token(file: StoredFile) -> str:
    """Returns what tells one content of one file from another."""
    return hashlib.sha256(f"{file.url}\0{file.etag}".encode()).hexdigest()[:20]


def _name(file: StoredFile) -> str:
    return file.url.rsplit("/", 1)[-1][:200]


landed_files = dg.SensorDefinition(
    name="landed_files",
    evaluation_fn=_look,
    job_name=refresh_job.name,
    required_resource_keys={"session"},
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks into the landing folders and starts one refresh for all files that are new "
    "since its last look. A file that changed in the last seconds waits for the next look.",
)
