"""Brings a lake to the present format, and to another place."""

from lakehouse.migration.moving import Migrated, migrate, open_target
from lakehouse.migration.objects import Copied
from lakehouse.migration.upgrading import Upgraded, upgrade

__all__ = ["Copied", "Migrated", "Upgraded", "migrate", "open_target", "upgrade"]
