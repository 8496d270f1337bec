"""What to do where the servers are not installed."""

from __future__ import annotations

from lakehouse.errors import UsageError


def missing(package: str) -> UsageError:
    """Returns the error that names the package that is not installed."""
    return UsageError(
        f"{package} is not installed, nothing was started. It is in requirements.lock "
        "(`make setup`) and in the extra `services` of this package."
    )
