"""Erases a person: from bronze, from every table with its past, and from what quotes their rows."""

from lakehouse.erasing.person import Person
from lakehouse.erasing.result import Erased, Sought
from lakehouse.erasing.seeking import seek
from lakehouse.erasing.workflow import forget

__all__ = ["Erased", "Person", "Sought", "forget", "seek"]
