"""Brings a lake to the present format, and to another place."""

from lakehouse.migration.upgrading import Upgraded, upgrade

__all__ = ["Upgraded", "upgrade"]
