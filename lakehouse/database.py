"""Connections to PostgreSQL that outlive a restart of the server, and to SQLite.

A lost connection is found when it is taken from the pool, not when it is used, and connecting is
tried again with growing, random pauses.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Engine, NullPool, create_engine, event, make_url
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

_CONNECT = 5
"""Seconds to connect; a server that is there answers at once."""
_FINAL = ("authentication failed", "does not exist", "no password supplied", "pg_hba.conf")
"""In answers that another attempt would get again."""


def engine(uri: str, *, retries: int = 4, timeout: int = 30, pooled: bool = True) -> Engine:
    """Returns an engine for a database.

    Args:
        uri: SQLAlchemy URL.
        retries: How often to connect again before that is an error.
        timeout: Seconds after which a server that no longer answers is given up.
        pooled: Whether a closed connection is kept for the next one who needs one.
    """
    if not uri.startswith("postgresql"):
        return create_engine(uri)
    made = create_engine(
        uri,
        pool_pre_ping=pooled,
        poolclass=None if pooled else NullPool,
        connect_args={
            "connect_timeout": min(_CONNECT, timeout),
            "tcp_user_timeout": timeout * 1000,
            "keepalives_idle": timeout,
        },
    )
    patience = Retrying(
        retry=retry_if_exception(lambda error: _passing(made.dialect, error)),
        stop=stop_after_attempt(retries + 1),
        wait=wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5),
        reraise=True,
    )

    def connect(dialect: Dialect, _: Any, arguments: Any, parameters: Any) -> Any:
        return patience(dialect.connect, *arguments, **parameters)

    event.listen(made, "do_connect", connect)
    return made


def without_password(uri: str) -> str:
    """Returns a URL as it may be shown.

    >>> without_password("postgresql://ada:secret@db/lake?sslmode=require")
    'postgresql://ada:***@db/lake'
    """
    return make_url(uri).set(query={}).render_as_string(hide_password=True)


def _passing(dialect: Dialect, error: BaseException) -> bool:
    """Whether the server may be there in a moment."""
    lost = dialect.loaded_dbapi.OperationalError
    return isinstance(error, lost) and not any(why in str(error) for why in _FINAL)
