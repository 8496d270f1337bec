"""An Iceberg REST catalog, as far as its server goes.

Several tables are committed together by the specification's `transactions/commit`, which not every
server offers; one that does not is refused before anything is written. No request of the
specification reads several tables at one moment, so they are read until two rounds agree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pyiceberg.catalog.rest import Endpoint, RestCatalog
from pyiceberg.exceptions import NoSuchTableError, RESTError
from pyiceberg.table import CommitTableRequest, Table, TableIdentifier
from pyiceberg.table.update import (
    AddSnapshotUpdate,
    AssertRefSnapshotId,
    AssertTableUUID,
    TableRequirement,
    TableUpdate,
)
from pyiceberg.utils.config import Config
from requests import RequestException, Session
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.util import Retry

from lakehouse import s3
from lakehouse.catalog.opening import NAME
from lakehouse.catalog.retrying import attempts
from lakehouse.errors import PublishConflict, ServiceFailed, Unanswered, UsageError
from lakehouse.settings import Settings, certificates, hidden

_TOGETHER = Endpoint.from_string("POST /v1/{prefix}/transactions/commit")
_ROUNDS = 20
_CONNECT = 5
_LONGEST = 10
"""Seconds between two attempts."""
_CONFLICT = 409
_SERVERS_FAULT = 500
_UNAVAILABLE = 503

Told = tuple[Table, Sequence[TableRequirement], Sequence[TableUpdate]]


def open_remote(settings: Settings) -> RestCatalog:
    """Returns the catalog; further properties, e.g. its token, are PyIceberg's own settings.

    Raises:
        ServiceFailed: Its server does not answer.
    """
    properties: dict[str, Any] = {
        **(Config().get_catalog_config(NAME) or {}),
        "uri": settings.catalog_uri,
        "warehouse": settings.warehouse,
    }
    if settings.remote:
        properties |= s3.properties(settings)
    return _Patient(settings, properties)


def tables(catalog: RestCatalog, names: Collection[str] | None = None) -> dict[str, Table]:
    """Returns tables as they all were at one moment: what two rounds agree on held in between.

    Args:
        catalog: The catalog.
        names: Which, as far as they exist; all without it.

    Raises:
        ServiceFailed: Others kept committing.
    """
    found = _round(catalog, names)
    for _ in attempts(_ROUNDS):
        if len(found) <= 1 and names is not None and len(names) <= 1:
            return found
        again = _round(catalog, names)
        if _places(again) == _places(found):
            return again
        found = again
    doing = "reading several tables as they are at one moment"
    raise ServiceFailed(_service(catalog), doing, "others kept committing to them")


def commit(catalog: RestCatalog, changes: Sequence[Told]) -> None:
    """Commits all changes in one request, or none.

    Raises:
        PublishConflict: A table is no longer what its change was made from.
        UsageError: The server cannot commit several tables together; nothing was written.
        ServiceFailed: The server did not do it.
        Unanswered: It did not say whether it did.
    """
    if len(changes) > 1 and _TOGETHER not in catalog._supported_endpoints:
        listed = ", ".join(".".join(table.name()) for table, _, _ in changes)
        raise UsageError(
            f"{_service(catalog)} cannot commit several tables together ({listed}): `{_TOGETHER}` "
            "is not among the endpoints of its configuration. Nothing was published. Use a catalog "
            "that can: PostgreSQL (LAKEHOUSE_CATALOG_URI=postgresql://…), or a REST catalog with "
            "multi-table transactions."
        )
    requests = [_request(*change) for change in changes]
    if len(requests) == 1:
        table = changes[0][0]
        namespace, name = table.name()
        path = "namespaces/{namespace}/tables/{table}"
        url, body = catalog.url(path, namespace=namespace, table=name), requests[0]
    else:
        url = catalog.url("transactions/commit")
        body = f'{{"table-changes": [{", ".join(requests)}]}}'
    try:
        answer = catalog._session.post(
            url, data=body.encode(), headers={"Content-Type": "application/json"}
        )
    except RequestException as error:
        _unanswered(catalog, changes, hidden(str(error)))
        return
    if answer.status_code == _CONFLICT and _done(catalog, changes):
        return  # it was sent again after an answer that somebody in between had given
    if answer.status_code == _CONFLICT:
        listed_names = [".".join(table.name()) for table, _, _ in changes]
        raise PublishConflict(listed_names, "another run committed at the same time")
    if not answer.ok:
        why = hidden(f"it answered {answer.status_code} {answer.text[:300]}")
        if answer.status_code >= _SERVERS_FAULT:
            _unanswered(catalog, changes, why)
            return
        raise ServiceFailed(_service(catalog), "committing", why)


def _unanswered(catalog: RestCatalog, changes: Sequence[Told], why: str) -> None:
    """Returns if a commit without a valid answer was done all the same."""
    try:
        done = _done(catalog, changes)
    except (RequestException, RESTError):
        done = False
    if not done:
        raise Unanswered(_service(catalog), "committing", why)


def _request(
    table: Table, requirements: Sequence[TableRequirement], updates: Sequence[TableUpdate]
) -> str:
    """Returns a change as the specification writes it, on condition that `main` has not moved."""
    main = table.metadata.refs.get("main")
    conditions: list[TableRequirement] = [
        AssertTableUUID(uuid=table.metadata.table_uuid),
        AssertRefSnapshotId(ref="main", snapshot_id=main.snapshot_id if main else None),
    ]
    conditions += [one for one in requirements if one not in conditions]
    namespace, name = table.name()
    request = CommitTableRequest(
        identifier=TableIdentifier(namespace=[namespace], name=name),
        requirements=tuple(conditions),
        updates=tuple(updates),
    )
    return request.model_dump_json()


def _done(catalog: RestCatalog, changes: Sequence[Told]) -> bool:
    """Whether a commit was done: the tables have a snapshot that it was to add.

    A change that adds none tells nothing, as others may have made the same.
    """
    for table, _, updates in changes:
        added = {one.snapshot.snapshot_id for one in updates if isinstance(one, AddSnapshotUpdate)}
        if added:
            there = catalog.load_table(table.name()).metadata.snapshots
            return any(snapshot.snapshot_id in added for snapshot in there)
    return False


def _round(catalog: RestCatalog, names: Collection[str] | None) -> dict[str, Table]:
    if names is None:
        spaces = catalog.list_namespaces()
        names = [".".join(name) for space in spaces for name in catalog.list_tables(space)]
    found = {}
    for name in sorted(names):
        try:
            found[name] = catalog.load_table(name)
        except NoSuchTableError:
            continue
    return found


def _places(found: dict[str, Table]) -> dict[str, str]:
    return {name: table.metadata_location for name, table in found.items()}


def _service(catalog: RestCatalog) -> str:
    return f"The REST catalog at {hidden(catalog.uri)}"


class _Patient(RestCatalog):
    """A catalog whose server may be away for a moment."""

    def __init__(self, settings: Settings, properties: dict[str, Any]) -> None:
        self._settings = settings
        super().__init__(NAME, **properties)

    def _create_session(self) -> Session:
        session = super()._create_session()
        again = _Bounded(
            total=self._settings.retries,
            read=0,  # what was sent may have been done
            status_forcelist=(429, _UNAVAILABLE),
            allowed_methods=None,
            backoff_factor=0.5,
            backoff_jitter=0.5,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Timely(self._settings.timeout, again))
        if certificates():
            session.verify = certificates()
        return session


class _Bounded(Retry):
    """Waits no longer than itself would, whatever a server asks for."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Returns how many seconds a server wants to be left alone."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST)


class _Timely(HTTPAdapter):
    """Waits for an answer no longer than the settings say."""

    def __init__(self, timeout: int, retries: Retry) -> None:
        super().__init__(max_retries=retries)
        self._timeout = min(_CONNECT, timeout), timeout

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        """Sends a request with a limit of time."""
        return super().send(request, **{**options, "timeout": self._timeout})
