"""Copies of catalog, ledger and registry that a lake can be brought back from.

The data files stay where they are; a backup lists those that it needs, and maintenance keeps them.
"""

from lakehouse.backup.folder import Backup, Listed, listed, remove, remove_all
from lakehouse.backup.restoring import Restored, restore
from lakehouse.backup.saving import Saved, save

__all__ = [
    "Backup",
    "Listed",
    "Restored",
    "Saved",
    "listed",
    "remove",
    "remove_all",
    "restore",
    "save",
]
