"""Files as they are delivered: their structure, their records, their typed values.

Each format is a module with the face of `Reader`.
"""

from lakehouse.reading.reader import Reader, reader
from lakehouse.reading.source import Source, unpack
from lakehouse.reading.structure import Structure

__all__ = ["Reader", "Source", "Structure", "reader", "unpack"]
