"""How S3 is asked: where it is, how its URLs look, and how patiently.

Three libraries ask it (s3fs for the lake's files, s3fs again inside PyIceberg, DuckDB), and all
follow from here. Credentials come from the standard AWS chain: variables, files, roles.
"""

from __future__ import annotations

from typing import Any

from lakehouse.settings import Settings, suggest

_CONNECT = 5
"""Seconds to connect; a server that is there answers at once."""
_BLOCK = 8 * 1024 * 1024
"""Bytes that are read ahead."""
RETRIES = "lakehouse.retries"
"""Property of PyIceberg's files: how often one is read again that came with other bytes."""
_AGAIN = 3
"""How often a transfer is begun that breaks off in the middle, beside the retries of a request."""


def options(settings: Settings) -> dict[str, Any]:
    """Returns what s3fs is opened with."""
    prepare(settings)
    config: dict[str, Any] = {
        "connect_timeout": min(_CONNECT, settings.timeout),
        "read_timeout": settings.timeout,
    }
    if settings.s3_url_style:
        config["s3"] = {"addressing_style": settings.s3_url_style}
    client = {"endpoint_url": settings.s3_endpoint, "region_name": settings.s3_region or None}
    return {
        "client_kwargs": client,
        "config_kwargs": config,
        "use_listings_cache": False,  # another process may have put a file there
        "default_block_size": _BLOCK,
    }


def properties(settings: Settings) -> dict[str, str]:
    """Returns what PyIceberg is opened with; pyarrow's client uploads without Content-Length."""
    prepare(settings)
    found = {
        "py-io-impl": "lakehouse.catalog.verifying.VerifiedFileIO",
        RETRIES: str(settings.retries),
        "s3.connect-timeout": str(min(_CONNECT, settings.timeout)),
        "s3.request-timeout": str(settings.timeout),
    }
    if settings.s3_endpoint:
        found["s3.endpoint"] = settings.s3_endpoint
    if settings.s3_region:
        found["s3.region"] = settings.s3_region
    if settings.s3_url_style == "virtual":
        found["s3.force-virtual-addressing"] = "true"
    return found


def prepare(settings: Settings) -> None:
    """Sets what the AWS libraries read from the environment, unless the person has set it."""
    from s3fs import S3FileSystem

    S3FileSystem.retries = _AGAIN
    # exponential backoff with jitter; the old mode, which is the default, has another
    suggest("AWS_RETRY_MODE", "standard")
    suggest("AWS_MAX_ATTEMPTS", str(settings.retries + 1))
    # servers other than AWS know no trailing checksums, or give an object's for a part of it
    suggest("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    suggest("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
