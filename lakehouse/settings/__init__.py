"""The only package that reads the environment.

Settings come, in this order, from environment variables `LAKEHOUSE_*`, from
`<home>/lakehouse.toml`, and from defaults that need no service at all.
"""

from lakehouse.settings.environment import (
    armed_fault,
    certificates,
    hand_down,
    machine_environment,
    share_cores,
    suggest,
    without_telemetry,
)
from lakehouse.settings.hiding import hidden, without_passwords
from lakehouse.settings.model import CONFIG_FILE, KEY_SETTING, Secret, Settings

__all__ = [
    "CONFIG_FILE",
    "KEY_SETTING",
    "Secret",
    "Settings",
    "armed_fault",
    "certificates",
    "hand_down",
    "hidden",
    "machine_environment",
    "share_cores",
    "suggest",
    "without_passwords",
    "without_telemetry",
]
