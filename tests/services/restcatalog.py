"""An Iceberg REST catalog as its specification says, over a SQL catalog on this machine.

It does what it is asked and no more: what the engine's own commits add, the client has to ask for.
"""

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.table import CommitTableRequest, Table

from lakehouse.catalog import Catalog
from lakehouse.catalog.moving import move
from lakehouse.errors import PublishConflict
from lakehouse.settings import Settings

TOGETHER = "POST /v1/{prefix}/transactions/commit"
ENDPOINTS = [
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
]
_CODES = {
    CommitFailedException: 409,
    PublishConflict: 409,
    TableAlreadyExistsError: 409,
    NamespaceAlreadyExistsError: 409,
    NoSuchTableError: 404,
    NoSuchNamespaceError: 404,
}


@dataclass
class RestServer:
    """A server on 127.0.0.1.

    Attributes:
        settings: Where its own catalog is.
        together: Whether it offers to commit several tables together.
        requests: What it was asked, method and path.
    """

    settings: Settings
    together: bool = True

    def __post_init__(self) -> None:
        self.requests: list[str] = []
        self.busy = 0  # how many requests are still answered with 503
        self.wait = ""  # for how long it then wants to be left alone
        self.refused = 0  # the code with which it answers everything
        self.lost = 0  # how many commits are still done and then answered with 503
        self._catalog = Catalog(self.settings)
        # opened before it is asked: on Python 3.11 a cached property is computed one at a time,
        # and the client in this process is just computing its own
        assert self._catalog.names() == ()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._answer(self)

            do_POST = do_DELETE = do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, _ = request.path.partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.requests.append(f"{request.command} {path}")
        try:
            if self.refused:
                code, found = self.refused, _error("no", "NotAuthorizedException", self.refused)
            elif self.busy:
                self.busy -= 1
                code, found = 503, _error("busy", "SlowDown", 503)
            else:
                code, found = self._do(request.command, path.split("/")[2:], body)
            if self.lost and request.command == "POST" and code in (200, 204):
                self.lost -= 1
                code, found = 503, _error("the gateway lost it", "ServiceUnavailable", 503)
        except tuple(_CODES) as error:
            code = _CODES[type(error)]
            found = _error(str(error), type(error).__name__, code)
        content = json.dumps(found).encode() if found is not None else b""
        request.send_response(code)
        request.send_header("Content-Type", "application/json")
        if self.wait:
            request.send_header("Retry-After", self.wait)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _do(self, method: str, parts: list[str], body: bytes) -> tuple[int, Any]:
        inner = self._catalog.iceberg
        match method, [unquote(part) for part in parts]:
            case "GET", ["config"]:
                offered = [*ENDPOINTS, TOGETHER] if self.together else ENDPOINTS
                return 200, {"defaults": {}, "overrides": {}, "endpoints": offered}
            case "GET", ["namespaces"]:
                return 200, {"namespaces": [list(name) for name in inner.list_namespaces()]}
            case "POST", ["namespaces"]:
                asked = json.loads(body)
                inner.create_namespace(tuple(asked["namespace"]), asked["properties"])
                return 200, asked
            case "GET", ["namespaces", space]:
                return 200, {
                    "namespace": [space],
                    "properties": inner.load_namespace_properties(space),
                }
            case "GET", ["namespaces", space, "tables"]:
                named = inner.list_tables(space)
                return 200, {
                    "identifiers": [{"namespace": list(n[:-1]), "name": n[-1]} for n in named]
                }
            case "POST", ["namespaces", space, "tables"]:
                new = CreateTableRequest.model_validate_json(body)
                made = inner.create_table(
                    (space, new.name),
                    new.table_schema,
                    location=new.location,
                    partition_spec=new.partition_spec,
                    sort_order=new.write_order,
                    properties=new.properties,
                )
                return 200, _shown(made)
            case "GET", ["namespaces", space, "tables", name]:
                return 200, _shown(inner.load_table((space, name)))
            case "DELETE", ["namespaces", space, "tables", name]:
                inner.drop_table((space, name))
                return 204, None
            case "POST", ["namespaces", space, "tables", name]:
                self._commit([CommitTableRequest.model_validate_json(body)])
                return 200, _shown(inner.load_table((space, name)))
            case "POST", ["transactions", "commit"] if self.together:
                asked = json.loads(body)["table-changes"]
                self._commit([CommitTableRequest.model_validate(one) for one in asked])
                return 204, None
        return 404, _error("no such route", "NotFound", 404)

    def _commit(self, asked: list[CommitTableRequest]) -> None:
        inner, moves = self._catalog.iceberg, []
        assert isinstance(inner, SqlCatalog)
        for one in asked:
            table = inner.load_table((*one.identifier.namespace.root, one.identifier.name))
            staged = inner._update_and_stage_table(
                table, table.name(), one.requirements, one.updates
            )
            inner._write_metadata(staged.metadata, staged.io, staged.metadata_location)
            moves.append((table, staged.metadata_location))
        move(inner, moves)


def _shown(table: Table) -> dict[str, Any]:
    return {
        "metadata-location": table.metadata_location,
        "metadata": json.loads(table.metadata.model_dump_json()),
        "config": {},
    }


def _error(message: str, kind: str, code: int) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}
