"""Takes passwords and keys out of texts that are about to be shown or kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote

_SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAKEHOUSE_HASH_KEY",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PGPASSWORD",
)
"""Variables whose values are secrets; of `LAKEHOUSE_*_URI` the passwords are."""
_LEAST = 4
"""Characters; hiding every `a` of a text would say more of a password than it hides."""
_IN_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]*@")
_NAMED = re.compile(r"\b(password|passwd|sslpassword|secret|token)=[^&\s'\"]+", re.IGNORECASE)


def hidden(text: str) -> str:
    """Returns a text without the passwords of its URLs and without this process's secrets.

    >>> hidden("no answer from postgresql://ada:s3cr3t@db:5432/lake?sslpassword=x&a=1")
    'no answer from postgresql://ada:***@db:5432/lake?sslpassword=***&a=1'
    """
    for secret in sorted(_known(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _NAMED.sub(r"\1=***", _IN_URL.sub(r"\1:***@", text))


def _known() -> Iterator[str]:
    """Yields the secrets that the environment holds, also as they stand in a URL."""
    for name, value in os.environ.items():
        found = ""
        if name in _SECRETS:
            found = value
        elif name.startswith("LAKEHOUSE_") and name.endswith("_URI") and "@" in value:
            found = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
        for secret in {found, found.strip(), unquote(found)}:
            if len(secret) >= _LEAST:
                yield secret
