"""Variables of this process, for libraries and child processes that read them themselves."""

from __future__ import annotations

import os


def machine_environment(extra: dict[str, str]) -> dict[str, str]:
    """Returns the environment for a child process: this one's plus `extra`."""
    return {**os.environ, **extra}


def hand_down(name: str, value: str) -> None:
    """Sets a variable for this process and its children, which some libraries read themselves."""
    os.environ[name] = value


def suggest(name: str, value: str) -> None:
    """Sets such a variable unless the person has set it."""
    os.environ.setdefault(name, value)


def certificates() -> str:
    """Returns the file of the authorities that https servers are checked against, if one is set."""
    return os.environ.get("AWS_CA_BUNDLE") or ""


def armed_fault() -> tuple[str, str]:
    """Returns the armed fault point and the file that lists those reached; empty outside tests."""
    return os.environ.get("LAKEHOUSE_FAULT", ""), os.environ.get("LAKEHOUSE_FAULT_LOG", "")


def without_telemetry() -> None:
    """Switches off what MLflow would report or advertise; call it before its first import."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_DISABLE_AGENT_HINT"] = "true"
    os.environ.setdefault("DO_NOT_TRACK", "true")


def share_cores() -> None:
    """Lets OpenMP threads sleep while they wait; call it before scikit-learn or torch is imported.

    They spin by default, which makes training ten times slower as soon as anything else is running.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
