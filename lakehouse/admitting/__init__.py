"""Finds out what deliveries hold, and refuses those that cannot count whatever their rows say."""

from lakehouse.admitting.reading import read_new
from lakehouse.admitting.recording import record
from lakehouse.admitting.view import View, look

__all__ = ["View", "look", "read_new", "record"]
